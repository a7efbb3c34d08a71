-- Communes of EPCI read from one file: each commune of the region once, in an EPCI that has one name.
SELECT 'commune absente ou en double' AS problem, staged.commune_code AS example
FROM stage_memberships AS staged
GROUP BY staged.commune_code
HAVING count(*) > 1 OR staged.commune_code IS NULL
UNION ALL
SELECT 'commune inconnue', staged.commune_code
FROM stage_memberships AS staged
LEFT JOIN observatory.territory AS commune ON commune.level = 'commune' AND commune.code = staged.commune_code
WHERE commune.code IS NULL OR commune.is_border
UNION ALL
SELECT 'EPCI sans nom ou qui en a deux', epci_code
FROM stage_memberships
GROUP BY epci_code
HAVING count(DISTINCT epci_name) <> 1 OR epci_code IS NULL
UNION ALL
SELECT 'source non déclarée au catalogue', cited.source_id
FROM (SELECT DISTINCT source_id FROM stage_memberships) AS cited
LEFT JOIN observatory.source AS source USING (source_id)
WHERE source.source_id IS NULL
