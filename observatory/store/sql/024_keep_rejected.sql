-- Rejected rows, each with the run of its source that has just been written.
INSERT INTO observatory.rejected_row (run_id, file_name, line, scope, reason, content)
SELECT run.run_id, rejected.file_name, rejected.line, rejected.scope, rejected.reason, rejected.content
FROM stage_rejected AS rejected
JOIN observatory.ingest_run AS run
    ON run.source_id = rejected.source_id AND run.finished_at = :finished_at AND run.status = 'loaded'
ORDER BY rejected.source_id, rejected.file_name, rejected.line
