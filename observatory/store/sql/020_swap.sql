-- What is staged takes the place of what was loaded. Rows are deleted rather than truncated, so that readers go on
-- seeing the former data until the commit. Runs stay: they are named by the hash of their inputs.
DELETE FROM observatory.tile;
DELETE FROM observatory.accompaniment;
DELETE FROM observatory.structure_record;
DELETE FROM observatory.structure_service;
DELETE FROM observatory.structure;
DELETE FROM observatory.zoning;
DELETE FROM observatory.territory_link;
DELETE FROM observatory.territory;

INSERT INTO observatory.territory (
    level, code, name, vintage, population_count, population_status, population_source_id, source_id, is_border,
    is_partial, commune_count, geom, point
)
SELECT
    level, code, name, vintage, population_count, population_status, population_source_id, source_id, is_border,
    is_partial, commune_count, ST_SetSRID(ST_Multi(geometry), 2154),
    ST_SetSRID(ST_MakePoint(point_x_m, point_y_m), 2154)
FROM stage_territories
ORDER BY level, code;

INSERT INTO observatory.territory_link (child_level, child_code, parent_level, parent_code, vintage, source_id)
SELECT child_level, child_code, parent_level, parent_code, vintage, source_id
FROM stage_territory_links
ORDER BY child_level, child_code, parent_level, parent_code;

REFRESH MATERIALIZED VIEW observatory.territory_commune;

-- Figures are by far the most numerous: only those that differ are written.
DELETE FROM observatory.indicator_value AS figure
USING (
    SELECT level, code, indicator, period, value, status, source_id FROM observatory.indicator_value
    EXCEPT
    SELECT level, code, indicator, period, value, status, source_id FROM stage_values
) AS former
WHERE figure.level = former.level
    AND figure.code = former.code
    AND figure.indicator = former.indicator
    AND figure.period = former.period;

INSERT INTO observatory.indicator_value (level, code, indicator, period, value, status, source_id)
SELECT level, code, indicator, period, value, status, source_id FROM stage_values
EXCEPT
SELECT level, code, indicator, period, value, status, source_id FROM observatory.indicator_value;

INSERT INTO observatory.zoning (level, code, zoning, value_code, value_label, vintage, source_id)
SELECT level, code, zoning, value_code, value_label, vintage, source_id
FROM stage_zonings
ORDER BY level, code, zoning;

INSERT INTO observatory.structure (
    structure_id, name, kind, siret, naf, address, post_code, city, commune_code, departement_code, place_quality,
    place_note, capacity_count, label, is_active, period, source_id, geom
)
SELECT
    structure_id, name, kind, siret, naf, address, post_code, city, commune_code, departement_code, place_quality,
    place_note, capacity_count, label, is_active, period, source_id,
    ST_SetSRID(ST_MakePoint(point_x_m, point_y_m), 2154)
FROM stage_structures
ORDER BY structure_id;

INSERT INTO observatory.structure_service (structure_id, service, reason)
SELECT structure_id, service, reason FROM stage_structure_services ORDER BY structure_id, service;

INSERT INTO observatory.structure_record (source_id, record_id, structure_id, rule, name, kind, siret)
SELECT source_id, record_id, structure_id, rule, name, kind, siret
FROM stage_structure_records
ORDER BY source_id, record_id;

INSERT INTO observatory.accompaniment (structure_id, role, phases, devices, zone_level, zone_code, note)
SELECT structure_id, role, phases, devices, zone_level, zone_code, note
FROM stage_accompaniment
ORDER BY structure_id;
