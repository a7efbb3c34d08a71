-- Communes of EPCI read from one file: each EPCI has one name.
SELECT 'EPCI sans nom ou qui en a deux' AS problem, epci_code AS example
FROM stage_memberships
GROUP BY epci_code
HAVING count(DISTINCT epci_name) <> 1 OR epci_code IS NULL
