-- The catalogue, with the counts of each source's last load.
WITH last_load AS (
    SELECT DISTINCT ON (run.source_id) run.*
    FROM observatory.ingest_run AS run
    WHERE run.status = 'loaded'
    ORDER BY run.source_id, run.finished_at DESC, run.run_id DESC
)
SELECT
    source.source_id,
    source.title,
    source.producer,
    source.licence,
    source.url,
    source.vintage,
    source.published_date,
    source.rhythm,
    source.coverage,
    source.expected_count,
    source.expected_note,
    source.row_count,
    round(source.row_count::numeric / nullif(source.expected_count, 0), 4)::float AS completeness_share,
    source.checksum,
    last_load.rows_read,
    last_load.rows_kept,
    last_load.rows_rejected,
    last_load.rows_duplicate,
    last_load.rows_outside,
    last_load.cells_rejected,
    last_load.rows_repaired,
    last_load.finished_at AS loaded_at,
    last_load.fetched_at
FROM observatory.source AS source
LEFT JOIN last_load USING (source_id)
ORDER BY source.source_id
