-- Rows of the snapshot by source. A record resolved to a structure that another record already made is a duplicate.
WITH counted AS (
    SELECT source_id, 'territories.parquet' AS file_name, count(*) AS row_count FROM stage_territories GROUP BY 1
    UNION ALL
    SELECT source_id, 'territory_links.parquet', count(*) FROM stage_territory_links GROUP BY 1
    UNION ALL
    SELECT source_id, 'values.parquet', count(*) FROM stage_values GROUP BY 1
    UNION ALL
    SELECT source_id, 'zonings.parquet', count(*) FROM stage_zonings GROUP BY 1
    UNION ALL
    SELECT source_id, 'structure_records.parquet', count(*) FROM stage_structure_records GROUP BY 1
    UNION ALL
    SELECT source_id, 'rejected.parquet', count(*) FROM stage_rejected GROUP BY 1
),
ranked AS (
    SELECT
        record.source_id,
        row_number() OVER (
            PARTITION BY record.structure_id
            ORDER BY record.source_id <> structure.source_id, record.source_id, record.record_id
        ) AS position
    FROM stage_structure_records AS record
    JOIN stage_structures AS structure USING (structure_id)
),
duplicates AS (
    SELECT source_id, count(*) AS row_count FROM ranked WHERE position > 1 GROUP BY source_id
)
SELECT
    counted.source_id,
    string_agg(counted.file_name, ', ' ORDER BY counted.file_name) AS file_name,
    sum(counted.row_count)::bigint AS rows_read,
    coalesce(sum(counted.row_count) FILTER (WHERE counted.file_name = 'rejected.parquet'), 0)::bigint AS rows_rejected,
    coalesce(max(duplicates.row_count), 0)::bigint AS rows_duplicate
FROM counted
LEFT JOIN duplicates USING (source_id)
GROUP BY counted.source_id
ORDER BY counted.source_id
