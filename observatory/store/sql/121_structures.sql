-- Structures by service, territory and bounds (EPSG:4326), with the whole number of them before the page is cut.
WITH place AS (
    SELECT level, code, geom FROM observatory.territory WHERE level = :level AND code = :code
),
commune AS (
    SELECT code FROM place WHERE level = 'commune'
    UNION
    SELECT child_code FROM observatory.territory_link
    WHERE child_level = 'commune' AND parent_level = :level AND parent_code = :code
    UNION
    SELECT territory.code FROM observatory.territory, place
    WHERE place.level = 'region' AND territory.level = 'commune' AND NOT territory.is_border
)
SELECT
    structure.structure_id,
    structure.name,
    structure.kind,
    structure.siret,
    structure.address,
    structure.post_code,
    structure.city,
    structure.commune_code,
    structure.departement_code,
    structure.place_quality,
    structure.place_note,
    structure.label,
    structure.is_active,
    structure.period,
    structure.source_id,
    offered.services,
    ST_X(ST_Transform(structure.geom, 4326)) AS lon,
    ST_Y(ST_Transform(structure.geom, 4326)) AS lat,
    count(*) OVER () AS total
FROM observatory.structure
JOIN LATERAL (
    SELECT array_agg(service ORDER BY service) AS services
    FROM observatory.structure_service
    WHERE structure_service.structure_id = structure.structure_id
) AS offered ON offered.services IS NOT NULL
WHERE (CAST(:service AS text) IS NULL OR :service = ANY(offered.services))
    AND (
        CAST(:code AS text) IS NULL
        OR structure.commune_code IN (SELECT code FROM commune)
        OR EXISTS (
            SELECT 1 FROM place
            WHERE place.level IN ('qpv', 'commune_deleguee') AND ST_Covers(place.geom, structure.geom)
        )
    )
    AND (
        CAST(:west AS float8) IS NULL
        OR ST_Intersects(structure.geom, ST_Transform(ST_MakeEnvelope(:west, :south, :east, :north, 4326), 2154))
    )
ORDER BY structure.name, structure.structure_id
LIMIT :limit OFFSET :offset
