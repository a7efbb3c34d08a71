-- Geometry that can't be stored or measured: wrong type, empty, invalid, or out of the domain of Lambert-93.
WITH domain AS (
    -- Mainland France and Corsica, onshore, in EPSG:2154, metres: projected bounds at https://epsg.io/2154.
    SELECT ST_MakeEnvelope(40047.98, 6023107.63, 1256237.17, 7143566.38) AS envelope
),
shapes AS (
    SELECT 'territories' AS file_name, concat_ws(' ', level, code) AS example, geometry FROM stage_territories
    UNION ALL
    SELECT 'territories', concat_ws(' ', level, code), ST_MakePoint(point_x_m, point_y_m)
    FROM stage_territories
)
SELECT
    file_name,
    CASE
        WHEN GeometryType(geometry) NOT IN ('POLYGON', 'MULTIPOLYGON', 'POINT') THEN 'géométrie d’un autre type'
        WHEN ST_IsEmpty(geometry) THEN 'géométrie vide'
        WHEN NOT ST_IsValid(geometry) THEN 'géométrie invalide'
        ELSE 'hors du domaine du Lambert-93'
    END AS problem,
    example
FROM shapes
CROSS JOIN domain
WHERE geometry IS NOT NULL
    AND (
        GeometryType(geometry) NOT IN ('POLYGON', 'MULTIPOLYGON', 'POINT')
        OR ST_IsEmpty(geometry)
        OR NOT ST_IsValid(geometry)
        OR NOT ST_CoveredBy(ST_Envelope(geometry), envelope)
    )
UNION ALL
SELECT 'territories', 'commune de la région sans polygone', code
FROM stage_territories
WHERE level = 'commune' AND NOT is_border AND geometry IS NULL
UNION ALL
SELECT 'territories', 'commune sans point', code
FROM stage_territories
WHERE level = 'commune' AND (point_x_m IS NULL OR point_y_m IS NULL)
