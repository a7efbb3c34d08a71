-- Zones and places of the directory as the snapshot knows them: one zone, and the point of the structure, which is a
-- place of its own for a pôle or a pépinière and a seat for the others.
INSERT INTO observatory.accompaniment_zone (structure_id, level, code, origin, stated_date)
SELECT body.structure_id, body.zone_level, body.zone_code, source.title, structure.period
FROM observatory.accompaniment AS body
JOIN observatory.structure AS structure USING (structure_id)
JOIN observatory.source AS source USING (source_id)
WHERE body.zone_level IS NOT NULL AND body.zone_code IS NOT NULL
ON CONFLICT DO NOTHING;

INSERT INTO observatory.accompaniment_place (
    structure_id, rank, kind, address, commune_code, phases, place_quality, place_note, origin, stated_date, geom
)
SELECT
    body.structure_id,
    1,
    CASE WHEN structure.kind = 'ACCOMPAGNEMENT_LIEU' THEN 'lieu' ELSE 'siege' END,
    structure.address,
    structure.commune_code,
    '{}',
    structure.place_quality,
    structure.place_note,
    source.title,
    structure.period,
    structure.geom
FROM observatory.accompaniment AS body
JOIN observatory.structure AS structure USING (structure_id)
JOIN observatory.source AS source USING (source_id)
WHERE structure.geom IS NOT NULL
ON CONFLICT DO NOTHING;

UPDATE observatory.accompaniment AS body
SET origin = source.title, stated_date = structure.period
FROM observatory.structure AS structure
JOIN observatory.source AS source USING (source_id)
WHERE structure.structure_id = body.structure_id AND body.origin IS NULL
