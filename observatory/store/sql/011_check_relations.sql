-- Rows that name something the snapshot or its declarations don't hold.
WITH cited AS (
    SELECT 'territories' AS file_name, source_id FROM stage_territories
    UNION SELECT 'territories', population_source_id FROM stage_territories WHERE population_source_id IS NOT NULL
    UNION SELECT 'territory_links', source_id FROM stage_territory_links
    UNION SELECT 'values', source_id FROM stage_values
    UNION SELECT 'zonings', source_id FROM stage_zonings
    UNION SELECT 'structures', source_id FROM stage_structures
    UNION SELECT 'structure_records', source_id FROM stage_structure_records
    UNION SELECT 'rejected', source_id FROM stage_rejected
    UNION SELECT 'runs', source_id FROM stage_runs
),
named AS (
    SELECT 'territory_links' AS file_name, child_level AS level, child_code AS code FROM stage_territory_links
    UNION SELECT 'territory_links', parent_level, parent_code FROM stage_territory_links
    UNION SELECT 'values', level, code FROM stage_values
    UNION SELECT 'zonings', level, code FROM stage_zonings
    UNION SELECT 'structures', 'commune', commune_code FROM stage_structures WHERE commune_code IS NOT NULL
    UNION SELECT 'accompaniment', zone_level, zone_code FROM stage_accompaniment WHERE zone_code IS NOT NULL
),
placed AS (
    SELECT 'structure_services' AS file_name, structure_id FROM stage_structure_services
    UNION SELECT 'structure_records', structure_id FROM stage_structure_records
    UNION SELECT 'accompaniment', structure_id FROM stage_accompaniment
)
SELECT cited.file_name, 'source non déclarée au catalogue' AS problem, coalesce(cited.source_id, 'vide') AS example
FROM cited
LEFT JOIN observatory.source AS source USING (source_id)
WHERE source.source_id IS NULL
UNION ALL
SELECT named.file_name, 'territoire inconnu', concat_ws(' ', named.level, named.code)
FROM named
LEFT JOIN stage_territories AS territory USING (level, code)
WHERE territory.code IS NULL
UNION ALL
SELECT 'values', 'indicateur non déclaré', used.indicator
FROM (SELECT DISTINCT indicator FROM stage_values) AS used
LEFT JOIN observatory.indicator AS declared USING (indicator)
WHERE declared.indicator IS NULL
UNION ALL
SELECT placed.file_name, 'structure inconnue', placed.structure_id
FROM placed
LEFT JOIN stage_structures AS structure USING (structure_id)
WHERE structure.structure_id IS NULL
UNION ALL
SELECT 'structures', 'structure sans enregistrement d’origine', structure.structure_id
FROM stage_structures AS structure
LEFT JOIN stage_structure_records AS record USING (structure_id)
WHERE record.structure_id IS NULL
