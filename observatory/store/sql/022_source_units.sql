-- How many things a source informs: territories with a figure, a class or a name from it, and its own records.
UPDATE observatory.source
SET row_count = counted.row_count
FROM (
    SELECT source.source_id, count(unit.code) AS row_count
    FROM observatory.source AS source
    LEFT JOIN (
        SELECT source_id, level, code FROM stage_values WHERE value IS NOT NULL
        UNION SELECT source_id, level, code FROM stage_zonings
        UNION SELECT source_id, level, code FROM stage_territories
        UNION SELECT population_source_id, level, code FROM stage_territories
        UNION SELECT source_id, child_level, child_code FROM stage_territory_links
        UNION SELECT source_id, 'record', record_id FROM stage_structure_records
    ) AS unit USING (source_id)
    GROUP BY source.source_id
) AS counted
WHERE counted.source_id = source.source_id
