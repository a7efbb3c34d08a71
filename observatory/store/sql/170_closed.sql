-- Structures that a register says closed: no longer supply, still shown.
SELECT
    closure.siret,
    structure.structure_id,
    structure.name,
    structure.kind,
    structure.city,
    structure.commune_code,
    structure.source_id,
    closure.closed_date,
    closure.source_id AS closed_by,
    closure.file_name,
    closure.recorded_at
FROM observatory.closure AS closure
JOIN observatory.structure AS structure USING (siret)
ORDER BY closure.closed_date DESC NULLS LAST, closure.siret, structure.structure_id
