-- What was found, with its legal unit's name and rule and INSEE's own point.
SELECT
    found.siret,
    found.siren,
    coalesce(nullif(found.sign, '[ND]'), unit.name) AS name,
    unit.legal_category_code,
    unit.rna_code,
    unit.ess_rule,
    found.* EXCLUDE (siret, siren, sign, x_text, y_text),
    TRY_CAST(found.x_text AS DOUBLE) AS x_m,
    TRY_CAST(found.y_text AS DOUBLE) AS y_m,
    located.x_m AS located_x_m,
    located.y_m AS located_y_m,
    located.quality AS located_quality,
    found.siret IN (SELECT siret FROM known) AS is_known
FROM found
INNER JOIN unit ON unit.siren = found.siren
LEFT JOIN (
    SELECT siret, TRY_CAST(x AS DOUBLE) AS x_m, TRY_CAST(y AS DOUBLE) AS y_m, CAST(qualite_xy AS VARCHAR) AS quality
    FROM {coordinates}
    WHERE CAST(epsg AS VARCHAR) = '2154' AND siret IN (SELECT siret FROM found)
) AS located ON located.siret = found.siret
