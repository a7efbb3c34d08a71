-- The figures of the sources and levels that were staged take the place of those in the database.
DELETE FROM observatory.indicator_value AS figure
USING (SELECT DISTINCT source_id, level FROM stage_values) AS replaced
WHERE figure.source_id = replaced.source_id AND figure.level = replaced.level;

INSERT INTO observatory.indicator_value (level, code, indicator, period, value, status, source_id)
SELECT level, code, indicator, period, value, status, source_id
FROM stage_values;

DELETE FROM observatory.tile;
