-- Figures of a file that another source has given already.
SELECT 'figure déjà donnée par ' || figure.source_id AS problem, concat_ws(' ', level, code, indicator, period) AS example
FROM stage_values AS staged
JOIN observatory.indicator_value AS figure USING (level, code, indicator, period)
WHERE figure.source_id <> staged.source_id
