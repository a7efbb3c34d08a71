-- Communes of Normandy whose outlines touch, each pair once.
SELECT
    one.code,
    other.code AS other_code
FROM observatory.territory AS one
JOIN observatory.territory AS other
    ON other.level = one.level
    AND other.code > one.code
    AND ST_Intersects(one.geom, other.geom)
WHERE one.level = 'commune' AND NOT one.is_border AND NOT other.is_border
ORDER BY one.code, other.code
