-- The structures of the sources that were staged take the place of those in the database, each on its own: what is the
-- same structure in another source is found afterwards, over all records.
CREATE TEMP TABLE replaced ON COMMIT DROP AS
SELECT DISTINCT structure_id
FROM observatory.structure_record
WHERE source_id IN (SELECT DISTINCT source_id FROM stage_structures);

DELETE FROM observatory.structure_record
WHERE source_id IN (SELECT DISTINCT source_id FROM stage_structures);

-- A structure that loses a record is made again from those that are left: its rule no longer holds.
UPDATE observatory.structure_record AS record
SET rule = 'unresolved'
FROM replaced
WHERE replaced.structure_id = record.structure_id AND record.place_quality IS NOT NULL;

DELETE FROM observatory.structure AS structure
USING replaced
WHERE structure.structure_id = replaced.structure_id
    AND NOT EXISTS (
        SELECT FROM observatory.structure_record AS other WHERE other.structure_id = structure.structure_id
    )
    AND NOT EXISTS (SELECT FROM stage_structures AS staged WHERE staged.structure_id = structure.structure_id);

INSERT INTO observatory.structure (
    structure_id, name, kind, siret, naf, address, post_code, city, commune_code, departement_code, place_quality,
    place_note, capacity_count, label, is_active, period, source_id, geom
)
SELECT
    structure_id, name, kind, siret, naf, address, post_code, city, commune_code, departement_code, place_quality,
    place_note, capacity_count, label, is_active, period, source_id,
    ST_SetSRID(ST_MakePoint(point_x_m, point_y_m), 2154)
FROM stage_structures
ORDER BY structure_id
ON CONFLICT (structure_id) DO UPDATE SET
    name = excluded.name,
    kind = excluded.kind,
    siret = excluded.siret,
    naf = excluded.naf,
    address = excluded.address,
    post_code = excluded.post_code,
    city = excluded.city,
    commune_code = excluded.commune_code,
    departement_code = excluded.departement_code,
    place_quality = excluded.place_quality,
    place_note = excluded.place_note,
    capacity_count = excluded.capacity_count,
    label = excluded.label,
    is_active = excluded.is_active,
    period = excluded.period,
    source_id = excluded.source_id,
    geom = excluded.geom;

DELETE FROM observatory.structure_service AS service
USING stage_structures AS staged
WHERE service.structure_id = staged.structure_id;

INSERT INTO observatory.structure_service (structure_id, service, reason)
SELECT structure_id, service, reason FROM stage_structure_services ORDER BY structure_id, service;

INSERT INTO observatory.structure_record (source_id, record_id, structure_id, rule, name, kind, siret)
SELECT source_id, record_id, structure_id, rule, name, kind, siret
FROM stage_structure_records
ORDER BY source_id, record_id;

DELETE FROM observatory.tile;
