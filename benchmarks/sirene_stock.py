"""Synthetic stock files of Sirene: INSEE's columns and types at INSEE's size, no true content; seeded by the row."""

from __future__ import annotations

from pathlib import Path

import duckdb

import geodata
from observatory.sources.structures import sirene_stock

UNIT_EMPTY = (
    "sexeUniteLegale prenom1UniteLegale prenom2UniteLegale prenom3UniteLegale prenom4UniteLegale "
    "prenomUsuelUniteLegale pseudonymeUniteLegale nomUniteLegale nomUsageUniteLegale "
    "denominationUsuelle1UniteLegale denominationUsuelle2UniteLegale denominationUsuelle3UniteLegale"
)
PLACE_EMPTY = (
    "activitePrincipaleRegistreMetiersEtablissement dernierNumeroVoieEtablissement "
    "indiceRepetitionDernierNumeroVoieEtablissement libelleCommuneEtrangerEtablissement "
    "distributionSpecialeEtablissement codeCedexEtablissement libelleCedexEtablissement "
    "codePaysEtrangerEtablissement libellePaysEtrangerEtablissement complementAdresse2Etablissement "
    "numeroVoie2Etablissement indiceRepetition2Etablissement typeVoie2Etablissement libelleVoie2Etablissement "
    "codePostal2Etablissement libelleCommune2Etablissement libelleCommuneEtranger2Etablissement "
    "distributionSpeciale2Etablissement codeCommune2Etablissement codeCedex2Etablissement "
    "libelleCedex2Etablissement codePaysEtranger2Etablissement libellePaysEtranger2Etablissement "
    "enseigne2Etablissement enseigne3Etablissement denominationUsuelleEtablissement"
)
UNITS = """
SELECT
    printf('%09d', i) AS siren,
    'O' AS statutDiffusionUniteLegale,
    NULL::VARCHAR AS unitePurgeeUniteLegale,
    DATE '1980-01-01' + (hash(i, 5) % 16000)::INTEGER AS dateCreationUniteLegale,
    CASE WHEN hash(i) % 7 = 0 THEN 'SIGLE' || i % 9973 END AS sigleUniteLegale,
    {empty},
    CASE WHEN hash(i) % 100 >= 92 THEN 'W' || printf('%09d', i) END AS identifiantAssociationUniteLegale,
    CASE WHEN hash(i) % 3 = 0 THEN '01' ELSE 'NN' END AS trancheEffectifsUniteLegale,
    '2023' AS anneeEffectifsUniteLegale,
    '2025-11-07T09:30:00' AS dateDernierTraitementUniteLegale,
    1 + hash(i, 6) % 4 AS nombrePeriodesUniteLegale,
    'PME' AS categorieEntreprise,
    '2023' AS anneeCategorieEntreprise,
    DATE '2008-01-01' + (hash(i, 7) % 6000)::INTEGER AS dateDebut,
    CASE WHEN hash(i, 2) % 10 < 5 THEN 'A' ELSE 'C' END AS etatAdministratifUniteLegale,
    'STRUCTURE DE L''EXEMPLE ' || i AS denominationUniteLegale,
    CASE WHEN hash(i) % 100 < 60 THEN '1000' WHEN hash(i) % 100 < 92 THEN '5499' ELSE '9220' END
        AS categorieJuridiqueUniteLegale,
    '94.99Z' AS activitePrincipaleUniteLegale,
    'NAFRev2' AS nomenclatureActivitePrincipaleUniteLegale,
    '00010' AS nicSiegeUniteLegale,
    CASE WHEN hash(i) % 1000 = 7 THEN 'O' WHEN hash(i) % 3 = 0 THEN 'N' END AS economieSocialeSolidaireUniteLegale,
    'N' AS societeMissionUniteLegale,
    'O' AS caractereEmployeurUniteLegale
FROM range({units}) AS series (i)
"""
PLACES = """
SELECT
    printf('%09d', i % {units}) AS siren,
    printf('%05d', 10 + i // {units}) AS nic,
    printf('%09d%05d', i % {units}, 10 + i // {units}) AS siret,
    'O' AS statutDiffusionEtablissement,
    DATE '1980-01-01' + (hash(i, 5) % 16000)::INTEGER AS dateCreationEtablissement,
    CASE WHEN hash(i) % 9 = 0 THEN '01' WHEN hash(i) % 9 = 1 THEN '11' ELSE 'NN' END AS trancheEffectifsEtablissement,
    '2023' AS anneeEffectifsEtablissement,
    '2025-11-07T09:30:00' AS dateDernierTraitementEtablissement,
    i < {units} AS etablissementSiege,
    1 + hash(i, 6) % 4 AS nombrePeriodesEtablissement,
    CASE WHEN hash(i) % 11 = 0 THEN 'BATIMENT ' || i % 31 END AS complementAdresseEtablissement,
    (1 + hash(i, 8) % 200)::VARCHAR AS numeroVoieEtablissement,
    CASE WHEN hash(i) % 20 = 0 THEN 'B' END AS indiceRepetitionEtablissement,
    CASE hash(i, 9) % 4 WHEN 0 THEN 'RUE' WHEN 1 THEN 'AV' WHEN 2 THEN 'PL' ELSE 'CHE' END AS typeVoieEtablissement,
    'DE L''EXEMPLE ' || hash(i, 10) % 60000 AS libelleVoieEtablissement,
    printf('%02d%03d', hash(i) % 95 + 1, hash(i, 1) % 90 * 10) AS codePostalEtablissement,
    'COMMUNE ' || hash(i) % 95 || '-' || hash(i, 1) % 360 AS libelleCommuneEtablissement,
    {commune} AS codeCommuneEtablissement,
    'ADR' || hash(i, 11) AS identifiantAdresseEtablissement,
    (400000 + hash(i, 3) % 600000)::VARCHAR AS coordonneeLambertAbscisseEtablissement,
    (6800000 + hash(i, 4) % 200000)::VARCHAR AS coordonneeLambertOrdonneeEtablissement,
    {empty},
    DATE '2008-01-01' + (hash(i, 7) % 6000)::INTEGER AS dateDebut,
    CASE WHEN hash(i, 2) % 10 < 4 THEN 'A' ELSE 'F' END AS etatAdministratifEtablissement,
    CASE WHEN hash(i) % 5 = 0 THEN 'ENSEIGNE ' || i END AS enseigne1Etablissement,
    '94.99Z' AS activitePrincipaleEtablissement,
    'NAFRev2' AS nomenclatureActivitePrincipaleEtablissement,
    CASE WHEN hash(i) % 9 < 2 THEN 'O' ELSE 'N' END AS caractereEmployeurEtablissement
FROM range({establishments}) AS series (i)
"""
TERRITORIES = geodata.SNAPSHOT / "territories.parquet"
REAL = f"""coalesce(
        list_extract(
            (SELECT list(code ORDER BY code) FROM read_parquet('{TERRITORIES}') WHERE level = 'commune'),
            (CASE WHEN hash(i) % 95 < 13 THEN 1 + hash(i, 1) % 5800 END)::INTEGER
        ),
        '99999'
    )"""
