-- Rows of a staged table that contradict themselves.
SELECT '{problem}' AS problem, concat_ws(' ', {key}) AS example
FROM {stage}
WHERE {refused}
