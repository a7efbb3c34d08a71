-- Rows that a staged table would add, withdraw and change, by source, among those that it would replace.
WITH held AS (
    SELECT * FROM {held} AS loaded WHERE {within}
)
SELECT
    staged.source_id,
    count(*) FILTER (WHERE held.{column} IS NULL) AS added_count,
    0 AS removed_count,
    count(*) FILTER (WHERE held.{column} IS NOT NULL AND ({differs})) AS changed_count
FROM {stage} AS staged
LEFT JOIN held USING ({joined})
GROUP BY staged.source_id
UNION ALL
SELECT held.source_id, 0, count(*), 0
FROM held
LEFT JOIN {stage} AS staged USING ({joined})
WHERE staged.{column} IS NULL AND {withdraws}
GROUP BY held.source_id
