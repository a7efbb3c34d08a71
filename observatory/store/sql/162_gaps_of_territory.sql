-- What every default gap analysis says of one territory.
SELECT
    run.defi,
    run.service,
    run.source_ids,
    gap.*,
    run.parameters - 'profile' AS parameters,
    CAST(run.parameters -> 'ranked_counts' ->> gap.level AS integer) AS ranked_count,
    CAST(run.parameters ->> 'threshold_min' AS float8) AS threshold_min
FROM observatory.run
JOIN observatory.gap_result AS gap ON gap.run_hash = run.run_hash
WHERE run.kind = 'gap' AND run.is_default AND gap.level = :level AND gap.code = :code
ORDER BY run.defi, run.service
