"""Reads a table (CSV, XLSX, JSON list) whatever its producer's habits; refuses what can't be read for certain."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import pandas as pd

from observatory.errors import InputFileError
from observatory.sources.batch import LINE, REPEATED_HEADER
from observatory.sources.formats import delimited, json_lists, workbooks
from observatory.sources.formats.cell_text import MISSING, cell, heading
from observatory.sources.formats.encodings import read_text

HEADER_LINES: Final = 20
"""The header is looked for in that many lines: some producers write a title and notes above it."""

Columns = Mapping[str, Sequence[str]]
"""Our name → the headings that producers have given it; one that ends with ``*`` is a beginning."""
Record = tuple[int, list[str]]
"""The line of the file where a record ends (its rank in a JSON list), and its cells."""


@dataclass(frozen=True)
class _Reading:
    """One way to cut a file into records: a separator, a sheet, a list. What a format must give to be read here."""

    head: Sequence[Record]
    """Where the header is looked for."""
    records: Callable[[], Sequence[Record]]
    """All of them, header included."""
    is_list: bool = False
    """Its columns are the fields of objects."""


@dataclass(frozen=True)
class _Layout:
    """Where the header is and where each wanted column stands."""

    reading: _Reading
    header: list[str]
    position: int
    columns: dict[str, int]
    absent: list[str]


def read_table(
    path: Path,
    columns: Columns,
    *,
    optional: Iterable[str] = (),
    missing: frozenset[str] = MISSING,
    as_list: bool = False,
) -> pd.DataFrame:
    """Read the wanted columns of a table, as text; its format is told by its content.

    Parameters
    ----------
    path
        CSV (any encoding, separator and line ending of the trade), XLSX (its first sheet), or a list.
    columns
        What is wanted, and under which headings; their order, case, accents and spaces in the file don't matter. A
        point leads into a nested object of a JSON list (``epci.code``).
    optional
        Names that may be absent: their column is then empty.
    missing
        What this producer writes for "no value", in lower case.
    as_list
        Whether this producer also gives it as JSON: a list of objects, or an object that holds it; a GeoJSON's
        properties, without its shapes.

    Returns
    -------
    pandas.DataFrame
        One row per record: text stripped of any kind of space, ``None`` where there is no value, and ``line``: where
        the record ends in the file, or its rank in a JSON list. A header that is repeated among the records has
        ``is_header`` true.

    Raises
    ------
    InputFileError
        If the file can't be read for certain: absent, binary, truncated, without a column, ambiguous.
    """
    layout = _layout(path, columns, as_list=as_list)
    _require_columns(layout, set(optional), columns, path.name)
    return _frame(layout, columns, path.name, missing)


def read_exact(path: Path, columns: Iterable[str], *, missing: frozenset[str] = frozenset()) -> pd.DataFrame:
    """Read columns under their own names, as text; only an empty cell says that there is no value, and ``missing``.

    Returns
    -------
    pandas.DataFrame
        As :func:`read_table`, without ``is_header``.

    Raises
    ------
    InputFileError
        As :func:`read_table`.
    """
    return read_table(path, {name: (name,) for name in columns}, missing=missing).drop(columns=REPEATED_HEADER)


def reader(
    columns: Columns | Iterable[str], *, optional: Iterable[str] = (), as_list: bool = False
) -> Callable[[Path], pd.DataFrame]:
    """Return the verb ``read`` of a source whose file is one table.

    Parameters
    ----------
    columns
        As :func:`read_table` takes them, or names to be read as :func:`read_exact` does.
    optional, as_list
        As :func:`read_table` takes them.

    Returns
    -------
    callable
        Takes the path of the file and returns its rows as text; raises `InputFileError` if it is absent or is not
        what it should be.
    """
    if isinstance(columns, Mapping):
        return partial(read_table, columns=columns, optional=tuple(optional), as_list=as_list)
    return partial(read_exact, columns=tuple(columns))


def read_sheet(path: Path, sheet: str, columns: Columns, *, also: str) -> pd.DataFrame:
    """Read columns of a named sheet of a workbook, many of them named by a pattern, as text.

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
    records = workbooks.records(path, sheet)
    for position, (_, texts) in enumerate(records[:HEADER_LINES]):
        header = [heading(text) for text in texts]
        found = {ours: _find(header, theirs) for ours, theirs in columns.items()}
        extra = {text.strip(): at for at, text in enumerate(texts) if re.fullmatch(also, text.strip())}
        places = [at for at in (*found.values(), *extra.values()) if at is not None and at >= 0]
        if extra and len(places) == len(found) + len(extra):
            rows = [
                [*(cell(cells[at]) if at < len(cells) else None for at in places), line]
                for line, cells in records[position + 1 :]
            ]
            frame = pd.DataFrame(rows, columns=[*found, *extra, LINE], dtype=object).dropna(
                subset=[next(iter(columns))]
            )
            return frame.astype({LINE: "int64"}).reset_index(drop=True)
    raise InputFileError(
        f"La feuille « {sheet} » de « {path.name} » n’a pas les colonnes attendues ({', '.join(columns)}) : "
        "téléchargez le classeur de nouveau."
    )


