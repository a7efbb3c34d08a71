-- Structures read from one file: keys said twice, sources that nobody declared, communes and points out of place.
SELECT 'clé absente ou double' AS problem, structure_id AS example
FROM stage_structures
GROUP BY structure_id
HAVING count(*) > 1 OR structure_id IS NULL
UNION ALL
SELECT 'service en double', concat_ws(' ', structure_id, service)
FROM stage_structure_services
GROUP BY structure_id, service
HAVING count(*) > 1 OR num_nulls(structure_id, service) > 0
UNION ALL
SELECT 'commune inconnue', concat_ws(' ', staged.structure_id, staged.commune_code)
FROM stage_structures AS staged
LEFT JOIN observatory.territory AS commune ON commune.level = 'commune' AND commune.code = staged.commune_code
WHERE staged.commune_code IS NOT NULL AND commune.code IS NULL
UNION ALL
SELECT 'source non déclarée au catalogue', cited.source_id
FROM (SELECT DISTINCT source_id FROM stage_structures) AS cited
LEFT JOIN observatory.source AS source USING (source_id)
WHERE source.source_id IS NULL
UNION ALL
-- Mainland France and Corsica, onshore, in EPSG:2154, metres: projected bounds at https://epsg.io/2154.
SELECT 'point hors du domaine du Lambert-93', structure_id
FROM stage_structures
WHERE point_x_m NOT BETWEEN 40047.98 AND 1256237.17 OR point_y_m NOT BETWEEN 6023107.63 AND 7143566.38
