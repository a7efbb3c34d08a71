-- A record that alone makes a structure says what its structure says. One that was merged by its loader, which kept
-- nothing of it apart, stays where it is.
UPDATE observatory.structure_record AS record
SET
    naf = structure.naf,
    address = structure.address,
    post_code = structure.post_code,
    city = structure.city,
    commune_code = structure.commune_code,
    departement_code = structure.departement_code,
    place_quality = structure.place_quality,
    place_note = structure.place_note,
    label = structure.label,
    period = structure.period,
    capacity_count = structure.capacity_count,
    is_active = structure.is_active,
    state = structure.state,
    confidence = structure.confidence,
    services = coalesce(offered.services, '{}'),
    geom = structure.geom
FROM observatory.structure AS structure
LEFT JOIN (
    SELECT structure_id, jsonb_object_agg(service, reason) AS services
    FROM observatory.structure_service
    GROUP BY structure_id
) AS offered USING (structure_id)
WHERE record.place_quality IS NULL
    AND structure.structure_id = record.structure_id
    AND structure.structure_id = record.source_id || ':' || record.record_id
    AND NOT EXISTS (
        SELECT FROM observatory.structure_record AS other
        WHERE other.structure_id = record.structure_id
            AND (other.source_id, other.record_id) <> (record.source_id, record.record_id)
            AND other.place_quality IS NULL
    )
