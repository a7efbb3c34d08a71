-- Structures known by service in each territory of a level (or in the one that :code names), with how many have a
-- place; what is only announced, closed or doubtful is left out. A structure of which only the département is known
-- counts in its département and region; one of which nothing is known, in the region alone.
WITH area AS (
    SELECT member.level, member.code, member.commune_code
    FROM observatory.territory_commune AS member
    WHERE member.level = :level AND (CAST(:code AS text) IS NULL OR member.code = :code)
),
located AS (
    SELECT area.code, structure.structure_id, structure.geom IS NOT NULL AS is_placed
    FROM area
    JOIN observatory.structure AS structure ON structure.commune_code = area.commune_code
    WHERE structure.is_active
    UNION ALL
    SELECT territory.code, structure.structure_id, structure.geom IS NOT NULL
    FROM observatory.structure AS structure
    LEFT JOIN observatory.territory AS departement
        ON departement.level = 'departement' AND departement.code = structure.departement_code
    JOIN observatory.territory AS territory
        ON territory.level = :level
        AND (CAST(:code AS text) IS NULL OR territory.code = :code)
        AND (
            (territory.level = 'departement' AND territory.code = departement.code)
            OR (territory.level = 'region' AND coalesce(NOT departement.is_border, structure.departement_code IS NULL))
        )
    WHERE structure.is_active AND structure.commune_code IS NULL
)
SELECT
    located.code,
    service.service,
    count(*) AS known_count,
    count(*) FILTER (WHERE located.is_placed) AS placed_count
FROM located
JOIN observatory.structure_service AS service USING (structure_id)
JOIN observatory.structure AS known USING (structure_id)
LEFT JOIN observatory.closure AS closure ON closure.siret = known.siret
-- What is expected of the ESS counts employers: an establishment of Sirene that is not known to be one is left out.
WHERE closure.siret IS NULL
    AND coalesce(
        (
            SELECT record.confidence
            FROM observatory.structure_record AS record
            WHERE record.structure_id = known.structure_id AND jsonb_exists(record.services, service.service)
            ORDER BY array_position(ARRAY['sure', 'likely', 'doubtful'], record.confidence::text)
            LIMIT 1
        ),
        known.confidence
    ) <> 'doubtful'
    AND NOT (known.kind = 'ETABLISSEMENT_ESS' AND coalesce(known.label, '') NOT LIKE 'Employeur%')
GROUP BY located.code, service.service
ORDER BY located.code, service.service
