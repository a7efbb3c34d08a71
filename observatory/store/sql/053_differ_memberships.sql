-- Communes that a file would attach to another EPCI than the loaded one.
SELECT
    staged.source_id,
    count(*) FILTER (WHERE held.parent_code IS NULL) AS added_count,
    0 AS removed_count,
    count(*) FILTER (WHERE held.parent_code <> staged.epci_code) AS changed_count
FROM stage_memberships AS staged
LEFT JOIN observatory.territory_link AS held
    ON held.child_level = 'commune' AND held.child_code = staged.commune_code AND held.parent_level = 'epci'
GROUP BY staged.source_id
