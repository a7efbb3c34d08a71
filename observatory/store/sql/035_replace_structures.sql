-- The structures of the sources that were staged take the place of those in the database. A structure that another
-- source names too stays; what only the replaced source said of it (its record and services) goes.
CREATE TEMP TABLE replaced ON COMMIT DROP AS
SELECT source_id, record_id, structure_id, rule
FROM observatory.structure_record
WHERE source_id IN (SELECT DISTINCT source_id FROM stage_structures);

DELETE FROM observatory.structure_record
WHERE source_id IN (SELECT DISTINCT source_id FROM stage_structures);

DELETE FROM observatory.structure AS structure
USING replaced
WHERE structure.structure_id = replaced.structure_id
    AND NOT EXISTS (
        SELECT FROM observatory.structure_record AS other WHERE other.structure_id = structure.structure_id
    );

DELETE FROM observatory.structure_service AS service
USING replaced
WHERE service.structure_id = replaced.structure_id
    AND (service.service, service.reason) IN (SELECT service, reason FROM stage_structure_services);

-- Each staged structure, and the one that it is: what the same record was resolved to before, if it is still there; or a
-- structure of another source with the same SIRET; or itself.
CREATE TEMP TABLE resolved ON COMMIT DROP AS
SELECT
    staged.structure_id AS staged_id,
    coalesce(min(kept.structure_id), min(same.structure_id), staged.structure_id) AS structure_id,
    CASE
        WHEN min(kept.structure_id) IS NOT NULL THEN min(replaced.rule)
        WHEN min(same.structure_id) IS NOT NULL THEN 'same_siret'
        ELSE 'unique'
    END AS rule
FROM stage_structures AS staged
JOIN stage_structure_records AS record ON record.structure_id = staged.structure_id
LEFT JOIN replaced ON replaced.source_id = record.source_id AND replaced.record_id = record.record_id
LEFT JOIN observatory.structure AS kept ON kept.structure_id = replaced.structure_id
LEFT JOIN observatory.structure AS same
    ON same.siret = staged.siret AND same.structure_id <> staged.structure_id
GROUP BY staged.structure_id;

INSERT INTO observatory.structure (
    structure_id, name, kind, siret, naf, address, post_code, city, commune_code, departement_code, place_quality,
    place_note, capacity_count, label, is_active, period, source_id, geom
)
SELECT
    staged.structure_id, name, kind, siret, naf, address, post_code, city, commune_code, departement_code,
    place_quality, place_note, capacity_count, label, is_active, period, source_id,
    ST_SetSRID(ST_MakePoint(point_x_m, point_y_m), 2154)
FROM stage_structures AS staged
JOIN resolved ON resolved.structure_id = staged.structure_id
ORDER BY staged.structure_id
ON CONFLICT (structure_id) DO UPDATE SET
    name = excluded.name,
    siret = coalesce(excluded.siret, structure.siret),
    address = excluded.address,
    post_code = excluded.post_code,
    city = excluded.city,
    commune_code = excluded.commune_code,
    departement_code = excluded.departement_code,
    place_quality = excluded.place_quality,
    place_note = excluded.place_note,
    label = excluded.label,
    period = excluded.period,
    geom = excluded.geom;

INSERT INTO observatory.structure_service (structure_id, service, reason)
SELECT DISTINCT ON (resolved.structure_id, staged.service) resolved.structure_id, staged.service, staged.reason
FROM stage_structure_services AS staged
JOIN resolved ON resolved.staged_id = staged.structure_id
ORDER BY resolved.structure_id, staged.service, staged.reason
ON CONFLICT (structure_id, service) DO NOTHING;

INSERT INTO observatory.structure_record (source_id, record_id, structure_id, rule, name, kind, siret)
SELECT staged.source_id, staged.record_id, resolved.structure_id, resolved.rule, staged.name, staged.kind, staged.siret
FROM stage_structure_records AS staged
JOIN resolved ON resolved.staged_id = staged.structure_id
ORDER BY staged.source_id, staged.record_id;

DELETE FROM observatory.tile;
