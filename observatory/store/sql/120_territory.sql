-- One territory, with its point and its bounds in degrees (EPSG:4326).
SELECT
    level,
    code,
    name,
    vintage,
    population_count,
    population_status,
    population_source_id,
    source_id,
    is_border,
    is_partial,
    commune_count,
    ST_X(ST_Transform(point, 4326)) AS lon,
    ST_Y(ST_Transform(point, 4326)) AS lat,
    CASE
        WHEN geom IS NOT NULL THEN (
            SELECT ARRAY[ST_XMin(bounds), ST_YMin(bounds), ST_XMax(bounds), ST_YMax(bounds)]
            FROM (SELECT CAST(ST_Transform(ST_Envelope(geom), 4326) AS box2d) AS bounds) AS frame
        )
    END AS bbox
FROM observatory.territory
WHERE level = :level AND code = :code
