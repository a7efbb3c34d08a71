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

INSERT INTO observatory.structure ({columns})
SELECT {stored}
FROM stage_structures
ORDER BY structure_id
ON CONFLICT (structure_id) DO UPDATE SET ({columns}) = ROW ({excluded});

DELETE FROM observatory.structure_service AS service
USING stage_structures AS staged
WHERE service.structure_id = staged.structure_id;
