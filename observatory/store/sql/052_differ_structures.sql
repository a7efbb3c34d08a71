-- Records of structures that a file would add, withdraw and change, among those of its sources.
WITH held AS (
    SELECT record.*
    FROM observatory.structure_record AS record
    JOIN (SELECT DISTINCT source_id FROM stage_structure_records) AS replaced USING (source_id)
)
SELECT
    staged.source_id,
    count(*) FILTER (WHERE held.record_id IS NULL) AS added_count,
    0 AS removed_count,
    count(*) FILTER (
        WHERE held.record_id IS NOT NULL
            AND (held.name, held.kind, held.siret) IS DISTINCT FROM (staged.name, staged.kind, staged.siret)
    ) AS changed_count
FROM stage_structure_records AS staged
LEFT JOIN held USING (source_id, record_id)
GROUP BY staged.source_id
UNION ALL
SELECT held.source_id, 0, count(*), 0
FROM held
LEFT JOIN stage_structure_records AS staged USING (source_id, record_id)
WHERE staged.record_id IS NULL
GROUP BY held.source_id
