-- What each territory entered, by layer: how many things, from which file, when. Permanences are in the directory.
WITH entered AS (
    SELECT territory_code, layer, code, file_name, imported_at, origin
    FROM observatory.territory_entry
    UNION ALL
    SELECT place.territory_code, 'permanences', place.structure_id || '#' || place.rank, edit.file_name, edit.edited_at,
        place.origin
    FROM observatory.accompaniment_place AS place
    LEFT JOIN observatory.directory_edit AS edit USING (structure_id)
    WHERE place.territory_code IS NOT NULL
)
SELECT
    entered.territory_code,
    territory.name AS territory_name,
    entered.layer,
    count(*) AS entry_count,
    (array_agg(entered.file_name ORDER BY entered.imported_at DESC NULLS LAST))[1] AS file_name,
    max(entered.imported_at) AS imported_at,
    array_agg(DISTINCT entered.origin ORDER BY entered.origin) AS origins
FROM entered
LEFT JOIN observatory.territory AS territory
    ON territory.level = 'epci' AND territory.code = entered.territory_code
GROUP BY entered.territory_code, territory.name, entered.layer
ORDER BY territory.name, entered.territory_code, entered.layer
