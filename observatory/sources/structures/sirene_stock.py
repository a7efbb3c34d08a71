"""ESS establishments from the stock files of Sirene: SQL over Parquet or CSV, without loading them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import pandas as pd
import pyarrow as pa

from observatory.errors import InputFileError, UsageError
from observatory.sources.formats import cell_text
from observatory.sources.structures.sirene_file import is_parquet, open_file, relation, required

UNIT_COLUMNS: Final = (
    "siren",
    "denominationUniteLegale",
    "categorieJuridiqueUniteLegale",
    "identifiantAssociationUniteLegale",
    "economieSocialeSolidaireUniteLegale",
)
ESTABLISHMENT_COLUMNS: Final = (
    "siret",
    "siren",
    "enseigne1Etablissement",
    "activitePrincipaleEtablissement",
    "codeCommuneEtablissement",
    "codePostalEtablissement",
    "trancheEffectifsEtablissement",
    "etatAdministratifEtablissement",
    "coordonneeLambertAbscisseEtablissement",
    "coordonneeLambertOrdonneeEtablissement",
)
OPTIONAL_COLUMNS: Final = (
    "caractereEmployeurEtablissement",
    "dateDebut",
    "numeroVoieEtablissement",
    "typeVoieEtablissement",
    "libelleVoieEtablissement",
    "libelleCommuneEtablissement",
    "dateDernierTraitementEtablissement",
)
"""Columns that older or shortened files lack; ``dateDebut`` is when the establishment came to its present state."""
COORDINATE_COLUMNS: Final = ("siret", "x", "y", "qualite_xy", "epsg")
LIST_COLUMNS: Final = ("SIREN",)
SIRET_LENGTH: Final = 14
_SQL: Final = Path(__file__).parent / "sql"


@dataclass(frozen=True, slots=True)
class Extract:
    """The stock files of one vintage, Parquet or CSV.

    Parameters
    ----------
    legal_units, establishments
        ``StockUniteLegale`` and ``StockEtablissement``.
    ess_list
        ESS France's list (column ``SIREN``); None where the user hasn't got it.
    coordinates
        INSEE's « géolocalisation des établissements »; None where the user hasn't got it.
    """

    legal_units: Path
    establishments: Path
    ess_list: Path | None = None
    coordinates: Path | None = None


@dataclass(frozen=True, eq=False)
class Stock:
    """What was read of an extract.

    ``frame``: active ESS establishments of the départements, and the establishments known before, whatever they became.
    Columns ``siret, siren, name, legal_category_code, rna_code, ess_rule`` (``declared``, ``listed``, the family, or
    none), ``naf_code, commune_code, post_code, workforce_band, is_active, employer, state_date, street_number,
    street_type, street_name, city, treated_at, x_m, y_m, located_x_m, located_y_m`` (EPSG:2154), ``located_quality,
    is_known``.
    ``read_count``: rows of the establishments' file.
    """

    frame: pd.DataFrame
    read_count: int


def recognise(paths: Sequence[Path]) -> Extract:
    """Tell the files of an extract apart by their columns, whatever their names and order.

    Raises
    ------
    InputFileError
        If a file is none of them, is given twice, or if one of the two stock files is lacking.
    """
    wanted: Mapping[str, Sequence[str]] = {
        "establishments": ESTABLISHMENT_COLUMNS,
        "legal_units": UNIT_COLUMNS,
        "coordinates": COORDINATE_COLUMNS,
        "ess_list": LIST_COLUMNS,
    }
    found: dict[str, Path] = {}
    with duckdb.connect() as database:
        for path in paths:
            present = set(open_file(database, path).types)
            roles = [role for role, columns in wanted.items() if set(columns) <= present]
            if not roles:
                raise InputFileError(_unrecognised(path, present))
            if roles[0] in found:
                raise InputFileError(
                    f"« {found[roles[0]].name} » et « {path.name} » sont deux fois le même fichier de Sirene : "
                    "n’en donnez qu’un."
                )
            found[roles[0]] = path
    names = {"legal_units": "StockUniteLegale", "establishments": "StockEtablissement"}
    absent = [name for role, name in names.items() if role not in found]
    if absent:
        raise InputFileError(
            f"Il manque le fichier {' et le fichier '.join(absent)} : donnez les deux, chacun avec --from-file "
            "(Parquet ou CSV, sur data.gouv.fr, « Base Sirene »)."
        )
    return Extract(**found)


def read(
    extract: Extract,
    *,
    departements: Collection[str],
    families: Mapping[str, str],
    known: Collection[str] = (),
    memory_gib: float = 2.0,
) -> Stock:
    """Return the active establishments of the ESS in some départements, and what became of those known before.

    The rule of membership is the State's own search API's (flag ``O`` of Sirene, or ESS France's list) widened to the
    legal families that the law of 31 July 2014 names, as declared in ``geodata/services.toml``.

    Parameters
    ----------
    extract
        Files to read.
    departements
        Two-character codes.
    families
        Prefix of the legal category (``"92"``, ``"5458"``) to the name of the family.
    known
        SIRET to look for wherever they are and whatever they are: those of the database.
    memory_gib
        What DuckDB may hold in memory; beyond it, it uses the disk.

    Raises
    ------
    InputFileError
        If a file is missing, is neither Parquet nor CSV, or lacks a column.
    UsageError
        If a département isn't one.
    """
    here = " ".join(_checked(departements))
    with duckdb.connect() as database:
        database.execute(f"SET memory_limit = '{memory_gib} GiB'")
        database.execute("SET preserve_insertion_order = false")
        database.execute("SET enable_progress_bar = false")
        codes = _codes(families)
        _fill(database, "family", {"code": list(codes), "family": list(codes.values())})
        _fill(database, "known", {"siret": sorted(set(known))})
        names = {**_relations(database, extract), "departements": here}
        try:
            database.execute(_sql("001_sirene_stock", names))
            choose = "002_sirene_parquet" if is_parquet(extract.establishments) else "003_sirene_csv"
            ((read_count,),) = database.execute(_sql(choose, names)).fetchall()
            found = database.sql(_sql("004_sirene_found", names)).to_arrow_table()
        except duckdb.Error as error:
            raise InputFileError(_unreadable(error)) from error
    return Stock(normalise(found), int(read_count))


def normalise(found: pa.Table) -> pd.DataFrame:
    """Return what was found as a frame, text as ``str`` or None; a SIRET whose key holds gets its lost zeros back."""
    frame = pd.DataFrame(
        {
            name: pd.Series(column.to_numpy(), dtype=object) if pa.types.is_string(column.type) else column.to_pandas()
            for name, column in zip(found.column_names, found.columns, strict=True)
        }
    )
    short = frame["siret"].map(len, na_action="ignore") < SIRET_LENGTH
    frame.loc[short, "siret"] = [cell_text.siret(text) or text for text in frame.loc[short, "siret"]]
    return frame


def _sql(name: str, names: Mapping[str, str]) -> str:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8").format(**names)


def _checked(departements: Collection[str]) -> list[str]:
    wrong = [code for code in departements if not re.fullmatch(r"\d[\dAB]", code)]
    if wrong or not departements:
        raise UsageError(
            f"{', '.join(wrong) or 'Aucun code'} : donnez des départements à deux caractères, comme 14 ou 2A."
        )
    return sorted(departements)


def _codes(families: Mapping[str, str]) -> dict[str, str]:
    """Spell prefixes out as four-digit legal categories, so that the join is by equality; the longer prefix wins."""
    return {
        f"{int(prefix) * 10 ** (4 - len(prefix)) + rest:04d}": family
        for prefix, family in sorted(families.items(), key=lambda item: len(item[0]))
        for rest in range(10 ** (4 - len(prefix)))
    }


def _fill(database: duckdb.DuckDBPyConnection, name: str, columns: dict[str, list[str]]) -> None:
    database.register(f"{name}_frame", pd.DataFrame(columns, dtype="str"))
    types = ", ".join(f"CAST({column} AS VARCHAR) AS {column}" for column in columns)
    database.execute(f"CREATE TEMP TABLE {name} AS SELECT {types} FROM {name}_frame")  # noqa: S608 - fixed names


def _relations(database: duckdb.DuckDBPyConnection, extract: Extract) -> dict[str, str]:
    """Return what the SQL reads, by name: each relation gives the columns of its file, absent ones as NULL."""
    units = required(database, extract.legal_units, UNIT_COLUMNS)
    places = required(database, extract.establishments, ESTABLISHMENT_COLUMNS)
    listed = None if extract.ess_list is None else required(database, extract.ess_list, LIST_COLUMNS)
    points = None if extract.coordinates is None else required(database, extract.coordinates, COORDINATE_COLUMNS)
    has_numbers = is_parquet(extract.legal_units)
    return {
        "legal_units": relation(units, UNIT_COLUMNS, is_numbered=True),
        "establishments": relation(places, (*ESTABLISHMENT_COLUMNS, *OPTIONAL_COLUMNS), is_numbered=True),
        "ess_list": relation(listed, LIST_COLUMNS),
        "coordinates": relation(points, COORDINATE_COLUMNS),
        "is_listed": "false" if listed is None else "siren IN (SELECT siren FROM listed)",
        "unit_key": "unit_number" if has_numbers else "siren",
        "named_unit": "legal_unit" if has_numbers else "ess_unit",
    }


def _unreadable(error: duckdb.Error) -> str:
    if "not utf-8 encoded" in str(error):
        return "Un des fichiers Sirene n’est pas en UTF-8, comme l’Insee les publie : téléchargez-le de nouveau."
    return (
        f"Les fichiers Sirene n’ont pas pu être lus ({str(error).splitlines()[0]}) : "
        "téléchargez-les de nouveau, ils sont peut-être incomplets."
    )


def _unrecognised(path: Path, present: set[str]) -> str:
    near = {"StockUniteLegale": UNIT_COLUMNS, "StockEtablissement": ESTABLISHMENT_COLUMNS}
    name, columns = max(near.items(), key=lambda item: len(present & set(item[1])))
    if not present & (set(columns) - {"siren", "siret"}):
        return (
            f"{path.name} n’est aucun fichier que Sirene ou ESS France publie : donnez StockUniteLegale, "
            "StockEtablissement, la liste d’ESS France ou la géolocalisation des établissements."
        )
    absent = [column for column in columns if column not in present]
    return f"{path.name} n’a pas la colonne {', '.join(absent)} : est-ce bien le fichier {name} de Sirene ?"
