-- Quartiers prioritaires that a file would add, withdraw and change. An outline that is off by less than one percent of
-- its area is the same, drawn with other roundings (convention de l'observatoire).
WITH held AS (
    SELECT code, name, geom FROM observatory.territory WHERE level = 'qpv'
)
SELECT
    staged.source_id,
    count(*) FILTER (WHERE held.code IS NULL) AS added_count,
    (SELECT count(*) FROM held WHERE code NOT IN (SELECT code FROM stage_quarters)) AS removed_count,
    count(*) FILTER (
        WHERE held.code IS NOT NULL
            AND (
                held.name <> staged.name
                OR ST_Area(ST_SymDifference(held.geom, ST_SetSRID(staged.geometry, 2154))) > 0.01 * ST_Area(held.geom)
            )
    ) AS changed_count
FROM stage_quarters AS staged
LEFT JOIN held USING (code)
GROUP BY staged.source_id
