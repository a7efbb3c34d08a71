-- What the rows of a staged table name and {other} doesn't hold.
SELECT '{problem}' AS problem, coalesce(nullif(concat_ws(' ', {shown}), ''), 'vide') AS example
FROM (SELECT DISTINCT {named} FROM {stage}) AS named
LEFT JOIN (SELECT * FROM {other} AS held WHERE {only}) AS held USING ({columns})
WHERE held.{column} IS NULL AND ({said})
