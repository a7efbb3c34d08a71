-- Open establishments of the region that a source gives a service, and the employers among them, by their label.
SELECT
    count(DISTINCT structure.structure_id) AS known,
    count(DISTINCT structure.structure_id) FILTER (WHERE record.label LIKE 'Employeur%') AS employers
FROM observatory.structure_record AS record
JOIN observatory.structure AS structure USING (structure_id)
JOIN observatory.structure_service AS offered ON offered.structure_id = structure.structure_id
JOIN observatory.territory AS commune ON commune.level = 'commune' AND commune.code = structure.commune_code
LEFT JOIN observatory.closure AS closure ON closure.siret = structure.siret
WHERE record.source_id = :source
    AND offered.service = :service
    AND NOT commune.is_border
    AND structure.is_active
    AND closure.siret IS NULL
