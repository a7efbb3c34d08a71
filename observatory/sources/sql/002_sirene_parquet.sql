-- A Parquet file is read twice, by other columns: those that choose, then the others at the chosen rows, which are one in
-- two hundred. The join to the legal units comes first and as it stands: testing the codes of all rows, or the SIREN
-- inside the reading of the file, costs more than it spares.
SET disabled_optimizers = 'join_filter_pushdown';

CREATE TEMP TABLE chosen AS
SELECT
    place.row_number,
    place.siren,
    place.commune_code,
    place.is_active,
    unit.is_ess AND coalesce(place.is_active AND left(place.commune_code, 2) IN ({departements}), false) AS is_here
FROM place
INNER JOIN (SELECT siren, ess_rule IS NOT NULL AS is_ess, is_known FROM unit) AS unit ON unit.siren = place.siren
WHERE
    CASE
        WHEN unit.is_known THEN true
        WHEN place.is_active THEN left(place.commune_code, 2) IN ({departements})
    END;

RESET disabled_optimizers;

CREATE TEMP TABLE found AS
SELECT place.* EXCLUDE (row_number, siren, commune_code, is_active), chosen.* EXCLUDE (row_number, is_here)
FROM place
INNER JOIN chosen ON chosen.row_number = place.row_number
WHERE chosen.is_here OR place.siret IN (SELECT siret FROM known);

SELECT count(*) FROM place;
