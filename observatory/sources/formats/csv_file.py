"""Reads a CSV file as text, every cell, and says in French what is wrong with it."""

from __future__ import annotations

import csv
import hashlib
import lzma
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Final, cast

import pandas as pd

from observatory.errors import InputFileError
from observatory.sources.batch import LINE
from observatory.sources.formats.table_file import REPEATED_HEADER, read_table

MAX_FIELD_CHARACTERS: Final = 2**31 - 1 if sys.maxsize > 2**31 else sys.maxsize
"""Polygons in hexadecimal are longer than the csv module's default limit."""


def read_csv(path: Path, columns: Iterable[str], *, delimiter: str = ",", null: str = "") -> pd.DataFrame:
    """Read the wanted columns of a CSV file, as text: any text of the trade, or UTF-8 in LZMA if named so.

    Parameters
    ----------
    path
        File with a header line.
    columns
        Columns wanted; others are not even loaded.
    delimiter
        Between cells.
    null
        What the producer writes for "no value", besides nothing.

    Returns
    -------
    pandas.DataFrame
        One row per record, text cells stripped (``None`` where empty), and ``line``: where the record ends in the file.

    Raises
    ------
    InputFileError
        If the file is absent, not readable for certain, lacks a column, or has a record of the wrong length.
    """
    wanted = list(columns)
    if path.suffix != ".lzma":
        table = read_table(path, {name: (name,) for name in wanted}, missing=frozenset({null.lower()}))
        return table.drop(columns=REPEATED_HEADER)
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    try:
        with cast("IO[str]", lzma.open(path, "rt", encoding="utf-8", newline="")) as file:
            reader = csv.reader(file, delimiter=delimiter)
            header = [name.strip() for name in next(reader, [])]
            positions = [_position(header, name, path) for name in wanted]
            rows = []
            for cells in reader:
                if len(cells) != len(header):
                    raise InputFileError(
                        f"Le fichier « {path.name} » a {len(cells)} colonnes à la ligne {reader.line_num} au lieu de "
                        f"{len(header)} : il est tronqué ou mal formé, reprenez-le auprès de son producteur."
                    )
                rows.append([*(_cell(cells[position], null) for position in positions), reader.line_num])
    except FileNotFoundError as error:
        raise InputFileError(f"Le fichier « {path} » est introuvable : indiquez le bon dossier.") from error
    except IsADirectoryError as error:
        raise InputFileError(f"« {path} » est un dossier : indiquez un fichier.") from error
    except (UnicodeDecodeError, lzma.LZMAError, csv.Error) as error:
        raise InputFileError(
            f"Le fichier « {path.name} » n'est pas un CSV en UTF-8 lisible : reprenez-le auprès de son producteur."
        ) from error
    frame = pd.DataFrame(rows, columns=[*wanted, LINE], dtype=object)
    return frame.astype({LINE: "int64"})


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _position(header: list[str], name: str, path: Path) -> int:
    try:
        return header.index(name)
    except ValueError as error:
        raise InputFileError(
            f"Le fichier « {path.name} » n'a pas la colonne « {name} » : vérifiez que c'est le bon fichier, du bon "
            "millésime."
        ) from error


def _cell(text: str, null: str) -> str | None:
    stripped = text.strip()
    return None if stripped in ("", null) else stripped
