-- Records that are known apart, as the rules of resolution compare them. A structure that holds a record of which
-- nothing is known apart (the directory that users edit) stays as its loader made it.
SELECT
    source_id,
    record_id,
    structure_id AS former_id,
    rule AS former_rule,
    score AS former_score,
    name,
    siret,
    address,
    city,
    commune_code,
    place_quality,
    ST_X(geom) AS point_x_m,
    ST_Y(geom) AS point_y_m
FROM observatory.structure_record AS record
WHERE place_quality IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM observatory.structure_record AS bare
        WHERE bare.structure_id = record.structure_id AND bare.place_quality IS NULL
    )
ORDER BY source_id, record_id
