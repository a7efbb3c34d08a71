-- One tile of a layer of territories. :extent is coarser at small zooms: snapping every vertex to the same grid keeps
-- neighbours together, which simplifying each polygon alone would not.
WITH frame AS (
    SELECT
        ST_TileEnvelope(:zoom, :column, :row) AS envelope,
        ST_Transform(ST_TileEnvelope(:zoom, :column, :row, margin => 0.0625), 2154) AS area
),
shown AS (
    SELECT
        territory.code,
        territory.name,
        territory.population_count,
        density.value_code AS density_code,
        density.value_label AS density_label,
        frr.value_code AS frr_code,
        frr.value_label AS frr_label,
        ST_AsMVTGeom(
            ST_Transform(territory.geom, 3857), frame.envelope, CAST(:extent AS integer), CAST(:extent / 16 AS integer)
        ) AS geom
    FROM frame
    JOIN observatory.territory ON territory.geom && frame.area
    LEFT JOIN observatory.zoning AS density
        ON density.level = territory.level AND density.code = territory.code AND density.zoning = 'densite'
    LEFT JOIN observatory.zoning AS frr
        ON frr.level = territory.level AND frr.code = territory.code AND frr.zoning = 'frr'
    WHERE territory.level = :level AND NOT territory.is_border
    ORDER BY territory.code
)
SELECT ST_AsMVT(shown, :layer, CAST(:extent AS integer), 'geom') FROM shown WHERE geom IS NOT NULL
