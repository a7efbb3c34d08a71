-- One tile of the placed structures, one point each, with the services it offers ("|ess|insertion|").
WITH frame AS (
    SELECT
        ST_TileEnvelope(:zoom, :column, :row) AS envelope,
        ST_Transform(ST_TileEnvelope(:zoom, :column, :row, margin => 0.0625), 2154) AS area
),
shown AS (
    SELECT
        structure.structure_id,
        structure.name,
        structure.kind,
        structure.city,
        structure.is_active AND closure.siret IS NULL AS is_active,
        CASE WHEN closure.siret IS NULL THEN structure.state ELSE 'closed' END AS state,
        structure.confidence,
        closure.siret IS NOT NULL AS is_closed,
        closure.closed_date,
        structure.place_quality,
        structure.place_note,
        structure.period,
        structure.source_id,
        '|' || string_agg(offered.service, '|' ORDER BY offered.service) || '|' AS services,
        ST_AsMVTGeom(ST_Transform(structure.geom, 3857), frame.envelope, 4096, 256) AS geom
    FROM frame
    JOIN observatory.structure ON structure.geom && frame.area
    JOIN observatory.structure_service AS offered ON offered.structure_id = structure.structure_id
    LEFT JOIN observatory.closure AS closure ON closure.siret = structure.siret
    GROUP BY structure.structure_id, closure.siret, frame.envelope
    ORDER BY structure.structure_id
)
SELECT ST_AsMVT(shown, 'structures', 4096, 'geom') FROM shown WHERE geom IS NOT NULL
