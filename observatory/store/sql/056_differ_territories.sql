-- Territories of the snapshot that the database lacks, has in excess, or has otherwise (name, population, place).
SELECT
    staged.source_id,
    count(*) FILTER (WHERE held.code IS NULL) AS added_count,
    0 AS removed_count,
    count(*) FILTER (
        WHERE held.code IS NOT NULL
            AND (
                (held.name, held.population_count) IS DISTINCT FROM (staged.name, staged.population_count)
                OR NOT ST_Multi(ST_SetSRID(staged.geometry, 2154)) ~= held.geom
            )
    ) AS changed_count
FROM stage_territories AS staged
LEFT JOIN observatory.territory AS held USING (level, code)
GROUP BY staged.source_id
UNION ALL
SELECT held.source_id, 0, count(*), 0
FROM observatory.territory AS held
LEFT JOIN stage_territories AS staged USING (level, code)
WHERE staged.code IS NULL
GROUP BY held.source_id
