-- Quartiers prioritaires read from one file: communes that nobody knows.
SELECT 'commune inconnue' AS problem, concat_ws(' ', named.code, named.commune_code) AS example
FROM (SELECT code, unnest(commune_codes) AS commune_code FROM stage_quarters) AS named
LEFT JOIN observatory.territory AS commune ON commune.level = 'commune' AND commune.code = named.commune_code
WHERE commune.code IS NULL
