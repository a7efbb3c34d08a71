"""Records of a sheet of a workbook (XLSX), codes kept as text."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import ParseError
from xml.parsers import expat

from observatory.errors import InputFileError
from observatory.sources.formats import record_counts
from observatory.sources.formats.record_counts import Counted

MAGIC: Final = b"PK\x03\x04"
MAX_WORKBOOK_BYTES: Final = 1024**3
"""Unpacked, no workbook of these sources is that large (convention de l'observatoire)."""
_UNREADABLE: Final = "« {name} » n’est pas un classeur XLSX lisible : téléchargez-le de nouveau."
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    ParseError,
    KeyError,
    ValueError,
    IndexError,
    TypeError,
    AttributeError,
    NotImplementedError,
    RuntimeError,
    OSError,
    EOFError,
)
"""What openpyxl raises on a damaged workbook."""


def is_workbook(path: Path) -> bool:
    """Tell whether a file begins as an XLSX does."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def records(
    path: Path, sheet: str | None = None, *, limit: int | None = None, held: Counted | None = None
) -> list[tuple[int, list[str]]]:
    """Return the records of a sheet that aren't blank, each with its line in it.

    Parameters
    ----------
    path
        Workbook.
    sheet
        Its name, any case; None: the first one.
    limit
        Only the records of that many lines: they are then not compared with what the sheet holds.
    held
        What the sheet holds (:func:`sheets`); None: it is counted.

    Raises
    ------
    InputFileError
        If it isn't a workbook, lacks the sheet, would unpack into more than any of these sources holds, or if some of
        its rows were not read.
    """
    with _opened(path) as book:
        names = {name.lower(): name for name in book.sheetnames}
        if sheet is not None and sheet.lower() not in names:
            raise InputFileError(
                f"« {path.name} » n’a pas la feuille « {sheet} » (il a : {', '.join(book.sheetnames)})."
            )
        wanted = book.worksheets[0] if sheet is None else book[names[sheet.lower()]]
        wanted.reset_dimensions()  # what a sheet says of its size is not to be believed
        lines = enumerate(wanted.iter_rows(values_only=True, max_row=limit), start=1)
        rows = [(line, [_text(value) for value in values]) for line, values in lines]
        title = str(wanted.title)
    width = max((len(cells) for _, cells in rows), default=0)
    found = [
        (line, [*cells, *[""] * (width - len(cells))]) for line, cells in rows if any(text.strip() for text in cells)
    ]
    if limit is None:
        there = held or sheets(path)[title]
        record_counts.require_all(path.name, there, record_counts.of_records(cells for _, cells in found))
    return found


def sheets(path: Path) -> dict[str, Counted]:
    """Return how many rows each sheet of a workbook holds, in their order, counted on its XML.

    Raises
    ------
    InputFileError
        If it isn't a workbook.
    """
    try:
        _require_plausible(path)
        return record_counts.of_workbook(path)
    except (*_DAMAGE, expat.ExpatError) as error:
        raise InputFileError(_UNREADABLE.format(name=path.name)) from error


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Give the workbook, to be read a row at a time."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        _require_plausible(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            try:
                yield book
            finally:
                book.close()
    except (InvalidFileException, *_DAMAGE) as error:
        raise InputFileError(_UNREADABLE.format(name=path.name)) from error


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
