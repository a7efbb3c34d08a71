-- Structures that offer a service, on both sides of the border, with their zone of intervention where it is known.
SELECT
    structure.structure_id,
    structure.name,
    structure.kind,
    ST_X(structure.geom) AS x_m,
    ST_Y(structure.geom) AS y_m,
    structure.commune_code,
    density.value_code::integer AS density_level,
    commune.is_border,
    accompaniment.zone_level,
    accompaniment.zone_code,
    accompaniment.phases,
    structure.place_quality,
    structure.is_active,
    structure.state,
    -- How sure it is that it offers this service: as the surest record that says so.
    coalesce(
        (
            SELECT record.confidence
            FROM observatory.structure_record AS record
            WHERE record.structure_id = structure.structure_id AND jsonb_exists(record.services, :service)
            ORDER BY array_position(ARRAY['sure', 'likely', 'doubtful'], record.confidence::text)
            LIMIT 1
        ),
        structure.confidence
    ) AS confidence,
    closure.siret IS NOT NULL AS is_closed,
    structure.source_id
FROM observatory.structure_service AS offered
JOIN observatory.structure AS structure USING (structure_id)
LEFT JOIN observatory.accompaniment AS accompaniment USING (structure_id)
LEFT JOIN observatory.closure AS closure ON closure.siret = structure.siret
LEFT JOIN observatory.territory AS commune
    ON commune.level = 'commune' AND commune.code = structure.commune_code
LEFT JOIN observatory.zoning AS density
    ON density.level = 'commune' AND density.code = structure.commune_code AND density.zoning = 'densite'
WHERE offered.service = :service
ORDER BY structure.structure_id
