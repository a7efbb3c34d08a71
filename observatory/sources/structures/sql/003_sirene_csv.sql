-- A CSV is read once, and its rows are counted on the way: reading it is what costs.
CREATE TEMP TABLE unit AS
SELECT DISTINCT ON (siren) * EXCLUDE (unit_number) FROM ess_unit;

CREATE TEMP TABLE pass AS
SELECT
    count(*) AS read_count,
    list(place) FILTER (
        WHERE
            (
                place.is_active
                AND strlen(place.commune_code) = 5
                AND contains('{departements}', left(place.commune_code, 2))
                AND CASE WHEN strlen(place.siren) < 9 THEN lpad(place.siren, 9, '0') ELSE place.siren END IN (SELECT siren FROM unit)
            )
            OR (place.siret IN (SELECT siret FROM known) AND place.is_active IS NOT NULL)
    ) AS places
FROM place;

CREATE TEMP TABLE found AS
SELECT
    place.* EXCLUDE (row_number) REPLACE (lpad(place.siren, 9, '0') AS siren),
    place.siret IN (SELECT siret FROM known) AS is_known,
    unit.* EXCLUDE (siren)
FROM (SELECT unnest(places, recursive := true) FROM pass) AS place
LEFT JOIN unit ON unit.siren = lpad(place.siren, 9, '0');

SELECT read_count FROM pass;
