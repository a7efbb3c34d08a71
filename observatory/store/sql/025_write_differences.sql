-- What is staged takes the place of what is loaded; only the rows that differ are written.
DELETE FROM {target} AS former
USING (SELECT {columns} FROM {target} EXCEPT SELECT {stored} FROM {stage}) AS gone
WHERE ({former_key}) = ({gone_key});

INSERT INTO {target} ({columns})
SELECT {stored} FROM {stage} EXCEPT SELECT {columns} FROM {target}
