-- How far each shape (:shapes, WKB in EPSG:2154, in order) lies from the territory, and the commune that holds it.
WITH asked AS (
    SELECT position, ST_SetSRID(ST_GeomFromWKB(shape), 2154) AS geom
    FROM unnest(CAST(:shapes AS bytea[])) WITH ORDINALITY AS given (shape, position)
),
border AS (
    SELECT geom FROM observatory.territory WHERE level = 'epci' AND code = :territory
)
SELECT
    asked.position,
    round(ST_Distance(asked.geom, border.geom)::numeric, 1)::float AS outside_m,
    (
        SELECT commune.code
        FROM observatory.territory AS commune
        WHERE commune.level = 'commune' AND ST_Covers(commune.geom, ST_PointOnSurface(asked.geom))
        ORDER BY commune.code
        LIMIT 1
    ) AS commune_code,
    ST_X(ST_Transform(ST_PointOnSurface(asked.geom), 4326)) AS lon,
    ST_Y(ST_Transform(ST_PointOnSurface(asked.geom), 4326)) AS lat
FROM asked, border
ORDER BY asked.position
