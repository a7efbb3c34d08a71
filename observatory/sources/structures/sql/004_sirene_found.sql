-- What was found, with its rule and INSEE's own point, without what INSEE withholds ('[ND]').
SELECT
    nullif(COLUMNS(found.* EXCLUDE (sign, name, is_active, is_known, is_declared, is_listed, x_text, y_text)), '[ND]'),
    coalesce(nullif(found.sign, '[ND]'), nullif(found.name, '[ND]')) AS name,
    found.is_active,
    found.is_known,
    CASE WHEN found.is_declared THEN 'declared' WHEN found.is_listed THEN 'listed' ELSE family.family END AS ess_rule,
    TRY_CAST(found.x_text AS DOUBLE) AS x_m,
    TRY_CAST(found.y_text AS DOUBLE) AS y_m,
    located.x_m AS located_x_m,
    located.y_m AS located_y_m,
    located.quality AS located_quality
FROM found
LEFT JOIN family ON family.code = found.legal_category_code
LEFT JOIN (
    SELECT siret, TRY_CAST(x AS DOUBLE) AS x_m, TRY_CAST(y AS DOUBLE) AS y_m, qualite_xy AS quality
    FROM {coordinates} AS points
    WHERE epsg = '2154' AND siret IN (SELECT siret FROM found)
) AS located ON located.siret = found.siret
ORDER BY found.siret;
