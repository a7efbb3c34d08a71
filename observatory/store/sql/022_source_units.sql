-- How much a source holds, in what the catalogue says it is counted in (:counted, source → level or 'inhabitants');
-- else how many things it informs: territories with a figure, a class or a name from it, and its own records.
WITH counted AS (
    SELECT key AS source_id, value AS unit FROM jsonb_each_text(CAST(:counted AS jsonb))
),
informed AS (
    SELECT source_id, level, code FROM stage_values WHERE value IS NOT NULL
    UNION SELECT source_id, level, code FROM stage_zonings
    UNION SELECT source_id, level, code FROM stage_territories
    UNION SELECT population_source_id, level, code FROM stage_territories
    UNION SELECT source_id, child_level, child_code FROM stage_territory_links
    UNION SELECT source_id, 'record', record_id FROM stage_structure_records
),
totals AS (
    SELECT source.source_id,
        CASE
            WHEN counted.unit IS NULL THEN
                (SELECT count(*) FROM informed WHERE informed.source_id = source.source_id)
            WHEN counted.unit = 'inhabitants' THEN
                (
                    SELECT coalesce(sum(commune.population_count), 0)
                    FROM stage_territories AS commune
                    WHERE commune.level = 'commune'
                        AND NOT commune.is_border
                        AND commune.population_source_id = source.source_id
                )
            ELSE
                (
                    SELECT count(*)
                    FROM stage_territories AS territory
                    WHERE territory.level = counted.unit
                        AND NOT territory.is_border
                        AND territory.source_id = source.source_id
                )
        END AS row_count
    FROM observatory.source AS source
    LEFT JOIN counted USING (source_id)
)
UPDATE observatory.source
SET row_count = totals.row_count
FROM totals
WHERE totals.source_id = source.source_id
