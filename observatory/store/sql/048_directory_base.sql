-- Everything that the tables say of a structure of the directory, to be put back as it is if its edits are undone.
SELECT jsonb_build_object(
    'structure', (
        SELECT coalesce(jsonb_agg(to_jsonb(structure) || jsonb_build_object('geom', structure.geom::text)), '[]')
        FROM observatory.structure AS structure
        WHERE structure.structure_id = :name
    ),
    'structure_record', (
        SELECT coalesce(jsonb_agg(to_jsonb(record) || jsonb_build_object('geom', record.geom::text)), '[]')
        FROM observatory.structure_record AS record
        WHERE record.structure_id = :name
    ),
    'structure_service', (
        SELECT coalesce(jsonb_agg(to_jsonb(offered)), '[]')
        FROM observatory.structure_service AS offered
        WHERE offered.structure_id = :name
    ),
    'accompaniment', (
        SELECT coalesce(jsonb_agg(to_jsonb(body)), '[]')
        FROM observatory.accompaniment AS body
        WHERE body.structure_id = :name
    ),
    'accompaniment_zone', (
        SELECT coalesce(jsonb_agg(to_jsonb(zone)), '[]')
        FROM observatory.accompaniment_zone AS zone
        WHERE zone.structure_id = :name
    ),
    'accompaniment_place', (
        SELECT coalesce(jsonb_agg(to_jsonb(place) || jsonb_build_object('geom', place.geom::text)), '[]')
        FROM observatory.accompaniment_place AS place
        WHERE place.structure_id = :name
    )
)