"""SQL of the code of a real commune of the region or its border for one establishment in seven, as in France."""
MADE_UP = "printf('%02d%03d', hash(i) % 95 + 1, hash(i, 1) % 360 * 2 + 1)"
OPTIONS = {"parquet": "FORMAT parquet, COMPRESSION zstd", "csv": "FORMAT csv, HEADER true"}


def paths(folder: Path, suffix: str) -> sirene_stock.Extract:
    """Return where :func:`generate` writes."""
    return sirene_stock.Extract(folder / f"StockUniteLegale.{suffix}", folder / f"StockEtablissement.{suffix}")


def generate(
    folder: Path, establishments: int, suffix: str = "parquet", *, commune: str = MADE_UP
) -> sirene_stock.Extract:
    """Write stock files of ``establishments`` rows, spread over 95 départements as INSEE's are over France.

    Two thirds as many legal units, 8 % of them associations; ``commune`` is the SQL of the commune's code.
    """
    units = establishments * 2 // 3
    extract = paths(folder, suffix)
    options = OPTIONS[suffix]
    with duckdb.connect() as database:
        database.execute("SET memory_limit = '2 GiB'")
        database.execute("SET preserve_insertion_order = false")
        database.execute("SET enable_progress_bar = false")
        for query, empty, path in (
            (UNITS, UNIT_EMPTY, extract.legal_units),
            (PLACES, PLACE_EMPTY, extract.establishments),
        ):
            nothing = ",\n    ".join(f"NULL::VARCHAR AS {name}" for name in empty.split())
            rows = query.format(units=units, establishments=establishments, empty=nothing, commune=commune)
            database.execute(f"COPY ({rows}) TO '{path}' ({options})")
    return extract
