-- Outlines of communes read from one file: every commune of the region has one.
SELECT 'commune de la région sans contour' AS problem, commune.code AS example
FROM observatory.territory AS commune
LEFT JOIN stage_outlines AS staged USING (code)
WHERE commune.level = 'commune' AND NOT commune.is_border AND staged.code IS NULL
