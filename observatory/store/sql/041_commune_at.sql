-- The commune that holds a point (:lon, :lat); where no outline does, the commune with the nearest town hall in 5 km.
WITH asked AS (
    SELECT ST_Transform(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), 2154) AS point
)
SELECT commune.code
FROM observatory.territory AS commune, asked
WHERE commune.level = 'commune'
    AND (ST_Covers(commune.geom, asked.point) OR ST_DWithin(commune.point, asked.point, 5000))
ORDER BY ST_Covers(commune.geom, asked.point) IS NOT TRUE, commune.point <-> asked.point
LIMIT 1
