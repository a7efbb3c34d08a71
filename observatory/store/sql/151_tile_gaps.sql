-- One tile of the territories of a level with the row that a gap analysis holds for each.
WITH frame AS (
    SELECT
        ST_TileEnvelope(:zoom, :column, :row) AS envelope,
        ST_Transform(ST_TileEnvelope(:zoom, :column, :row, margin => 0.0625), 2154) AS area
),
shown AS (
    SELECT
        gap.level,
        gap.code,
        gap.name,
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
        JSONB_EXISTS(run.parameters #> ARRAY['border_flips', gap.level], gap.code) AS is_border_flip,
        gap.rank_low,
        gap.rank_high,
        gap.verdict_share,
        gap.verdict,
        ST_AsMVTGeom(
            ST_Transform(territory.geom, 3857), frame.envelope, CAST(:extent AS integer), CAST(:extent / 16 AS integer)
        ) AS geom
    FROM frame
    JOIN observatory.territory ON territory.geom && frame.area
    JOIN observatory.gap_result AS gap ON gap.level = territory.level AND gap.code = territory.code
    JOIN observatory.run ON run.run_hash = gap.run_hash
    WHERE territory.level = :level AND NOT territory.is_border AND gap.run_hash = :run_hash
    ORDER BY gap.code
)
SELECT ST_AsMVT(shown, :layer, CAST(:extent AS integer), 'geom') FROM shown WHERE geom IS NOT NULL
