-- Outlines of the territories of a level, as SVG paths in whole metres (Lambert-93, y downwards), on a shared grid of
-- :grid_m metres so that neighbours stay together.
SELECT
    territory.code,
    territory.name,
    ST_AsSVG(ST_SnapToGrid(territory.geom, :grid_m), 1, 0) AS path
FROM observatory.territory
WHERE territory.level = :level AND territory.geom IS NOT NULL AND NOT territory.is_border
    AND (CAST(:code AS text) IS NULL OR territory.code = :code)
ORDER BY territory.code
