-- Counts of the last load of each source.
SELECT DISTINCT ON (run.source_id)
    run.source_id,
    source.title,
    run.rows_read,
    run.rows_kept,
    run.rows_rejected,
    run.rows_duplicate,
    run.rows_outside,
    run.cells_rejected,
    run.rows_repaired
FROM observatory.ingest_run AS run
JOIN observatory.source AS source USING (source_id)
WHERE run.status = 'loaded'
ORDER BY run.source_id, run.finished_at DESC, run.run_id DESC
