-- Quartiers prioritaires read from one file: keys said twice, communes that nobody knows, outlines that are no surface.
SELECT 'clé absente ou double' AS problem, code AS example
FROM stage_quarters
GROUP BY code
HAVING count(*) > 1 OR code IS NULL
UNION ALL
SELECT 'commune inconnue', concat_ws(' ', named.code, named.commune_code)
FROM (SELECT code, unnest(commune_codes) AS commune_code FROM stage_quarters) AS named
LEFT JOIN observatory.territory AS commune ON commune.level = 'commune' AND commune.code = named.commune_code
WHERE commune.code IS NULL
UNION ALL
SELECT 'contour absent ou invalide', code
FROM stage_quarters
WHERE geometry IS NULL OR NOT ST_IsValid(geometry) OR ST_Area(geometry) = 0
UNION ALL
SELECT 'source non déclarée au catalogue', cited.source_id
FROM (SELECT DISTINCT source_id FROM stage_quarters) AS cited
LEFT JOIN observatory.source AS source USING (source_id)
WHERE source.source_id IS NULL
