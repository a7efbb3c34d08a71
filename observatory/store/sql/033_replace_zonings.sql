-- The classes of the zonings that were staged take the place of those in the database.
DELETE FROM observatory.zoning AS former
USING (SELECT DISTINCT zoning FROM stage_zonings) AS replaced
WHERE former.zoning = replaced.zoning;

INSERT INTO observatory.zoning (level, code, zoning, value_code, value_label, vintage, source_id)
SELECT level, code, zoning, value_code, value_label, vintage, source_id
FROM stage_zonings
ORDER BY level, code, zoning;

DELETE FROM observatory.tile;