def columns_present(path: Path, columns: Columns) -> set[str]:
    """Return which of ``columns`` a file has, whatever its cells hold.

    Raises
    ------
    InputFileError
        If the file can't be read for certain.
    """
    return set(_layout(path, columns).columns)


def headings(path: Path, columns: Columns) -> list[str]:
    """Return all the headings of a file, without case nor accents; the header is where most of ``columns`` are.

    Raises
    ------
    InputFileError
        If the file can't be read for certain.
    """
    return _layout(path, columns).header


def _readings(path: Path, *, as_list: bool) -> Iterable[_Reading]:
    """Return the ways to cut a file into records, by its content."""
    if workbooks.is_workbook(path):
        records = workbooks.records(path)
        return [_Reading(records[:HEADER_LINES], lambda: records)]
    if as_list and json_lists.is_json(path):
        records = json_lists.records(path)
        return [_Reading(records[:1], lambda: records, is_list=True)]
    text, _ = read_text(path)
    return [
        _Reading(
            delimited.records(text, delimiter, path.name, limit=HEADER_LINES),
            partial(delimited.records, text, delimiter, path.name),
        )
        for delimiter in delimited.DELIMITERS
    ]


def _layout(path: Path, columns: Columns, *, as_list: bool = False) -> _Layout:
    """Return the first of the first lines that holds the most of the wanted columns, in the way that has most."""
    layouts = [_layout_of(reading, columns) for reading in _readings(path, as_list=as_list)]
    return min(layouts, key=lambda one: len(one.absent))


def _layout_of(reading: _Reading, columns: Columns) -> _Layout:
    best = _Layout(reading, [], 0, {}, list(columns))
    for position, (_, cells) in enumerate(reading.head):
        header = [heading(text.removeprefix("\ufeff")) for text in cells]
        while header and not header[-1]:
            header.pop()
        found = {name: _find(header, names) for name, names in columns.items()}
        absent = [name for name, place in found.items() if place is None]
        if len(absent) < len(best.absent):
            best = _Layout(reading, header, position, {key: at for key, at in found.items() if at is not None}, absent)
    return best


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
            f"Le fichier « {name} » a deux colonnes pour « {columns[twice[0]][0]} » : n’en gardez qu’une."
        )
    absent = [column for column in layout.absent if column not in optional]
    if not absent:
        return
    wanted = columns[absent[0]][0].replace("*", "…")
    if layout.reading.is_list:
        raise InputFileError(
            f"Le fichier « {name} » n’a pas le champ « {wanted} » : vérifiez que c’est la bonne liste."
        )
    has = f" Il a : {', '.join(filter(None, layout.header))[:300]}." if layout.header else ""
    raise InputFileError(
        f"Le fichier « {name} » n’a pas la colonne « {wanted} » : vérifiez que c’est le bon fichier, du bon "
        f"millésime, et qu’il est entier.{has}"
    )


def _frame(layout: _Layout, columns: Columns, name: str, missing: frozenset[str]) -> pd.DataFrame:
    width = len(layout.header)
    rows = []
    for line, cells in layout.reading.records()[layout.position + 1 :]:
        beyond = [text for text in cells[width:] if text.strip()]
        if len(cells) < width or beyond:
            raise InputFileError(
                f"Le fichier « {name} » a {len(cells)} colonnes à la ligne {line} au lieu de {width} : il est tronqué "
                "ou mal formé, téléchargez-le de nouveau."
            )
        is_header = all(heading(text) == head for text, head in zip(cells, layout.header, strict=False))
        wanted = [cell(cells[layout.columns[one]], missing) if one in layout.columns else None for one in columns]
        rows.append([*wanted, line, is_header])
    if not rows:
        raise InputFileError(f"Le fichier « {name} » n’a que son en-tête : il est tronqué, téléchargez-le de nouveau.")
    frame = pd.DataFrame(rows, columns=[*columns, LINE, REPEATED_HEADER], dtype=object)
    return frame.astype({LINE: "int64", REPEATED_HEADER: "bool"})
