"""The files of Sirene as DuckDB reads them, Parquet or CSV: their columns as text, codes with their zeros."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from observatory.errors import InputFileError

PARQUET: Final = b"PAR1"
WIDTHS: Final = {
    "siren": 9,
    "siret": 14,
    "SIREN": 9,
    "categorieJuridiqueUniteLegale": 4,
    "codeCommuneEtablissement": 5,
    "codePostalEtablissement": 5,
    "trancheEffectifsEtablissement": 2,
}
"""Digits of the codes: a Parquet that holds one as a number has certainly lost its leading zeros."""
INTEGERS: Final = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
SNIFFED_ROWS: Final = 2048
"""Rows by which the separator of a CSV is known; everything else of its dialect is INSEE's."""


@dataclass(frozen=True, slots=True)
class StockFile:
    """A file as DuckDB reads it: the table function, quoted, and the type of each column."""

    path: Path
    scan: str
    types: Mapping[str, str]


def open_file(database: duckdb.DuckDBPyConnection, path: Path) -> StockFile:
    """Look at a file once: its columns, and the separator of a CSV, whose codes stay the text that it writes."""
    if not path.is_file():
        raise InputFileError(f"Le fichier {path} n’existe pas : vérifiez son chemin.")
    quoted = _quoted(str(path))
    try:
        if is_parquet(path):
            scan = f"read_parquet({quoted})"
            rows = database.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()  # noqa: S608 - quoted
            return StockFile(path, scan, {str(row[0]): str(row[1]) for row in rows})
        sniffed = database.execute(
            "SELECT Delimiter, Columns FROM sniff_csv($path, header = true, all_varchar = true, sample_size = $rows)",
            {"path": str(path), "rows": SNIFFED_ROWS},
        ).fetchone()
    except (duckdb.Error, OSError) as error:
        raise InputFileError(
            f"{path.name} n’est ni un Parquet ni un CSV lisible, en UTF-8 : téléchargez-le de nouveau."
        ) from error
    separator, columns = sniffed if sniffed is not None else (",", [])
    types = {str(column["name"]): "VARCHAR" for column in columns}
    declared = ", ".join(f"{_quoted(name)}: 'VARCHAR'" for name in types)
    options = f"delim = {_quoted(separator)}, quote = '\"', escape = '\"', columns = {{{declared}}}"
    return StockFile(path, f"read_csv({quoted}, auto_detect = false, header = true, {options})", types)


def required(database: duckdb.DuckDBPyConnection, path: Path, columns: Sequence[str]) -> StockFile:
    """Look at a file that must have some columns.

    Raises
    ------
    InputFileError
        If it is absent or unreadable, or lacks one.
    """
    found = open_file(database, path)
    absent = [column for column in columns if column not in found.types]
    if absent:
        raise InputFileError(
            f"{path.name} n’a pas la colonne {', '.join(absent)} : est-ce bien le fichier stock de Sirene attendu ?"
        )
    return found


def is_parquet(path: Path) -> bool:
    """Tell whether a file begins as Parquet does."""
    with path.open("rb") as file:
        return file.read(len(PARQUET)) == PARQUET


def relation(file: StockFile | None, columns: Sequence[str], *, is_numbered: bool = False) -> str:
    """Return the SQL of a file's columns as text, NULL where it lacks one; no row at all if there is no file.

    ``is_numbered`` adds ``file_row_number``, which only a Parquet file can give.
    """
    if file is None:
        return f"(SELECT {', '.join(f'NULL::VARCHAR AS {name}' for name in columns)} WHERE false)"
    texts = [_text(file.types.get(name), name) for name in columns]
    number = ["file_row_number" if is_parquet(file.path) else "NULL AS file_row_number"] if is_numbered else []
    return f"(SELECT {', '.join(texts + number)} FROM {file.scan})"  # noqa: S608 - declared names, quoted path


def _text(type_: str | None, name: str) -> str:
    """Return the SQL of a column as text; one that is text already isn't touched, so that it is read as it lies."""
    if type_ is None:
        return f"NULL::VARCHAR AS {name}"
    if type_ in INTEGERS and name in WIDTHS:
        return f"lpad({name}::VARCHAR, {WIDTHS[name]}, '0') AS {name}"
    return name if type_ == "VARCHAR" else f"{name}::VARCHAR AS {name}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
