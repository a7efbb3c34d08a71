-- Classes read from one file: keys said twice, communes and sources that nobody declared.
SELECT 'clé absente ou double' AS problem, concat_ws(' ', level, code, zoning) AS example
FROM stage_zonings
GROUP BY level, code, zoning
HAVING count(*) > 1 OR num_nulls(level, code, zoning) > 0
UNION ALL
SELECT 'territoire inconnu', concat_ws(' ', named.level, named.code)
FROM (SELECT DISTINCT level, code FROM stage_zonings) AS named
LEFT JOIN observatory.territory AS territory USING (level, code)
WHERE territory.code IS NULL
UNION ALL
SELECT 'source non déclarée au catalogue', cited.source_id
FROM (SELECT DISTINCT source_id FROM stage_zonings) AS cited
LEFT JOIN observatory.source AS source USING (source_id)
WHERE source.source_id IS NULL
