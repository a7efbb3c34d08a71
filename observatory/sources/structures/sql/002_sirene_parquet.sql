-- A Parquet file is read by a few columns at a time, none of them twice: those that choose, then the others at the chosen
-- rows, which are one in two hundred. The rows of the départements come first, one in twenty, with those that the database
-- knows; the legal units are joined to them only. A SIRET begins with the SIREN, whose own column needs no reading.
CREATE TEMP TABLE here AS
SELECT
    place.row_number,
    place.siret,
    CASE WHEN regexp_full_match(place.siret, '[0-9]{{14}}') THEN left(place.siret, 9) END AS siren,
    place.commune_code,
    place.is_active,
    known.siret IS NOT NULL AS is_known
FROM place
LEFT JOIN known ON known.siret = place.siret
WHERE
    (
        place.is_active
        AND strlen(place.commune_code) = 5
        AND contains('{departements}', left(place.commune_code, 2))
    )
    OR known.siret IS NOT NULL;

-- A SIRET that can't be read is rejected later, by name, if its legal unit is of the ESS.
CREATE TEMP TABLE unreadable AS
SELECT place.row_number, lpad(place.siren, 9, '0') AS siren
FROM place
INNER JOIN (SELECT row_number FROM here WHERE siren IS NULL) AS short ON short.row_number = place.row_number;

UPDATE here SET siren = unreadable.siren FROM unreadable WHERE unreadable.row_number = here.row_number;

CREATE TEMP TABLE chosen AS
SELECT here.*, ess_unit.* EXCLUDE (siren, name, rna_code)
FROM ess_unit
INNER JOIN here ON here.siren = ess_unit.siren;

-- Those of the database are looked for whatever their legal unit is.
INSERT INTO chosen BY NAME
FROM here
WHERE is_known AND row_number NOT IN (SELECT row_number FROM chosen);

-- Once each, were a legal unit written twice; and a blank state says nothing of an establishment.
DELETE FROM chosen
WHERE is_active IS NULL OR rowid NOT IN (SELECT min(rowid) FROM chosen GROUP BY row_number);

CREATE TEMP TABLE named AS
SELECT {unit_key}, any_value(name) AS name, any_value(rna_code) AS rna_code
FROM {named_unit}
WHERE {unit_key} IN (SELECT {unit_key} FROM chosen)
GROUP BY {unit_key};

CREATE TEMP TABLE found AS
SELECT
    chosen.* EXCLUDE (row_number, unit_number),
    named.name,
    named.rna_code,
    place.* EXCLUDE (row_number, siret, siren, commune_code, is_active)
FROM place
INNER JOIN chosen ON chosen.row_number = place.row_number
LEFT JOIN named ON named.{unit_key} = chosen.{unit_key};

SELECT count(*) FROM place;
