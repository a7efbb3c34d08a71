-- ESS establishments of some départements, out of the two stock files of Sirene and ESS France's list.
-- {legal_units}, {establishments} and {ess_list} are table functions over the user's files, quoted by the caller.
-- {departements} is written out and the filtered rows are materialised, so that the scan of the large file skips the
-- columns of the rows that are elsewhere in France.
WITH here AS MATERIALIZED (
    SELECT
        siret,
        siren,
        enseigne1Etablissement AS sign,
        activitePrincipaleEtablissement AS naf_code,
        codeCommuneEtablissement AS commune_code,
        codePostalEtablissement AS post_code,
        trancheEffectifsEtablissement AS workforce_band,
        etatAdministratifEtablissement AS state,
        coordonneeLambertAbscisseEtablissement AS x_text,
        coordonneeLambertOrdonneeEtablissement AS y_text
    FROM {establishments}
    WHERE left(codeCommuneEtablissement, 2) IN ({departements})
),
listed AS (
    SELECT DISTINCT lpad(trim(SIREN), 9, '0') AS siren
    FROM {ess_list}
    WHERE regexp_full_match(trim(SIREN), '[0-9]{{1,9}}')
),
unit AS (
    SELECT
        legal_unit.siren,
        legal_unit.denominationUniteLegale AS name,
        legal_unit.categorieJuridiqueUniteLegale AS legal_category_code,
        legal_unit.identifiantAssociationUniteLegale AS rna_code,
        CASE
            WHEN legal_unit.economieSocialeSolidaireUniteLegale = 'O' THEN 'declared'
            WHEN listed.siren IS NOT NULL THEN 'listed'
            ELSE family.family
        END AS ess_rule
    FROM {legal_units} AS legal_unit
    LEFT JOIN family ON family.code = legal_unit.categorieJuridiqueUniteLegale
    LEFT JOIN listed ON listed.siren = legal_unit.siren
    WHERE legal_unit.economieSocialeSolidaireUniteLegale = 'O'
        OR family.family IS NOT NULL
        OR listed.siren IS NOT NULL
)
SELECT
    here.siret,
    unit.siren,
    coalesce(here.sign, unit.name) AS name,
    unit.legal_category_code,
    unit.rna_code,
    unit.ess_rule,
    here.naf_code,
    here.commune_code,
    here.post_code,
    here.workforce_band,
    here.state = 'A' AS is_active,
    TRY_CAST(here.x_text AS DOUBLE) AS x_m,
    TRY_CAST(here.y_text AS DOUBLE) AS y_m
FROM unit
INNER JOIN here USING (siren)
