-- Communes of the region and of its border as places of demand, at their town hall.
WITH membership AS (
    SELECT
        child_code AS code,
        min(parent_code) FILTER (WHERE parent_level = 'epci') AS epci_code,
        min(parent_code) FILTER (WHERE parent_level = 'departement') AS departement_code,
        min(parent_code) FILTER (WHERE parent_level = 'zone_emploi') AS zone_emploi_code
    FROM observatory.territory_link
    WHERE child_level = 'commune'
    GROUP BY child_code
)
SELECT
    commune.code,
    commune.name,
    commune.population_count,
    ST_X(commune.point) AS x_m,
    ST_Y(commune.point) AS y_m,
    commune.is_border,
    density.value_code::integer AS density_level,
    membership.epci_code,
    membership.departement_code,
    region.parent_code AS region_code,
    membership.zone_emploi_code
FROM observatory.territory AS commune
LEFT JOIN membership USING (code)
LEFT JOIN observatory.territory_link AS region
    ON region.child_level = 'departement'
    AND region.child_code = membership.departement_code
    AND region.parent_level = 'region'
LEFT JOIN observatory.zoning AS density
    ON density.level = 'commune' AND density.code = commune.code AND density.zoning = 'densite'
WHERE commune.level = 'commune'
ORDER BY commune.code
