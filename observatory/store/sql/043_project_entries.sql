-- Local structures that territories entered join the structures and the supply of their service.
DELETE FROM observatory.structure
WHERE source_id = 'saisie_territoire' AND kind = 'SAISIE_TERRITOIRE';

INSERT INTO observatory.structure (
    structure_id, name, kind, address, commune_code, departement_code, place_quality, place_note, label, is_active,
    period, source_id, geom
)
SELECT
    'saisie_territoire:' || territory_code || ':' || code, name, 'SAISIE_TERRITOIRE', address, commune_code,
    left(commune_code, 2), place_quality, place_note, 'saisi par le territoire', true, stated_date,
    'saisie_territoire', ST_PointOnSurface(geom)
FROM observatory.territory_entry
WHERE layer = 'structures';

INSERT INTO observatory.structure_record (source_id, record_id, structure_id, rule, name, kind)
SELECT 'saisie_territoire', territory_code || ':' || code, 'saisie_territoire:' || territory_code || ':' || code,
    'unique', name, 'SAISIE_TERRITOIRE'
FROM observatory.territory_entry
WHERE layer = 'structures';

INSERT INTO observatory.structure_service (structure_id, service, reason)
SELECT 'saisie_territoire:' || territory_code || ':' || code, service,
    'Saisi par le territoire (' || origin || ', ' || stated_date || ').'
FROM observatory.territory_entry
WHERE layer = 'structures';

DELETE FROM observatory.tile;
