-- Each record that was merged with others keeps what its own source says of it.
UPDATE observatory.structure_record AS record
SET
    score = member.score,
    naf = member.naf,
    address = member.address,
    post_code = member.post_code,
    city = member.city,
    commune_code = member.commune_code,
    departement_code = member.departement_code,
    place_quality = member.place_quality,
    place_note = member.place_note,
    label = member.label,
    period = member.period,
    capacity_count = member.capacity_count,
    is_active = member.is_active,
    state = member.state,
    confidence = member.confidence,
    services = coalesce(jsonb_object(member.services, member.reasons), '{}'),
    geom = ST_SetSRID(ST_MakePoint(member.point_x_m, member.point_y_m), 2154)
FROM stage_structure_members AS member
WHERE member.source_id = record.source_id AND member.record_id = record.record_id
