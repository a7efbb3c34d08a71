"""Records of a sheet of a workbook (XLSX), codes kept as text."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import Final

from observatory.errors import InputFileError

MAGIC: Final = b"PK\x03\x04"
MAX_WORKBOOK_BYTES: Final = 1024**3
"""Unpacked, no workbook of these sources is that large (convention de l'observatoire)."""


def is_workbook(path: Path) -> bool:
    """Tell whether a file begins as an XLSX does."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def records(path: Path, sheet: str | None = None, *, limit: int | None = None) -> list[tuple[int, list[str]]]:
    """Return the records that aren't blank, each with its line in the sheet.

    Parameters
    ----------
    path
        Workbook.
    sheet
        Its name, any case; None: the first one.
    limit
        Only the records of that many lines.

    Raises
    ------
    InputFileError
        If it isn't a workbook, lacks the sheet, or would unpack into more than any of these sources holds.
    """
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        _require_plausible(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            names = {name.lower(): name for name in book.sheetnames}
            if sheet is not None and sheet.lower() not in names:
                held = ", ".join(book.sheetnames)
                book.close()
                raise InputFileError(f"« {path.name} » n’a pas la feuille « {sheet} » (il a : {held}).")
            wanted = book.worksheets[0] if sheet is None else book[names[sheet.lower()]]
            lines = enumerate(wanted.iter_rows(values_only=True, max_row=limit), start=1)
            rows = [(line, [_text(value) for value in values]) for line, values in lines]
            book.close()
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, IndexError, OSError, EOFError) as error:
        raise InputFileError(
            f"« {path.name} » n’est pas un classeur XLSX lisible : téléchargez-le de nouveau."
        ) from error
    return [(line, cells) for line, cells in rows if any(text.strip() for text in cells)]


def _require_plausible(path: Path) -> None:
    """Refuse a workbook that would unpack into more than any of these sources holds.

    Raises
    ------
    InputFileError
        If it would.
    """
    with zipfile.ZipFile(path) as archive:
        size = sum(one.file_size for one in archive.infolist())
    if size > MAX_WORKBOOK_BYTES:
        raise InputFileError(
            f"« {path.name} » tient {size // 1024**2} Mio une fois ouvert : est-ce bien le classeur de la source ?"
        )


def _text(value: object) -> str:
    """Return the text of a cell; a code that a spreadsheet made a decimal number is whole again."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
