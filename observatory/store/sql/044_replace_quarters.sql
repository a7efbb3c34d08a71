-- The quartiers prioritaires of the file take the place of those in the database; their population stays unknown.
DELETE FROM observatory.territory_link WHERE child_level = 'qpv';

DELETE FROM observatory.zoning WHERE level = 'qpv';

DELETE FROM observatory.territory WHERE level = 'qpv';

INSERT INTO observatory.territory (
    level, code, name, vintage, population_status, source_id, is_border, is_partial, geom, point
)
SELECT
    'qpv', code, name, vintage, 'missing', source_id, false, false, ST_Multi(ST_SetSRID(geometry, 2154)),
    ST_PointOnSurface(ST_SetSRID(geometry, 2154))
FROM stage_quarters
ORDER BY code;

INSERT INTO observatory.territory_link (child_level, child_code, parent_level, parent_code, vintage, source_id)
SELECT DISTINCT 'qpv', code, 'commune', unnest(commune_codes), vintage, source_id
FROM stage_quarters;

REFRESH MATERIALIZED VIEW observatory.territory_commune;
