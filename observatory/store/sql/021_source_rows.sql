-- Rows by source: as the making of the snapshot counted them in the producer's file, else as the snapshot holds them.
-- A record resolved to a structure that another record already made is a duplicate.
WITH staged AS (
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
    SELECT source_id, 'rejected.parquet', count(*) FROM stage_rejected WHERE scope = 'row' GROUP BY 1
),
held AS (
    SELECT
        source_id,
        string_agg(file_name, ', ' ORDER BY file_name) AS file_name,
        sum(row_count) AS rows_read,
        coalesce(sum(row_count) FILTER (WHERE file_name = 'rejected.parquet'), 0) AS rows_rejected
    FROM staged
    GROUP BY source_id
),
counted AS (
    SELECT
        source_id,
        string_agg(file_name, ', ' ORDER BY file_name) AS file_name,
        string_agg(checksum, ' ' ORDER BY file_name) AS checksum,
        sum(rows_read) AS rows_read,
        sum(rows_rejected) AS rows_rejected,
        sum(rows_duplicate) AS rows_duplicate,
        sum(rows_outside) AS rows_outside,
        sum(cells_rejected) AS cells_rejected
    FROM stage_runs
    GROUP BY source_id
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
merged AS (
    SELECT source_id, count(*) AS row_count FROM ranked WHERE position > 1 GROUP BY source_id
),
told AS (
    SELECT
        source_id,
        coalesce(counted.file_name, held.file_name) AS file_name,
        counted.checksum,
        coalesce(counted.rows_read, held.rows_read) AS rows_read,
        coalesce(counted.rows_rejected, held.rows_rejected) AS rows_rejected,
        coalesce(counted.rows_duplicate, 0) + coalesce(merged.row_count, 0) AS rows_duplicate,
        coalesce(counted.rows_outside, 0) AS rows_outside,
        coalesce(counted.cells_rejected, 0) AS cells_rejected
    FROM held
    FULL JOIN counted USING (source_id)
    LEFT JOIN merged USING (source_id)
)
SELECT
    source_id,
    file_name,
    checksum,
    rows_read::bigint,
    (rows_read - rows_rejected - rows_duplicate - rows_outside)::bigint AS rows_kept,
    rows_rejected::bigint,
    rows_duplicate::bigint,
    rows_outside::bigint,
    cells_rejected::bigint
FROM told
ORDER BY source_id
