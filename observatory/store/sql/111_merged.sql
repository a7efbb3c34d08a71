-- Records of the structures that several records make (or of the one that :of names), the lead first, with what joined
-- them, their date and the quality of their place.
SELECT
    record.structure_id,
    structure.name AS structure_name,
    grouped.record_count,
    record.source_id || ':' || record.record_id AS record_key,
    record.source_id,
    source.title AS source_title,
    record.record_id,
    record.name,
    record.kind,
    record.siret,
    record.address,
    record.city,
    record.period,
    record.place_quality,
    record.place_note,
    record.rule,
    record.score,
    record.structure_id = record.source_id || ':' || record.record_id AS is_lead
FROM observatory.structure_record AS record
JOIN observatory.structure AS structure USING (structure_id)
JOIN observatory.source AS source ON source.source_id = record.source_id
JOIN (
    SELECT structure_id, count(*) AS record_count FROM observatory.structure_record GROUP BY structure_id
) AS grouped ON grouped.structure_id = record.structure_id
WHERE CASE
    WHEN CAST(:of AS text) IS NULL THEN grouped.record_count > 1
    ELSE record.structure_id IN (
        SELECT named.structure_id
        FROM observatory.structure_record AS named
        WHERE :of IN (named.structure_id, named.source_id || ':' || named.record_id, named.siret)
    )
END
ORDER BY structure.name COLLATE "fr-x-icu", record.structure_id, is_lead DESC, record.source_id, record.record_id
