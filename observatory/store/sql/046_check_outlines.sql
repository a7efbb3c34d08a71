-- Outlines of communes read from one file: every commune of the region that has one, once, as a valid surface.
SELECT 'clé absente ou double' AS problem, code AS example
FROM stage_outlines
GROUP BY code
HAVING count(*) > 1 OR code IS NULL
UNION ALL
SELECT 'commune inconnue', staged.code
FROM stage_outlines AS staged
LEFT JOIN observatory.territory AS commune ON commune.level = 'commune' AND commune.code = staged.code
WHERE commune.code IS NULL OR commune.is_border
UNION ALL
SELECT 'commune de la région sans contour', commune.code
FROM observatory.territory AS commune
LEFT JOIN stage_outlines AS staged USING (code)
WHERE commune.level = 'commune' AND NOT commune.is_border AND staged.code IS NULL
UNION ALL
SELECT 'contour absent ou invalide', code
FROM stage_outlines
WHERE geometry IS NULL OR NOT ST_IsValid(geometry) OR ST_Area(geometry) = 0
UNION ALL
SELECT 'source non déclarée au catalogue', cited.source_id
FROM (SELECT DISTINCT source_id FROM stage_outlines) AS cited
LEFT JOIN observatory.source AS source USING (source_id)
WHERE source.source_id IS NULL
