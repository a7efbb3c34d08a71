-- One territory, with what it is part of, its zonings, and how many territories it holds, by level.
WITH RECURSIVE ancestors AS (
    SELECT parent_level AS level, parent_code AS code
    FROM observatory.territory_link
    WHERE child_level = :level AND child_code = :code
    UNION
    SELECT link.parent_level, link.parent_code
    FROM ancestors
    JOIN observatory.territory_link AS link
        ON link.child_level = ancestors.level AND link.child_code = ancestors.code
)
SELECT
    territory.level,
    territory.code,
    territory.name,
    territory.vintage,
    territory.population_count,
    territory.population_status,
    territory.population_source_id,
    territory.population_method,
    territory.population_period,
    territory.source_id,
    territory.is_border,
    territory.is_partial,
    territory.commune_count,
    round((ST_Area(territory.geom) / 1e6)::numeric, 2)::float AS area_km2,
    round(ST_X(ST_Transform(territory.point, 4326))::numeric, 6)::float AS lon,
    round(ST_Y(ST_Transform(territory.point, 4326))::numeric, 6)::float AS lat,
    (
        SELECT ARRAY[ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box)]
        FROM (SELECT Box2D(ST_Transform(coalesce(territory.geom, territory.point), 4326)) AS box) AS extent
        WHERE box IS NOT NULL
    ) AS bbox,
    (
        SELECT coalesce(
            jsonb_agg(
                jsonb_build_object('level', above.level, 'code', above.code, 'name', above.name)
                ORDER BY array_position(CAST(:levels AS text[]), above.level) DESC, above.code
            ),
            '[]'
        )
        FROM ancestors
        JOIN observatory.territory AS above USING (level, code)
    ) AS parents,
    (
        SELECT coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'zoning', zoning.zoning, 'value_code', zoning.value_code, 'value_label', zoning.value_label,
                    'vintage', zoning.vintage, 'source_id', zoning.source_id
                )
                ORDER BY zoning.zoning
            ),
            '[]'
        )
        FROM observatory.zoning AS zoning
        WHERE zoning.level = territory.level AND zoning.code = territory.code
    ) AS zonings,
    (
        SELECT coalesce(jsonb_object_agg(counted.level, counted.held), '{}')
        FROM (
            SELECT held.level, count(DISTINCT held.code) AS held
            FROM observatory.territory_commune AS own
            JOIN observatory.territory_commune AS held USING (commune_code)
            JOIN observatory.territory AS inside ON inside.level = held.level AND inside.code = held.code
            WHERE own.level = territory.level
                AND own.code = territory.code
                AND NOT inside.is_border
                AND array_position(CAST(:levels AS text[]), held.level)
                    > array_position(CAST(:levels AS text[]), territory.level)
                -- What is smaller than a commune is known by its commune, and doesn't hold its neighbours.
                AND territory.level NOT IN ('commune_deleguee', 'qpv', 'iris')
            GROUP BY held.level
        ) AS counted
    ) AS child_counts
FROM observatory.territory AS territory
WHERE territory.level = :level AND territory.code = :code
