-- Communes whose outline a file would change. The loaded ones are simplified: off by less than one percent of the area
-- is the same outline (convention de l'observatoire).
SELECT
    staged.source_id,
    count(*) FILTER (WHERE held.geom IS NULL) AS added_count,
    0 AS removed_count,
    count(*) FILTER (
        WHERE ST_Area(ST_SymDifference(held.geom, ST_SetSRID(staged.geometry, 2154))) > 0.01 * ST_Area(held.geom)
    ) AS changed_count
FROM stage_outlines AS staged
LEFT JOIN observatory.territory AS held ON held.level = 'commune' AND held.code = staged.code
GROUP BY staged.source_id
