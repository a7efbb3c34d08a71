"""ESS establishments from the stock files of Sirene: SQL over Parquet or CSV, without loading them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import pandas as pd

from observatory.errors import InputFileError, UsageError

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
WITHHELD: Final = "[ND]"
"""What INSEE writes in place of a field whose holder objected to its diffusion."""

_SQL: Final = Path(__file__).parent / "sql" / "001_sirene_ess.sql"


@dataclass(frozen=True, slots=True)
class Extract:
    """The stock files of one vintage.

    Parameters
    ----------
    legal_units, establishments
        ``StockUniteLegale`` and ``StockEtablissement``, Parquet or CSV.
    ess_list
        ESS France's list (CSV with a column ``SIREN``); None where the user hasn't got it.
    """

    legal_units: Path
    establishments: Path
    ess_list: Path | None = None


def read(
    extract: Extract, *, departements: Sequence[str], families: dict[str, str], memory_gib: float = 2.0
) -> pd.DataFrame:
    """Return the establishments, open or closed, of the ESS legal units in some départements.

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
    memory_gib
        What DuckDB may hold in memory; beyond it, it uses the disk.

    Returns
    -------
    pandas.DataFrame
        One row per establishment, sorted by SIRET; columns ``siret, siren, name, legal_category_code, rna_code,
        ess_rule`` (``declared``, ``listed`` or the family), ``naf_code, commune_code, post_code, workforce_band,
        is_active, x_m, y_m`` (EPSG:2154; missing where INSEE gives none or withholds it).

    Raises
    ------
    InputFileError
        If a file is missing, is neither Parquet nor CSV, or lacks a column.
    """
    with duckdb.connect() as database:
        database.execute(f"SET memory_limit = '{memory_gib} GiB'")
        database.execute("SET preserve_insertion_order = false")
        codes = _codes(families)
        _fill(database, "family", {"code": list(codes), "family": list(codes.values())})
        query = _SQL.read_text(encoding="utf-8").format(
            legal_units=_relation(database, extract.legal_units, UNIT_COLUMNS),
            establishments=_relation(database, extract.establishments, ESTABLISHMENT_COLUMNS),
            ess_list=_list_relation(database, extract.ess_list),
            departements=", ".join(f"'{code}'" for code in _checked(departements)),
        )
        try:
            found = database.execute(query).df()
        except duckdb.Error as error:
            raise InputFileError(
                f"Les fichiers Sirene n'ont pas pu être lus ({str(error).splitlines()[0]}) : "
                "téléchargez-les de nouveau, ils sont peut-être incomplets."
            ) from error
    return normalise(found)


def normalise(frame: pd.DataFrame) -> pd.DataFrame:
    """Clear what INSEE withholds, keep one row per SIRET and sort by it."""
    clean = frame.replace(WITHHELD, None)
    for column in ("x_m", "y_m"):
        clean[column] = pd.to_numeric(clean[column], errors="coerce")
    return clean.sort_values("siret").drop_duplicates("siret").reset_index(drop=True)


def _checked(departements: Sequence[str]) -> Sequence[str]:
    wrong = [code for code in departements if not re.fullmatch(r"\d[\dAB]", code)]
    if wrong or not departements:
        raise UsageError(
            f"{', '.join(wrong) or 'Aucun code'} : donnez des départements à deux caractères, comme 14 ou 2A."
        )
    return departements


def _codes(families: dict[str, str]) -> dict[str, str]:
    """Spell prefixes out as four-digit legal categories, so that the join is by equality; the longer prefix wins."""
    return {
        f"{int(prefix) * 10 ** (4 - len(prefix)) + rest:04d}": family
        for prefix, family in sorted(families.items(), key=lambda item: len(item[0]))
        for rest in range(10 ** (4 - len(prefix)))
    }


def _fill(database: duckdb.DuckDBPyConnection, name: str, columns: dict[str, list[str]]) -> None:
    database.register(f"{name}_frame", pd.DataFrame(columns, dtype="str"))
    database.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM {name}_frame")  # noqa: S608 - fixed names


def _relation(database: duckdb.DuckDBPyConnection, path: Path, columns: Sequence[str]) -> str:
    if not path.is_file():
        raise InputFileError(f"Le fichier {path} n'existe pas : vérifiez son chemin.")
    quoted = str(path).replace("'", "''")
    with path.open("rb") as file:
        is_parquet = file.read(4) == b"PAR1"
    relation = f"read_parquet('{quoted}')" if is_parquet else f"read_csv('{quoted}', header = true, all_varchar = true)"
    try:
        present = {row[0] for row in database.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}  # noqa: S608
    except duckdb.Error as error:
        raise InputFileError(
            f"{path.name} n'est ni un Parquet ni un CSV lisible : téléchargez-le de nouveau."
        ) from error
    absent = [column for column in columns if column not in present]
    if absent:
        raise InputFileError(
            f"{path.name} n'a pas la colonne {', '.join(absent)} : est-ce bien le fichier stock de Sirene attendu ?"
        )
    return relation


def _list_relation(database: duckdb.DuckDBPyConnection, path: Path | None) -> str:
    return "(SELECT NULL::VARCHAR AS SIREN)" if path is None else _relation(database, path, ("SIREN",))
