-- Only what differs from the loaded memberships is written: the links of the communes that changed EPCI, and the EPCI
-- that gained or lost a commune, whose outline, population and number of communes are worked out again.
CREATE TEMP TABLE moved ON COMMIT DROP AS
SELECT staged.commune_code, staged.epci_code, former.parent_code AS former_code
FROM stage_memberships AS staged
LEFT JOIN observatory.territory_link AS former
    ON former.child_level = 'commune' AND former.child_code = staged.commune_code AND former.parent_level = 'epci'
WHERE former.parent_code IS DISTINCT FROM staged.epci_code;

CREATE TEMP TABLE touched ON COMMIT DROP AS
SELECT epci_code AS code FROM moved
UNION
SELECT former_code FROM moved WHERE former_code IS NOT NULL;

DELETE FROM observatory.territory_link AS link
USING moved
WHERE link.child_level = 'commune' AND link.child_code = moved.commune_code AND link.parent_level = 'epci';

INSERT INTO observatory.territory (
    level, code, name, vintage, population_count, population_status, population_source_id, source_id, is_border,
    is_partial, commune_count, geom, point
)
SELECT
    'epci',
    staged.epci_code,
    min(staged.epci_name),
    min(staged.vintage),
    CASE WHEN count(*) = count(commune.population_count) THEN sum(commune.population_count) END,
    CASE WHEN count(*) = count(commune.population_count) THEN 'observed' ELSE 'missing' END,
    CASE WHEN count(*) = count(commune.population_count) THEN min(commune.population_source_id) END,
    min(staged.source_id),
    false,
    bool_or(staged.is_partial),
    count(*),
    ST_Multi(ST_Union(commune.geom)),
    ST_PointOnSurface(ST_Union(commune.geom))
FROM stage_memberships AS staged
JOIN touched ON touched.code = staged.epci_code
JOIN observatory.territory AS commune ON commune.level = 'commune' AND commune.code = staged.commune_code
GROUP BY staged.epci_code
ON CONFLICT (level, code) DO UPDATE SET
    name = excluded.name,
    vintage = excluded.vintage,
    population_count = excluded.population_count,
    population_status = excluded.population_status,
    population_source_id = excluded.population_source_id,
    source_id = excluded.source_id,
    is_partial = excluded.is_partial,
    commune_count = excluded.commune_count,
    geom = excluded.geom,
    point = excluded.point;

INSERT INTO observatory.territory_link (child_level, child_code, parent_level, parent_code, vintage, source_id)
SELECT 'commune', moved.commune_code, 'epci', moved.epci_code, staged.vintage, staged.source_id
FROM moved
JOIN stage_memberships AS staged USING (commune_code);

INSERT INTO observatory.territory_link (child_level, child_code, parent_level, parent_code, vintage, source_id)
SELECT 'epci', epci.code, 'region', region.code, epci.vintage, epci.source_id
FROM touched
JOIN observatory.territory AS epci ON epci.level = 'epci' AND epci.code = touched.code
JOIN observatory.territory AS region ON region.level = 'region'
ON CONFLICT DO NOTHING;

-- An EPCI that lost its last commune is no more.
DELETE FROM observatory.territory_link AS link
USING touched
WHERE link.child_level = 'epci'
    AND link.child_code = touched.code
    AND NOT EXISTS (SELECT FROM stage_memberships AS staged WHERE staged.epci_code = touched.code);

DELETE FROM observatory.territory AS epci
USING touched
WHERE epci.level = 'epci'
    AND epci.code = touched.code
    AND NOT EXISTS (SELECT FROM stage_memberships AS staged WHERE staged.epci_code = touched.code);

REFRESH MATERIALIZED VIEW observatory.territory_commune;

DELETE FROM observatory.tile;
