-- Keys that are absent or said twice, one row per offending key.
SELECT 'territories' AS file_name, 'clé absente ou double' AS problem, concat_ws(' ', level, code) AS example
FROM stage_territories
GROUP BY level, code
HAVING count(*) > 1 OR level IS NULL OR code IS NULL
UNION ALL
SELECT 'territory_links', 'clé absente ou double', concat_ws(' ', child_level, child_code, parent_level, parent_code)
FROM stage_territory_links
GROUP BY child_level, child_code, parent_level, parent_code
HAVING count(*) > 1 OR num_nulls(child_level, child_code, parent_level, parent_code) > 0
UNION ALL
SELECT 'values', 'clé absente ou double', concat_ws(' ', level, code, indicator, period)
FROM stage_values
GROUP BY level, code, indicator, period
HAVING count(*) > 1 OR num_nulls(level, code, indicator, period) > 0
UNION ALL
SELECT 'zonings', 'clé absente ou double', concat_ws(' ', level, code, zoning)
FROM stage_zonings
GROUP BY level, code, zoning
HAVING count(*) > 1 OR num_nulls(level, code, zoning) > 0
UNION ALL
SELECT 'structures', 'clé absente ou double', structure_id
FROM stage_structures
GROUP BY structure_id
HAVING count(*) > 1 OR structure_id IS NULL
UNION ALL
SELECT 'structure_services', 'clé absente ou double', concat_ws(' ', structure_id, service)
FROM stage_structure_services
GROUP BY structure_id, service
HAVING count(*) > 1 OR num_nulls(structure_id, service) > 0
UNION ALL
SELECT 'structure_records', 'clé absente ou double', concat_ws(' ', source_id, record_id)
FROM stage_structure_records
GROUP BY source_id, record_id
HAVING count(*) > 1 OR num_nulls(source_id, record_id) > 0
UNION ALL
SELECT 'accompaniment', 'clé absente ou double', structure_id
FROM stage_accompaniment
GROUP BY structure_id
HAVING count(*) > 1 OR structure_id IS NULL
