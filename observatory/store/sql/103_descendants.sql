-- Codes at :at_level that share a commune with a territory: what it holds when the level is below, what holds it above.
SELECT DISTINCT other.code
FROM observatory.territory_commune AS own
JOIN observatory.territory_commune AS other USING (commune_code)
JOIN observatory.territory AS territory ON territory.level = other.level AND territory.code = other.code
WHERE own.level = :level
    AND own.code = :code
    AND other.level = :at_level
    AND (NOT territory.is_border OR :include_border)
ORDER BY other.code
