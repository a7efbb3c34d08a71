-- Totals that don’t add up, communes in no département, in several, or in several EPCI, structures of no record.
WITH totals AS (
    SELECT link.parent_level AS level, link.parent_code AS code, sum(commune.population_count) AS population_count
    FROM stage_territory_links AS link
    JOIN stage_territories AS commune ON commune.level = 'commune' AND commune.code = link.child_code
    WHERE link.child_level = 'commune' AND NOT commune.is_border
    GROUP BY link.parent_level, link.parent_code
    UNION ALL
    SELECT link.parent_level, link.parent_code, sum(departement.population_count)
    FROM stage_territory_links AS link
    JOIN stage_territories AS departement ON departement.level = 'departement' AND departement.code = link.child_code
    WHERE link.child_level = 'departement'
    GROUP BY link.parent_level, link.parent_code
)
SELECT 'territories' AS file_name,
    format('population de %s, somme de ses communes %s', territory.population_count, totals.population_count) AS problem,
    concat_ws(' ', territory.level, territory.code) AS example
FROM stage_territories AS territory
JOIN totals USING (level, code)
WHERE territory.population_count IS NOT NULL
    AND territory.population_count <> totals.population_count
    AND territory.level IN ('region', 'departement', 'epci')
UNION ALL
SELECT 'territory_links', format('commune sans département ou avec plusieurs (%s)', count(link.parent_code)), commune.code
FROM stage_territories AS commune
LEFT JOIN stage_territory_links AS link
    ON link.child_level = 'commune' AND link.child_code = commune.code AND link.parent_level = 'departement'
WHERE commune.level = 'commune' AND NOT commune.is_border
GROUP BY commune.code
HAVING count(link.parent_code) <> 1
UNION ALL
SELECT 'territory_links', 'commune dans plusieurs EPCI', child_code
FROM stage_territory_links
WHERE child_level = 'commune' AND parent_level = 'epci'
GROUP BY child_code
HAVING count(*) > 1
UNION ALL
SELECT 'structures', 'structure sans enregistrement d’origine', structure.structure_id
FROM stage_structures AS structure
LEFT JOIN stage_structure_records AS record USING (structure_id)
WHERE record.structure_id IS NULL
