-- What the two stock files of Sirene are read for, under the observatory's names. Names in braces are relations over the
-- user's files, quoted by the caller, who filled the temporary tables "family" and "known". A SIREN of fewer than nine
-- digits has lost its leading zeros.
CREATE TEMP VIEW place AS
SELECT
    file_row_number AS row_number,
    siret,
    siren,
    enseigne1Etablissement AS sign,
    activitePrincipaleEtablissement AS naf_code,
    codeCommuneEtablissement AS commune_code,
    codePostalEtablissement AS post_code,
    trancheEffectifsEtablissement AS workforce_band,
    etatAdministratifEtablissement = 'A' AS is_active,
    coordonneeLambertAbscisseEtablissement AS x_text,
    coordonneeLambertOrdonneeEtablissement AS y_text,
    caractereEmployeurEtablissement AS employer,
    dateDebut AS state_date,
    numeroVoieEtablissement AS street_number,
    typeVoieEtablissement AS street_type,
    libelleVoieEtablissement AS street_name,
    libelleCommuneEtablissement AS city,
    dateDernierTraitementEtablissement AS treated_at
FROM {establishments} AS stock;

CREATE TEMP TABLE listed AS
SELECT DISTINCT lpad(trim(SIREN), 9, '0') AS siren
FROM {ess_list} AS ess_list
WHERE regexp_full_match(trim(SIREN), '[0-9]{{1,9}}');

CREATE TEMP VIEW legal_unit AS
SELECT
    file_row_number AS unit_number,
    siren,
    denominationUniteLegale AS name,
    categorieJuridiqueUniteLegale AS legal_category_code,
    identifiantAssociationUniteLegale AS rna_code,
    economieSocialeSolidaireUniteLegale = 'O' AS is_declared,
    {is_listed} AS is_listed
FROM {legal_units} AS stock;

-- The legal units of the ESS, by any of the three rules; what costs by row is done to those only.
CREATE TEMP VIEW ess_unit AS
SELECT * REPLACE (CASE WHEN strlen(siren) < 9 THEN lpad(siren, 9, '0') ELSE siren END AS siren)
FROM legal_unit
WHERE is_declared OR is_listed OR legal_category_code IN (SELECT code FROM family);
