-- The structures of stage_regrouped (records whose structure, or what joined them to it, has changed) are made again
-- from their records: the lead says name and place, and every record adds its services.
DROP TABLE IF EXISTS touched, followed;

CREATE TEMP TABLE touched ON COMMIT DROP AS
SELECT DISTINCT coalesce(moved.structure_id, record.structure_id) AS structure_id
FROM observatory.structure_record AS record
LEFT JOIN stage_regrouped AS moved USING (source_id, record_id)
WHERE record.place_quality IS NOT NULL
    AND (
        moved.structure_id IS NOT NULL
        OR record.structure_id IN (SELECT former_id FROM stage_regrouped UNION SELECT structure_id FROM stage_regrouped)
    );

INSERT INTO observatory.structure (structure_id, {said})
SELECT touched.structure_id, {said}
FROM touched
JOIN observatory.structure_record AS lead ON touched.structure_id = lead.source_id || ':' || lead.record_id
ON CONFLICT (structure_id) DO UPDATE SET ({said}) = ROW ({excluded});

UPDATE observatory.structure_record AS record
SET structure_id = moved.structure_id, rule = moved.rule, score = moved.score
FROM stage_regrouped AS moved
WHERE moved.source_id = record.source_id AND moved.record_id = record.record_id;

UPDATE observatory.structure AS structure
SET siret = known.siret
FROM (
    SELECT DISTINCT ON (record.structure_id) record.structure_id, record.siret
    FROM observatory.structure_record AS record
    JOIN touched USING (structure_id)
    WHERE record.siret IS NOT NULL
    ORDER BY record.structure_id, record.source_id, record.record_id
) AS known
WHERE known.structure_id = structure.structure_id AND structure.siret IS NULL;

-- What is known of it: as observatory.sources.structures.standing says.
UPDATE observatory.structure AS structure
SET
    state = agreed.state,
    confidence = agreed.confidence,
    is_active = agreed.state IN ('open', 'unknown')
FROM (
    SELECT DISTINCT ON (record.structure_id) record.structure_id, record.state, record.confidence
    FROM observatory.structure_record AS record
    JOIN touched USING (structure_id)
    WHERE record.state IS NOT NULL
    ORDER BY
        record.structure_id,
        array_position(ARRAY['closed', 'open', 'announced', 'unknown'], record.state::text),
        array_position(ARRAY['sure', 'likely', 'doubtful'], record.confidence::text)
) AS agreed
WHERE agreed.structure_id = structure.structure_id;

-- What a body of the ecosystem does follows the record that says so.
CREATE TEMP TABLE followed ON COMMIT DROP AS
SELECT DISTINCT ON (moved.former_id) moved.former_id, moved.structure_id
FROM stage_regrouped AS moved
JOIN observatory.structure_record AS record USING (source_id, record_id)
JOIN (
    SELECT structure_id FROM observatory.accompaniment
    UNION
    SELECT structure_id FROM observatory.directory_edit
) AS body ON body.structure_id = moved.former_id
LEFT JOIN observatory.accompaniment AS taken ON taken.structure_id = moved.structure_id
WHERE moved.former_id <> moved.structure_id
    AND taken.structure_id IS NULL
    AND (
        moved.source_id IN ('ami_french_impact_2018', 'annuaire_accompagnement')
        OR NOT EXISTS (
            SELECT FROM observatory.structure_record AS left_there WHERE left_there.structure_id = moved.former_id
        )
    )
ORDER BY moved.former_id, moved.source_id NOT IN ('ami_french_impact_2018', 'annuaire_accompagnement'), moved.structure_id;

UPDATE observatory.accompaniment AS body
SET structure_id = followed.structure_id
FROM followed
WHERE body.structure_id = followed.former_id;

UPDATE observatory.accompaniment_zone AS zone
SET structure_id = followed.structure_id
FROM followed
WHERE zone.structure_id = followed.former_id;

UPDATE observatory.accompaniment_place AS place
SET structure_id = followed.structure_id
FROM followed
WHERE place.structure_id = followed.former_id;

-- So does what users made of it; what it was before is known again with the next load. An edit that is left under the
-- new identifier can only be one of a body that was taken out.
DELETE FROM observatory.directory_edit AS left_there
USING followed
WHERE left_there.structure_id = followed.structure_id
    AND EXISTS (SELECT FROM observatory.directory_edit AS own WHERE own.structure_id = followed.former_id);

UPDATE observatory.directory_edit AS edit
SET
    structure_id = followed.structure_id,
    content = jsonb_set(edit.content, '{{structure_id}}', to_jsonb(followed.structure_id)),
    base = NULL
FROM followed
WHERE edit.structure_id = followed.former_id;

DELETE FROM observatory.structure AS structure
USING (SELECT DISTINCT former_id FROM stage_regrouped) AS former
WHERE structure.structure_id = former.former_id
    AND NOT EXISTS (
        SELECT FROM observatory.structure_record AS record WHERE record.structure_id = structure.structure_id
    );

DELETE FROM observatory.structure_service AS service
USING touched
WHERE service.structure_id = touched.structure_id;

INSERT INTO observatory.structure_service (structure_id, service, reason)
SELECT DISTINCT ON (record.structure_id, offer.key) record.structure_id, offer.key, offer.value
FROM observatory.structure_record AS record
JOIN touched USING (structure_id)
CROSS JOIN LATERAL jsonb_each_text(record.services) AS offer
ORDER BY
    record.structure_id,
    offer.key,
    record.structure_id <> record.source_id || ':' || record.record_id,
    record.source_id,
    record.record_id;

DELETE FROM observatory.tile;
