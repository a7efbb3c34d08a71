-- Structures, each with its services and sources; each filter is left out when its parameter is null.
SELECT
    structure.structure_id,
    structure.name,
    structure.kind,
    structure.siret,
    structure.naf,
    structure.address,
    structure.post_code,
    structure.city,
    structure.commune_code,
    structure.departement_code,
    structure.place_quality,
    structure.place_note,
    structure.capacity_count,
    structure.label,
    structure.is_active AND closure.siret IS NULL AS is_active,
    CASE WHEN closure.siret IS NULL THEN structure.state ELSE 'closed' END AS state,
    structure.confidence,
    closure.siret IS NOT NULL AS is_closed,
    closure.closed_date,
    closure.source_id AS closed_by,
    structure.period,
    structure.source_id,
    source.title AS source_title,
    source.vintage AS source_vintage,
    commune.is_border,
    round(ST_X(ST_Transform(structure.geom, 4326))::numeric, 6)::float AS lon,
    round(ST_Y(ST_Transform(structure.geom, 4326))::numeric, 6)::float AS lat,
    coalesce(offered.services, '{}') AS services,
    coalesce(recorded.record_count, 0) AS record_count,
    accompaniment.role,
    accompaniment.phases,
    accompaniment.devices,
    accompaniment.zone_level,
    accompaniment.zone_code,
    accompaniment.note
FROM observatory.structure AS structure
JOIN observatory.source AS source USING (source_id)
LEFT JOIN observatory.territory AS commune
    ON commune.level = 'commune' AND commune.code = structure.commune_code
LEFT JOIN observatory.accompaniment AS accompaniment USING (structure_id)
LEFT JOIN observatory.closure AS closure ON closure.siret = structure.siret
LEFT JOIN LATERAL (
    SELECT array_agg(service.service ORDER BY service.service) AS services
    FROM observatory.structure_service AS service
    WHERE service.structure_id = structure.structure_id
) AS offered ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS record_count
    FROM observatory.structure_record AS record
    WHERE record.structure_id = structure.structure_id
) AS recorded ON true
WHERE (CAST(:service AS text) IS NULL OR CAST(:service AS text) = ANY (offered.services))
    AND (CAST(:communes AS text[]) IS NULL OR structure.commune_code = ANY (CAST(:communes AS text[])))
    AND (
        CAST(:west AS float) IS NULL
        OR (
            -- The frame of a frame turned by the projection is wider: the index first, then the degrees asked for.
            structure.geom
                && ST_Transform(ST_Segmentize(ST_MakeEnvelope(:west, :south, :east, :north, 4326), 0.25), 2154)
            AND ST_Transform(structure.geom, 4326) && ST_MakeEnvelope(:west, :south, :east, :north, 4326)
        )
    )
    AND (
        CAST(:level AS text) IS NULL
        OR EXISTS (
            SELECT 1
            FROM observatory.territory AS area
            WHERE area.level = :level AND area.code = :code AND ST_Covers(area.geom, structure.geom)
        )
    )
ORDER BY structure.name COLLATE "fr-x-icu", structure.structure_id
