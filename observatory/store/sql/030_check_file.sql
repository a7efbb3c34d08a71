-- Figures read from one file: keys said twice, territories, indicators and sources that nobody declared.
SELECT 'clé double' AS problem, concat_ws(' ', level, code, indicator, period) AS example
FROM stage_values
GROUP BY level, code, indicator, period
HAVING count(*) > 1 OR num_nulls(level, code, indicator, period) > 0
UNION ALL
SELECT 'valeur et statut se contredisent', concat_ws(' ', level, code, indicator, period)
FROM stage_values
WHERE (value IS NULL) <> (status IN ('missing', 'suppressed')) OR value IN ('NaN', 'Infinity', '-Infinity')
UNION ALL
SELECT 'territoire inconnu', concat_ws(' ', named.level, named.code)
FROM (SELECT DISTINCT level, code FROM stage_values) AS named
LEFT JOIN observatory.territory AS territory USING (level, code)
WHERE territory.code IS NULL
UNION ALL
SELECT 'indicateur non déclaré', used.indicator
FROM (SELECT DISTINCT indicator FROM stage_values) AS used
LEFT JOIN observatory.indicator AS declared USING (indicator)
WHERE declared.indicator IS NULL
UNION ALL
SELECT 'source non déclarée au catalogue', cited.source_id
FROM (SELECT DISTINCT source_id FROM stage_values) AS cited
LEFT JOIN observatory.source AS source USING (source_id)
WHERE source.source_id IS NULL
UNION ALL
SELECT 'figure déjà donnée par ' || figure.source_id, concat_ws(' ', level, code, indicator, period)
FROM stage_values AS staged
JOIN observatory.indicator_value AS figure USING (level, code, indicator, period)
WHERE figure.source_id <> staged.source_id
