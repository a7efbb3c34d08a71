-- Territories of one level (or of all but IRIS) whose name holds every word looked for, the best match first.
WITH folded AS (
    SELECT
        territory.*,
        ' ' || regexp_replace(
            lower(
                translate(
                    replace(replace(territory.name, 'œ', 'oe'), 'Œ', 'Oe'),
                    'ÀÂÄÁÃÇÉÈÊËÍÌÎÏÑÓÒÔÖÕÚÙÛÜÝŸàâäáãçéèêëíìîïñóòôöõúùûüýÿ',
                    'AAAAACEEEEIIIINOOOOOUUUUYYaaaaaceeeeiiiinooooouuuuyy'
                )
            ),
            '[^a-z0-9]+', ' ', 'g'
        ) || ' ' AS words
    FROM observatory.territory AS territory
    WHERE NOT territory.is_border
        AND CASE WHEN CAST(:level AS text) IS NULL THEN territory.level <> 'iris' ELSE territory.level = :level END
),
matched AS (
    SELECT
        *,
        CASE
            WHEN upper(CAST(:phrase AS text)) = code THEN 0
            WHEN words LIKE ' ' || CAST(:phrase AS text) || ' %' THEN 1
            WHEN words LIKE ' ' || CAST(:phrase AS text) || '%' THEN 2
            WHEN words LIKE '% ' || CAST(:phrase AS text) || ' %' THEN 3
            ELSE 4
        END AS distance
    FROM folded
    WHERE words LIKE ALL (CAST(:patterns AS text[])) OR upper(CAST(:phrase AS text)) = code
)
SELECT
    matched.level,
    matched.code,
    matched.name,
    matched.population_count,
    matched.population_status,
    matched.population_source_id,
    matched.source_id,
    matched.vintage,
    matched.is_partial,
    matched.commune_count,
    parent.name AS parent_name,
    round(ST_X(ST_Transform(matched.point, 4326))::numeric, 6)::float AS lon,
    round(ST_Y(ST_Transform(matched.point, 4326))::numeric, 6)::float AS lat
FROM matched
LEFT JOIN LATERAL (
    SELECT string_agg(above.name, ', ' ORDER BY above.name) AS name
    FROM observatory.territory_link AS link
    JOIN observatory.territory AS above ON above.level = link.parent_level AND above.code = link.parent_code
    WHERE link.child_level = matched.level
        AND link.child_code = matched.code
        AND link.parent_level = CASE matched.level WHEN 'commune' THEN 'departement' ELSE 'commune' END
) AS parent ON true
ORDER BY
    matched.distance,
    array_position(CAST(:levels AS text[]), matched.level),
    CASE WHEN CAST(:phrase AS text) <> '' THEN matched.population_count END DESC NULLS LAST,
    matched.name COLLATE "fr-x-icu",
    matched.code
