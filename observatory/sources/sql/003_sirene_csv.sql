-- A CSV is read once, and its rows are counted on the way: reading it is what costs.
CREATE TEMP TABLE pass AS
SELECT
    count(*) AS read_count,
    list(place) FILTER (
        WHERE place.siren IN (SELECT siren FROM unit)
            AND (
                CASE WHEN place.is_active THEN left(place.commune_code, 2) IN ({departements}) END
                OR place.siret IN (SELECT siret FROM known)
            )
    ) AS places
FROM place;

CREATE TEMP TABLE found AS
SELECT place.* EXCLUDE (row_number)
FROM (SELECT unnest(places, recursive := true) FROM pass) AS place
INNER JOIN unit USING (siren)
WHERE
    CASE
        WHEN unit.ess_rule IS NOT NULL AND place.is_active THEN left(place.commune_code, 2) IN ({departements})
    END
    OR place.siret IN (SELECT siret FROM known);

SELECT read_count FROM pass;
