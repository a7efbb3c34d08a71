-- Communes of Normandy and their inhabitants by class of a zoning.
SELECT
    zoning.value_code,
    zoning.value_label,
    min(zoning.source_id) AS source_id,
    min(zoning.vintage) AS vintage,
    count(*) AS commune_count,
    CAST(sum(territory.population_count) AS bigint) AS population_count
FROM observatory.zoning
JOIN observatory.territory ON territory.level = zoning.level AND territory.code = zoning.code
WHERE zoning.level = 'commune' AND zoning.zoning = :zoning AND NOT territory.is_border
GROUP BY zoning.value_code, zoning.value_label
ORDER BY zoning.value_code, zoning.value_label
