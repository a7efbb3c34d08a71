-- What each territory of a level (or the one that :code names) is known to hold: communes, inhabitants of the reference
-- population, quartiers prioritaires of its communes.
SELECT
    territory.code,
    territory.name,
    coalesce(territory.commune_count, 0) AS communes,
    coalesce(territory.population_count, 0) AS population,
    (
        SELECT count(DISTINCT link.child_code)
        FROM observatory.territory_commune AS member
        JOIN observatory.territory_link AS link
            ON link.parent_level = 'commune' AND link.parent_code = member.commune_code AND link.child_level = 'qpv'
        WHERE member.level = territory.level AND member.code = territory.code
    ) AS quartiers
FROM observatory.territory AS territory
WHERE territory.level = :level
    AND NOT territory.is_border
    AND (CAST(:code AS text) IS NULL OR territory.code = :code)
ORDER BY territory.code
