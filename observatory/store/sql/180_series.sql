-- Every figure known at several periods for a territory, for its communes, or for the zones around its communes.
WITH moving AS (
    SELECT level, indicator
    FROM observatory.indicator_value
    WHERE value IS NOT NULL
    GROUP BY level, indicator
    HAVING min(period) < max(period)
),
places AS (
    SELECT 'own' AS basis, CAST(:level AS text) AS level, CAST(:code AS text) AS code
    UNION
    SELECT 'communes', 'commune', member.commune_code
    FROM observatory.territory_commune AS member
    WHERE member.level = :level AND member.code = :code AND member.level NOT IN ('commune', 'commune_deleguee', 'qpv')
    UNION
    SELECT 'around', link.parent_level, link.parent_code
    FROM observatory.territory_commune AS member
    JOIN observatory.territory_link AS link
        ON link.child_level = 'commune' AND link.child_code = member.commune_code
    WHERE member.level = :level AND member.code = :code
        AND link.parent_level IN ('zone_emploi', 'departement')
        AND (link.parent_level, link.parent_code) <> (CAST(:level AS text), CAST(:code AS text))
)
SELECT
    places.basis,
    figure.level,
    figure.code,
    territory.name,
    figure.indicator,
    indicator.label,
    indicator.unit,
    figure.period,
    figure.value,
    figure.status,
    figure.source_id
FROM places
JOIN observatory.indicator_value AS figure ON figure.level = places.level AND figure.code = places.code
JOIN moving ON moving.level = figure.level AND moving.indicator = figure.indicator
JOIN observatory.indicator ON indicator.indicator = figure.indicator
JOIN observatory.territory ON territory.level = figure.level AND territory.code = figure.code
ORDER BY figure.indicator, places.basis, figure.level, figure.code, figure.period
