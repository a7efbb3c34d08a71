-- The communes take the outlines of the file, and every level above takes the union of its communes of the region.
UPDATE observatory.territory AS commune
SET geom = ST_Multi(ST_SetSRID(staged.geometry, 2154)), source_id = staged.source_id
FROM stage_outlines AS staged
WHERE commune.level = 'commune' AND commune.code = staged.code;

UPDATE observatory.territory AS upper
SET geom = merged.geom, point = ST_PointOnSurface(merged.geom)
FROM (
    SELECT held.level, held.code, ST_Multi(ST_Union(commune.geom)) AS geom
    FROM observatory.territory_commune AS held
    JOIN observatory.territory AS commune
        ON commune.level = 'commune' AND commune.code = held.commune_code AND NOT commune.is_border
    WHERE held.level IN ('region', 'departement', 'epci', 'zone_emploi', 'bassin_vie')
    GROUP BY held.level, held.code
) AS merged
WHERE upper.level = merged.level AND upper.code = merged.code;
