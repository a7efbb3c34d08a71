-- Territories of one level (or of all but IRIS) whose name holds every word looked for, or that have the postcode, the
-- best match first; those of "near" (level:code) are named with a slip.
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
delivered AS (
    SELECT level, code
    FROM observatory.zoning
    WHERE zoning = 'code_postal' AND string_to_array(value_code, ' ') && CAST(:numbers AS text[])
),
matched AS (
    SELECT
        *,
        CASE
            WHEN CAST(:code AS text) = code THEN 0
            -- A postcode is another commune's code as often as not: the larger place is then the one that is meant.
            WHEN CAST(:phrase AS text) = '' THEN 0
            WHEN bare LIKE ' ' || CAST(:phrase AS text) || ' %' OR words LIKE ' ' || CAST(:phrase AS text) || ' %' THEN 1
            WHEN replace(words, ' ', '') = replace(CAST(:phrase AS text), ' ', '') THEN 1
            WHEN bare LIKE ' ' || CAST(:phrase AS text) || '%' OR words LIKE ' ' || CAST(:phrase AS text) || '%' THEN 2
            WHEN words LIKE '% ' || CAST(:phrase AS text) || ' %' THEN 3
            ELSE 4
        END AS distance,
        level || ':' || code = ANY (CAST(:near AS text[])) AS is_near
    FROM (SELECT *, regexp_replace(words, '^ (le|la|les|l) ', ' ') AS bare FROM folded) AS named
    WHERE CAST(:code AS text) = code
        OR level || ':' || code = ANY (CAST(:near AS text[]))
        OR (
            (
                words ~ ALL (CAST(:patterns AS text[]))
                OR replace(words, ' ', '') = replace(CAST(:phrase AS text), ' ', '')
            )
            AND (
                cardinality(CAST(:numbers AS text[])) = 0
                OR code = ANY (CAST(:numbers AS text[]))
                OR (level, code) IN (SELECT level, code FROM delivered)
            )
        )
)
SELECT
    matched.level,
    matched.code,
    matched.name,
    matched.population_count,
    matched.population_status,
    matched.population_source_id,
    matched.population_method,
    matched.population_period,
    matched.source_id,
    matched.vintage,
    matched.is_partial,
    matched.commune_count,
    parent.name AS parent_name,
    round(ST_X(ST_Transform(matched.point, 4326))::numeric, 6)::float AS lon,
    round(ST_Y(ST_Transform(matched.point, 4326))::numeric, 6)::float AS lat,
    matched.is_near
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
    CASE WHEN matched.is_near THEN length(matched.words) END,
    array_position(CAST(:levels AS text[]), matched.level),
    CASE WHEN CAST(:code AS text) <> '' THEN matched.population_count END DESC NULLS LAST,
    matched.name COLLATE "fr-x-icu",
    matched.code
