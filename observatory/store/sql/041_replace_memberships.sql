-- Only what differs from the loaded memberships is written: the links of the communes that changed EPCI, and the EPCI
-- that gained or lost a commune, whose outline, population and number of communes are worked out again. A commune that
-- the file doesn't name keeps its EPCI.
CREATE TEMP TABLE moved ON COMMIT DROP AS
SELECT staged.*, former.parent_code AS former_code
FROM stage_memberships AS staged
LEFT JOIN observatory.territory_link AS former
    ON former.child_level = 'commune' AND former.child_code = staged.commune_code AND former.parent_level = 'epci'
WHERE former.parent_code IS DISTINCT FROM staged.epci_code;

CREATE TEMP TABLE touched ON COMMIT DROP AS
SELECT epci_code AS code FROM moved
UNION
SELECT former_code FROM moved WHERE former_code IS NOT NULL;

INSERT INTO observatory.territory (level, code, name, vintage, population_status, source_id, is_border, is_partial)
SELECT 'epci', epci_code, min(epci_name), min(vintage), 'missing', min(source_id), false, bool_or(is_partial)
FROM moved
GROUP BY epci_code
ON CONFLICT (level, code) DO NOTHING;

DELETE FROM observatory.territory_link AS link
USING moved
WHERE link.child_level = 'commune' AND link.child_code = moved.commune_code AND link.parent_level = 'epci';

INSERT INTO observatory.territory_link (child_level, child_code, parent_level, parent_code, vintage, source_id)
SELECT 'commune', commune_code, 'epci', epci_code, vintage, source_id
FROM moved;

INSERT INTO observatory.territory_link (child_level, child_code, parent_level, parent_code, vintage, source_id)
SELECT 'epci', epci.code, 'region', region.code, epci.vintage, epci.source_id
FROM touched
JOIN observatory.territory AS epci ON epci.level = 'epci' AND epci.code = touched.code
JOIN observatory.territory AS region ON region.level = 'region'
ON CONFLICT DO NOTHING;

UPDATE observatory.territory AS epci
SET
    population_count = summed.population_count,
    population_status = CASE WHEN summed.population_count IS NULL THEN 'missing' ELSE 'observed' END,
    population_source_id = CASE WHEN summed.population_count IS NOT NULL THEN summed.population_source_id END,
    population_method = CASE WHEN summed.population_count IS NOT NULL THEN 'commune_sum' END,
    population_period = CASE WHEN summed.population_count IS NOT NULL THEN summed.population_period END,
    commune_count = summed.commune_count,
    geom = summed.geom,
    point = ST_PointOnSurface(summed.geom),
    name = coalesce(said.epci_name, epci.name),
    vintage = coalesce(said.vintage, epci.vintage),
    source_id = coalesce(said.source_id, epci.source_id),
    is_partial = coalesce(said.is_partial, epci.is_partial)
FROM (
    SELECT
        link.parent_code AS code,
        count(*) AS commune_count,
        CASE WHEN count(*) = count(commune.population_count) THEN sum(commune.population_count) END AS population_count,
        max(commune.population_source_id) AS population_source_id,
        min(commune.population_period) AS population_period,
        ST_Multi(ST_Union(commune.geom)) AS geom
    FROM touched
    JOIN observatory.territory_link AS link
        ON link.child_level = 'commune' AND link.parent_level = 'epci' AND link.parent_code = touched.code
    JOIN observatory.territory AS commune ON commune.level = 'commune' AND commune.code = link.child_code
    GROUP BY link.parent_code
) AS summed
LEFT JOIN (
    SELECT
        epci_code AS code,
        min(epci_name) AS epci_name,
        min(vintage) AS vintage,
        min(source_id) AS source_id,
        bool_or(is_partial) AS is_partial
    FROM stage_memberships
    GROUP BY epci_code
) AS said USING (code)
WHERE epci.level = 'epci' AND epci.code = summed.code;

-- An EPCI that lost its last commune is no more.
CREATE TEMP TABLE deserted ON COMMIT DROP AS
SELECT touched.code
FROM touched
WHERE NOT EXISTS (
    SELECT
    FROM observatory.territory_link AS link
    WHERE link.child_level = 'commune' AND link.parent_level = 'epci' AND link.parent_code = touched.code
);

DELETE FROM observatory.territory_link AS link
USING deserted
WHERE (link.child_level, link.child_code) = ('epci', deserted.code)
    OR (link.parent_level, link.parent_code) = ('epci', deserted.code);

DELETE FROM observatory.zoning AS zoning USING deserted WHERE (zoning.level, zoning.code) = ('epci', deserted.code);

DELETE FROM observatory.indicator_value AS figure
USING deserted
WHERE (figure.level, figure.code) = ('epci', deserted.code);

DELETE FROM observatory.territory AS epci USING deserted WHERE (epci.level, epci.code) = ('epci', deserted.code);

REFRESH MATERIALIZED VIEW observatory.territory_commune;
