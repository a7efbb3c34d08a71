-- Territories of Normandy by level and by part of a name or start of a code, accents and case aside.
WITH asked AS (
    SELECT translate(lower(:query), 'àâäçéèêëîïôöùûüÿ’-', 'aaaceeeeiioouuuy'' ') AS text
),
found AS (
    SELECT
        territory.*,
        translate(lower(territory.name), 'àâäçéèêëîïôöùûüÿ’-', 'aaaceeeeiioouuuy'' ') AS plain
    FROM observatory.territory
    WHERE NOT territory.is_border
        AND territory.level = ANY(CAST(:levels AS text[]))
)
SELECT
    found.level,
    found.code,
    found.name,
    found.vintage,
    found.population_count,
    found.population_status,
    found.population_source_id,
    found.source_id,
    found.is_partial,
    found.commune_count,
    ST_X(ST_Transform(found.point, 4326)) AS lon,
    ST_Y(ST_Transform(found.point, 4326)) AS lat,
    count(*) OVER () AS total
FROM found, asked
WHERE CAST(:query AS text) IS NULL
    OR strpos(found.plain, asked.text) > 0
    OR starts_with(found.code, upper(:query))
ORDER BY
    (found.plain = asked.text) DESC NULLS LAST,
    (starts_with(found.plain, asked.text)) DESC NULLS LAST,
    array_position(CAST(:levels AS text[]), found.level),
    CASE WHEN :by_population THEN found.population_count END DESC NULLS LAST,
    found.plain,
    found.code
LIMIT :limit OFFSET :offset
