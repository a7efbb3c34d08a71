"""Reads one named sheet of a producer's workbook, where the columns wanted are many and named by a pattern."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from observatory.errors import InputFileError
from observatory.sources.batch import LINE
from observatory.sources.formats.table_file import HEADER_LINES, cell, cell_text, heading, require_plausible

MAGIC: Final = b"PK\x03\x04"


def is_workbook(path: Path) -> bool:
    """Tell whether a file begins as an XLSX does."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def read_sheet(path: Path, sheet: str, columns: Mapping[str, Sequence[str]], *, also: str) -> pd.DataFrame:
    """Read columns of a sheet as text.

    Parameters
    ----------
    path
        Workbook.
    sheet
        Its name, any case.
    columns
        Our name → the headings that the producer has given it.
    also
        Regular expression: every other column whose heading matches it is read too, under its heading.

    Returns
    -------
    pandas.DataFrame
        ``columns``, those of ``also``, and ``line``; ``None`` where there is no value. Rows without the first column
        are notes, and left out.

    Raises
    ------
    InputFileError
        If it isn't a workbook, or lacks the sheet or a column.
    """
    rows = _rows(path, sheet)
    for position, (_, texts) in enumerate(rows[:HEADER_LINES]):
        names = [heading(text) for text in texts]
        places = {
            ours: next((names.index(heading(one)) for one in theirs if heading(one) in names), None)
            for ours, theirs in columns.items()
        }
        if all(place is not None for place in places.values()):
            extra = {text.strip(): at for at, text in enumerate(texts) if re.fullmatch(also, text.strip())}
            found = {ours: at for ours, at in places.items() if at is not None} | extra
            if extra:
                return _frame(rows[position + 1 :], found, next(iter(columns)))
    raise InputFileError(
        f"La feuille « {sheet} » de « {path.name} » n'a pas les colonnes attendues ({', '.join(columns)}) : "
        "téléchargez le classeur de nouveau."
    )


def _frame(rows: list[tuple[int, list[str]]], places: Mapping[str, int], key: str) -> pd.DataFrame:
    records = [
        [*(cell(texts[at]) if at < len(texts) else None for at in places.values()), line] for line, texts in rows
    ]
    frame = pd.DataFrame(records, columns=[*places, LINE], dtype=object).dropna(subset=[key])
    return frame.astype({LINE: "int64"}).reset_index(drop=True)


def _rows(path: Path, sheet: str) -> list[tuple[int, list[str]]]:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        require_plausible(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            names = {name.lower(): name for name in book.sheetnames}
            if sheet.lower() not in names:
                held = ", ".join(book.sheetnames)
                book.close()
                raise InputFileError(f"« {path.name} » n'a pas la feuille « {sheet} » (il a : {held}).")
            rows = [
                (line, [cell_text(value) for value in values])
                for line, values in enumerate(book[names[sheet.lower()]].iter_rows(values_only=True), start=1)
            ]
            book.close()
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, IndexError, OSError, EOFError) as error:
        raise InputFileError(
            f"« {path.name} » n'est pas un classeur XLSX lisible : téléchargez-le de nouveau."
        ) from error
    return rows
