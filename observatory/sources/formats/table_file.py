"""Reads the table of a producer's file (CSV or XLSX) whatever its habits; refuses what can't be read for certain."""

from __future__ import annotations

import csv
import io
import unicodedata
import warnings
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from observatory.errors import InputFileError
from observatory.sources.batch import LINE
from observatory.sources.formats.encoding import read_text

DELIMITERS: Final = (";", ",", "\t", "|")
HEADER_LINES: Final = 20
"""The header is looked for in that many lines: some producers write a title and notes above it."""
MAX_CELL_CHARACTERS: Final = 100_000
"""No cell of these sources is that long: it is a quotation mark that was never closed."""
MAX_WORKBOOK_BYTES: Final = 1024**3
"""Unpacked, no workbook of these sources is that large (convention de l'observatoire)."""
MISSING: Final = frozenset({"", "-9999", "-999", "n.d.", "nd", "n/d", "na", "n.a.", "nan", "null", "[nd]", "#n/a"})
"""What producers write for "no value", in lower case."""
REPEATED_HEADER: Final = "is_header"

Columns = Mapping[str, Sequence[str]]
"""Our name → the headings that producers have given it; one that ends with ``*`` is a beginning."""
Row = tuple[int, list[str]]


@dataclass(frozen=True)
class _Layout:
    """Where the header is and where each wanted column stands."""

    header: list[str]
    position: int
    columns: dict[str, int]
    absent: list[str]


def read_table(
    path: Path, columns: Columns, *, optional: Iterable[str] = (), missing: frozenset[str] = MISSING
) -> pd.DataFrame:
    """Read the wanted columns of a CSV (any encoding, separator and line ending of the trade) or XLSX file, as text.

    Parameters
    ----------
    path
        File; an XLSX is told by its content.
    columns
        What is wanted, and under which headings; their order, case, accents and spaces in the file don't matter.
    optional
        Names that may be absent: their column is then empty.
    missing
        What this producer writes for "no value", in lower case.

    Returns
    -------
    pandas.DataFrame
        One row per record: text stripped of any kind of space, ``None`` where there is no value, and ``line``: where
        the record ends in the file. A header that is repeated among the records has ``is_header`` true.

    Raises
    ------
    InputFileError
        If the file can't be read for certain: absent, binary, truncated, without a column, ambiguous.
    """
    optional = set(optional)
    if is_workbook(path):
        rows = _workbook_rows(path)
        layout = _layout(rows, columns)
    else:
        text, _ = read_text(path)
        found = {one: _layout(_rows(text, one, path.name, limit=HEADER_LINES), columns) for one in DELIMITERS}
        delimiter = min(found, key=lambda one: len(found[one].absent))
        layout = found[delimiter]
        rows = _rows(text, delimiter, path.name) if set(layout.absent) <= optional else []
    _require_columns(layout, optional, columns, path.name)
    return _frame(rows, layout, columns, path.name, missing)


def columns_present(path: Path, columns: Columns) -> set[str]:
    """Return which of ``columns`` a file has, whatever its cells hold.

    Raises
    ------
    InputFileError
        If the file can't be read for certain.
    """
    return set(_best_layout(path, columns).columns)


def headings(path: Path, columns: Columns) -> list[str]:
    """Return all the headings of a file, without case nor accents; the header is where most of ``columns`` are.

    Raises
    ------
    InputFileError
        If the file can't be read for certain.
    """
    return _best_layout(path, columns).header


def _best_layout(path: Path, columns: Columns) -> _Layout:
    if is_workbook(path):
        return _layout(_workbook_rows(path), columns)
    text, _ = read_text(path)
    found = (_layout(_rows(text, one, path.name, limit=HEADER_LINES), columns) for one in DELIMITERS)
    return max(found, key=lambda one: len(one.columns))


def heading(text: str) -> str:
    """Return a heading without case, accents or typographic variants, to compare it."""
    if text.isascii():
        return " ".join(text.lower().split())
    plain = unicodedata.normalize("NFKD", text.replace("’", "'"))
    return " ".join("".join(one for one in plain if not unicodedata.combining(one)).lower().split())


def cell(text: str | None, missing: frozenset[str] = MISSING) -> str | None:
    """Return the text of a cell, stripped, or ``None`` if it says that there is no value."""
    stripped = (text or "").strip()
    return None if not stripped or stripped.lower() in missing else stripped


