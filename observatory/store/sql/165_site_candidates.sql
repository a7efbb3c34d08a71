-- What a territory entered in a layer, at a point: the centre of what is an area, inside it.
SELECT
    entry.code,
    entry.name,
    entry.layer,
    entry.territory_code,
    entry.address,
    entry.commune_code,
    density.value_code::integer AS density_level,
    ST_X(ST_PointOnSurface(entry.geom)) AS x_m,
    ST_Y(ST_PointOnSurface(entry.geom)) AS y_m,
    CASE WHEN ST_Dimension(entry.geom) = 2 THEN ST_Area(entry.geom) END AS area_m2,
    entry.place_quality,
    entry.place_score,
    entry.place_note,
    entry.outside_m,
    entry.attributes,
    entry.origin,
    entry.stated_date
FROM observatory.territory_entry AS entry
LEFT JOIN observatory.zoning AS density
    ON density.level = 'commune' AND density.code = entry.commune_code AND density.zoning = 'densite'
WHERE entry.territory_code = :territory AND (CAST(:layer AS text) IS NULL OR entry.layer = :layer)
ORDER BY entry.layer, entry.code
