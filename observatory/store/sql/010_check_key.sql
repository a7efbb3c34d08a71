-- Keys of a staged table that are absent or said twice.
SELECT 'clé absente ou double' AS problem, concat_ws(' ', {key}) AS example
FROM {stage}
GROUP BY {key}
HAVING count(*) > 1 OR num_nulls({key}) > 0
