-- What every default gap analysis says of one territory.
SELECT
    run.defi,
    run.service,
    run.run_hash,
    run.source_ids,
    gap.population_count,
    gap.need_score,
    gap.need_volume_count,
    gap.access_score,
    gap.nearest_min,
    gap.served_count,
    gap.reachable_full_count,
    gap.out_of_reach_count,
    gap.in_need_out_of_reach_count,
    gap.priority_score,
    gap.typology,
    gap.status,
    gap.is_partial,
    gap.note,
    gap.rank_low,
    gap.rank_median,
    gap.rank_high,
    gap.verdict_share,
    gap.verdict,
    gap.score_low,
    gap.score_high,
    gap.flips,
    gap.level,
    gap.code,
    gap.name,
    run.parameters - 'profile' AS parameters,
    CAST(run.parameters -> 'ranked_counts' ->> gap.level AS integer) AS ranked_count,
    CAST(run.parameters ->> 'threshold_min' AS float8) AS threshold_min
FROM observatory.run
JOIN observatory.gap_result AS gap ON gap.run_hash = run.run_hash
WHERE run.kind = 'gap' AND run.is_default AND gap.level = :level AND gap.code = :code
ORDER BY run.defi, run.service
