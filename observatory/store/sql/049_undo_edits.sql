-- Puts back the rows of a structure of the directory, as 048_directory_base kept them; those that are there stay.
WITH
    structures AS (
        INSERT INTO observatory.structure
        SELECT * FROM jsonb_populate_recordset(NULL::observatory.structure, :base -> 'structure')
        ON CONFLICT DO NOTHING
    ),
    records AS (
        INSERT INTO observatory.structure_record
        SELECT * FROM jsonb_populate_recordset(NULL::observatory.structure_record, :base -> 'structure_record')
        ON CONFLICT DO NOTHING
    ),
    services AS (
        INSERT INTO observatory.structure_service
        SELECT * FROM jsonb_populate_recordset(NULL::observatory.structure_service, :base -> 'structure_service')
        ON CONFLICT DO NOTHING
    ),
    bodies AS (
        INSERT INTO observatory.accompaniment
        SELECT * FROM jsonb_populate_recordset(NULL::observatory.accompaniment, :base -> 'accompaniment')
    ),
    zones AS (
        INSERT INTO observatory.accompaniment_zone
        SELECT * FROM jsonb_populate_recordset(NULL::observatory.accompaniment_zone, :base -> 'accompaniment_zone')
    )
INSERT INTO observatory.accompaniment_place
SELECT * FROM jsonb_populate_recordset(NULL::observatory.accompaniment_place, :base -> 'accompaniment_place')
