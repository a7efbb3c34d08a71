-- Establishments of the two stock files of Sirene that the observatory keeps, and those that it knows already.
-- Names in braces are relations over the user's files, quoted by the caller, who filled the temporary tables "family"
-- and "known". The legal units are read first: they are the small side of the join, so that the large file is read
-- once, as a stream, and only its few rows that match are written out.
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
    END AS ess_rule
FROM {legal_units} AS legal_unit
LEFT JOIN family ON family.code = legal_unit.categorieJuridiqueUniteLegale
LEFT JOIN listed ON listed.siren = legal_unit.siren
WHERE legal_unit.economieSocialeSolidaireUniteLegale = 'O'
    OR family.family IS NOT NULL
    OR listed.siren IS NOT NULL;

-- Those of the database are looked for whatever their legal unit is.
INSERT INTO unit (siren)
SELECT DISTINCT left(siret, 9) FROM known
EXCEPT
SELECT siren FROM unit;

-- The rule is named in the choice of départements, so that the join comes first: it leaves one row in twelve, and a
-- comparison of codes over the whole file costs more than the join does.
CREATE TEMP TABLE found AS
SELECT
    place.siret,
    unit.siren,
    coalesce(nullif(place.enseigne1Etablissement, '[ND]'), unit.name) AS name,
    unit.legal_category_code,
    unit.rna_code,
    unit.ess_rule,
    place.activitePrincipaleEtablissement AS naf_code,
    place.codeCommuneEtablissement AS commune_code,
    place.codePostalEtablissement AS post_code,
    place.trancheEffectifsEtablissement AS workforce_band,
    place.etatAdministratifEtablissement = 'A' AS is_active,
    place.coordonneeLambertAbscisseEtablissement AS x_text,
    place.coordonneeLambertOrdonneeEtablissement AS y_text,
    {optional}
FROM {establishments} AS place
INNER JOIN unit ON unit.siren = place.siren
WHERE
    CASE
        WHEN unit.ess_rule IS NOT NULL AND place.etatAdministratifEtablissement = 'A'
            THEN left(place.codeCommuneEtablissement, 2) IN ({departements})
    END
    OR (unit.siren IS NOT NULL AND place.siret IN (SELECT siret FROM known));

SELECT
    found.* EXCLUDE (x_text, y_text),
    TRY_CAST(found.x_text AS DOUBLE) AS x_m,
    TRY_CAST(found.y_text AS DOUBLE) AS y_m,
    located.x_m AS located_x_m,
    located.y_m AS located_y_m,
    located.quality AS located_quality,
    found.siret IN (SELECT siret FROM known) AS is_known
FROM found
LEFT JOIN (
    SELECT siret, TRY_CAST(x AS DOUBLE) AS x_m, TRY_CAST(y AS DOUBLE) AS y_m, CAST(qualite_xy AS VARCHAR) AS quality
    FROM {coordinates}
    WHERE CAST(epsg AS VARCHAR) = '2154' AND siret IN (SELECT siret FROM found)
) AS located USING (siret)
