-- What the two stock files of Sirene are read for: the establishments under the observatory's names, and the legal units
-- that matter. Names in braces are relations over the user's files, quoted by the caller, who filled the temporary tables
-- "family" and "known".
CREATE TEMP VIEW place AS
SELECT
    {row_number} AS row_number,
    stock.siret,
    stock.siren,
    stock.enseigne1Etablissement AS sign,
    stock.activitePrincipaleEtablissement AS naf_code,
    stock.codeCommuneEtablissement AS commune_code,
    stock.codePostalEtablissement AS post_code,
    stock.trancheEffectifsEtablissement AS workforce_band,
    stock.etatAdministratifEtablissement = 'A' AS is_active,
    stock.coordonneeLambertAbscisseEtablissement AS x_text,
    stock.coordonneeLambertOrdonneeEtablissement AS y_text,
    {optional}
FROM {establishments} AS stock;

CREATE TEMP TABLE known_unit AS
SELECT DISTINCT left(siret, 9) AS siren FROM known;

CREATE TEMP TABLE unit AS
WITH listed AS (
    SELECT DISTINCT lpad(trim(SIREN), 9, '0') AS siren
    FROM {ess_list}
    WHERE regexp_full_match(trim(SIREN), '[0-9]{{1,9}}')
)
SELECT
    legal_unit.siren,
    legal_unit.denominationUniteLegale AS name,
    legal_unit.categorieJuridiqueUniteLegale AS legal_category_code,
    legal_unit.identifiantAssociationUniteLegale AS rna_code,
    CASE
        WHEN legal_unit.economieSocialeSolidaireUniteLegale = 'O' THEN 'declared'
        WHEN listed.siren IS NOT NULL THEN 'listed'
        ELSE family.family
    END AS ess_rule,
    legal_unit.siren IN (SELECT siren FROM known_unit) AS is_known
FROM {legal_units} AS legal_unit
LEFT JOIN family ON family.code = legal_unit.categorieJuridiqueUniteLegale
LEFT JOIN listed ON listed.siren = legal_unit.siren
WHERE legal_unit.economieSocialeSolidaireUniteLegale = 'O'
    OR family.family IS NOT NULL
    OR listed.siren IS NOT NULL;

-- Those of the database are looked for whatever their legal unit is.
INSERT INTO unit (siren, is_known)
SELECT siren, true FROM known_unit
WHERE siren NOT IN (SELECT siren FROM unit);
