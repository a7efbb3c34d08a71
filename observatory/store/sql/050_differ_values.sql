-- Figures that a file would add, withdraw and change, among those of its sources and levels.
WITH replaced AS (
    SELECT DISTINCT source_id, level FROM stage_values
),
held AS (
    SELECT figure.source_id, level, code, indicator, period, value, status
    FROM observatory.indicator_value AS figure
    JOIN replaced USING (source_id, level)
)
SELECT
    staged.source_id,
    count(*) FILTER (WHERE held.code IS NULL) AS added_count,
    0 AS removed_count,
    count(*) FILTER (
        WHERE held.code IS NOT NULL AND (held.value, held.status) IS DISTINCT FROM (staged.value, staged.status)
    ) AS changed_count
FROM stage_values AS staged
LEFT JOIN held USING (source_id, level, code, indicator, period)
GROUP BY staged.source_id
UNION ALL
SELECT held.source_id, 0, count(*), 0
FROM held
LEFT JOIN stage_values AS staged USING (source_id, level, code, indicator, period)
WHERE staged.code IS NULL
GROUP BY held.source_id
