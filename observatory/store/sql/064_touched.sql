-- Communes and SIRET of the records that replacing the staged sources takes away, and of those that it brings.
SELECT commune_code, siret
FROM observatory.structure_record
WHERE source_id IN (SELECT source_id FROM stage_structures)
UNION
SELECT commune_code, siret FROM stage_structures
