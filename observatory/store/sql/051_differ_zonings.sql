-- Classes of communes that a file would add, withdraw and change, among those of its zonings.
WITH held AS (
    SELECT zoning.*
    FROM observatory.zoning AS zoning
    JOIN (SELECT DISTINCT zoning FROM stage_zonings) AS replaced USING (zoning)
)
SELECT
    staged.source_id,
    count(*) FILTER (WHERE held.code IS NULL) AS added_count,
    0 AS removed_count,
    count(*) FILTER (WHERE held.code IS NOT NULL AND held.value_code <> staged.value_code) AS changed_count
FROM stage_zonings AS staged
LEFT JOIN held USING (level, code, zoning)
GROUP BY staged.source_id
UNION ALL
SELECT held.source_id, 0, count(*), 0
FROM held
LEFT JOIN stage_zonings AS staged USING (level, code, zoning)
WHERE staged.code IS NULL
GROUP BY held.source_id
