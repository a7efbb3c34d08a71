-- Places of the accompaniment directory, in degrees and in metres, with what their commune says of them.
SELECT
    place.structure_id,
    place.rank,
    place.kind,
    place.name,
    place.address,
    place.commune_code,
    place.days,
    CASE WHEN cardinality(place.phases) > 0 THEN place.phases ELSE body.phases END AS phases,
    ST_X(place.geom) AS x_m,
    ST_Y(place.geom) AS y_m,
    round(ST_X(ST_Transform(place.geom, 4326))::numeric, 6)::float AS lon,
    round(ST_Y(ST_Transform(place.geom, 4326))::numeric, 6)::float AS lat,
    density.value_code::integer AS density_level,
    commune.is_border,
    structure.is_active,
    place.place_quality,
    place.place_note,
    place.confidence,
    structure.confidence AS structure_confidence,
    place.territory_code,
    place.origin,
    place.stated_date
FROM observatory.accompaniment_place AS place
JOIN observatory.accompaniment AS body USING (structure_id)
JOIN observatory.structure AS structure USING (structure_id)
LEFT JOIN observatory.territory AS commune
    ON commune.level = 'commune' AND commune.code = place.commune_code
LEFT JOIN observatory.zoning AS density
    ON density.level = 'commune' AND density.code = place.commune_code AND density.zoning = 'densite'
ORDER BY place.structure_id, place.rank
