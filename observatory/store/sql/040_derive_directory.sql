-- Zones and places of the directory as the snapshot knows them: one zone, and the point of the structure, which is a
-- place of its own for a pôle or a pépinière and a seat for the others.
-- Role, phases, devices and zone come from the file of October 2018, whichever source describes the structure best.
CREATE TEMP TABLE told ON COMMIT DROP AS
SELECT DISTINCT structure_id, source_id, '2018-10' AS period
FROM observatory.structure_record
WHERE source_id = 'ami_french_impact_2018';

INSERT INTO observatory.accompaniment_zone (structure_id, level, code, origin, stated_date)
SELECT
    body.structure_id,
    body.zone_level,
    body.zone_code,
    coalesce(body.origin, source.title),
    coalesce(body.stated_date, told.period, structure.period)
FROM observatory.accompaniment AS body
JOIN observatory.structure AS structure USING (structure_id)
LEFT JOIN told USING (structure_id)
JOIN observatory.source AS source ON source.source_id = coalesce(told.source_id, structure.source_id)
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
    coalesce(body.origin, source.title),
    coalesce(body.stated_date, structure.period),
    structure.geom
FROM observatory.accompaniment AS body
JOIN observatory.structure AS structure USING (structure_id)
JOIN observatory.source AS source USING (source_id)
WHERE structure.geom IS NOT NULL
ON CONFLICT DO NOTHING;

UPDATE observatory.accompaniment AS body
SET origin = source.title, stated_date = coalesce(told.period, structure.period)
FROM observatory.structure AS structure
LEFT JOIN told USING (structure_id)
JOIN observatory.source AS source ON source.source_id = coalesce(told.source_id, structure.source_id)
WHERE structure.structure_id = body.structure_id AND body.origin IS NULL