def is_workbook(path: Path) -> bool:
    """Tell whether a file begins as an XLSX does."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PK\x03\x04"
    except OSError:
        return False


def workbook_head(path: Path) -> list[str]:
    """Return the texts of the first rows of a workbook, where its header is.

    Raises
    ------
    InputFileError
        If it can't be read.
    """
    return [text for _, cells in _workbook_rows(path, limit=HEADER_LINES) for text in cells if text]


def _workbook_rows(path: Path, limit: int | None = None) -> list[Row]:
    """Rows of the first sheet, codes kept as text; line numbers are the sheet's."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        require_plausible(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            sheet = book.worksheets[0]
            lines = enumerate(sheet.iter_rows(values_only=True, max_row=limit), start=1)
            rows = [(line, [cell_text(value) for value in values]) for line, values in lines]
            book.close()
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, IndexError, OSError, EOFError) as error:
        raise InputFileError(
            f"« {path.name} » n'est pas un classeur XLSX lisible : téléchargez-le de nouveau."
        ) from error
    return [(line, cells) for line, cells in rows if any(text.strip() for text in cells)]


def require_plausible(path: Path) -> None:
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


def cell_text(value: object) -> str:
    """Return the text of a workbook's cell; a code that a spreadsheet made a decimal number is whole again."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _rows(text: str, delimiter: str, name: str, limit: int | None = None) -> list[Row]:
    """Return the records that aren't blank; only the first ones, as far as they can be read, if there is a limit."""
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[Row] = []
    try:
        for cells in reader:
            if any(cells):
                rows.append((reader.line_num, cells))
            if limit is not None and len(rows) >= limit:
                break
    except csv.Error as error:
        if limit is not None:
            return rows
        raise InputFileError(
            f"Le fichier « {name} » est tronqué ou mal formé à la ligne {reader.line_num} (guillemet jamais fermé, ou "
            "cellule démesurée) : téléchargez-le de nouveau."
        ) from error
    return rows


def _layout(rows: Sequence[Row], columns: Columns) -> _Layout:
    """Return the first of the first lines that holds the most of the wanted columns."""
    best = _nothing(columns)
    for position, (_, cells) in enumerate(rows[:HEADER_LINES]):
        header = [heading(text.removeprefix("\ufeff")) for text in cells]
        while header and not header[-1]:
            header.pop()
        found = {name: _find(header, names) for name, names in columns.items()}
        absent = [name for name, place in found.items() if place is None]
        if len(absent) < len(best.absent):
            best = _Layout(header, position, {key: at for key, at in found.items() if at is not None}, absent)
    return best


def _nothing(columns: Columns) -> _Layout:
    return _Layout([], 0, {}, list(columns))


def _find(header: list[str], names: Sequence[str]) -> int | None:
    """Return where a column stands; the first of its names that is there; -1 if that one is there twice."""
    for name in names:
        wanted = heading(name.removesuffix("*"))
        places = [
            at for at, text in enumerate(header) if (text.startswith(wanted) if name.endswith("*") else text == wanted)
        ]
        if places:
            return places[0] if len(places) == 1 else -1
    return None


def _require_columns(layout: _Layout, optional: set[str], columns: Columns, name: str) -> None:
    twice = [column for column, place in layout.columns.items() if place == -1]
    if twice:
        raise InputFileError(
            f"Le fichier « {name} » a deux colonnes pour « {columns[twice[0]][0]} » : n'en gardez qu'une."
        )
    absent = [column for column in layout.absent if column not in optional]
    if absent:
        has = f" Il a : {', '.join(filter(None, layout.header))[:300]}." if layout.header else ""
        wanted = columns[absent[0]][0].replace("*", "…")
        raise InputFileError(
            f"Le fichier « {name} » n'a pas la colonne « {wanted} » : vérifiez que c'est le bon fichier, du bon "
            f"millésime, et qu'il est entier.{has}"
        )


def _frame(rows: Sequence[Row], layout: _Layout, columns: Columns, name: str, missing: frozenset[str]) -> pd.DataFrame:
    width = len(layout.header)
    records = []
    for line, cells in rows[layout.position + 1 :]:
        beyond = [text for text in cells[width:] if text.strip()]
        if len(cells) < width or beyond:
            raise InputFileError(
                f"Le fichier « {name} » a {len(cells)} colonnes à la ligne {line} au lieu de {width} : il est tronqué "
                "ou mal formé, téléchargez-le de nouveau."
            )
        is_header = all(heading(text) == head for text, head in zip(cells, layout.header, strict=False))
        wanted = [cell(cells[layout.columns[one]], missing) if one in layout.columns else None for one in columns]
        records.append([*wanted, line, is_header])
    if not records:
        raise InputFileError(f"Le fichier « {name} » n'a que son en-tête : il est tronqué, téléchargez-le de nouveau.")
    frame = pd.DataFrame(records, columns=[*columns, LINE, REPEATED_HEADER], dtype=object)
    return frame.astype({LINE: "int64", REPEATED_HEADER: "bool"})
