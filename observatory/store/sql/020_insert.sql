-- What is staged, as rows of the table that it becomes.
INSERT INTO {target} ({columns})
SELECT {stored}
FROM {stage}
ORDER BY {key}
