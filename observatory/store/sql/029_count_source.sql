-- How many things a source informs, in what is loaded: territories with a figure, a class or a name from it, and its own
-- records; where it informs none by itself (it changes what others said), the rows that were kept of its file.
WITH informed AS (
    SELECT level, code FROM observatory.indicator_value WHERE source_id = :source_id AND value IS NOT NULL
    UNION SELECT level, code FROM observatory.zoning WHERE source_id = :source_id
    UNION SELECT level, code FROM observatory.territory WHERE source_id = :source_id
    UNION SELECT child_level, child_code FROM observatory.territory_link WHERE source_id = :source_id
    UNION SELECT 'record', record_id FROM observatory.structure_record WHERE source_id = :source_id
)
UPDATE observatory.source
SET row_count = CASE
    WHEN CAST(:unit AS text) IS NULL AND NOT :is_list THEN (SELECT count(*) FROM informed)
    WHEN CAST(:unit AS text) IS NULL THEN :kept_count
    ELSE (
        SELECT count(*)
        FROM observatory.territory AS territory
        WHERE territory.level = :unit AND NOT territory.is_border AND territory.source_id = :source_id
    )
END
WHERE source_id = :source_id
