"""Reads a table (CSV, XLSX, JSON list) whatever its producer's habits; refuses what can't be read for certain."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from observatory.errors import InputFileError
from observatory.sources.batch import LINE, MALFORMED, NOTES, RAW, REPEATED_HEADER
from observatory.sources.formats import workbooks
from observatory.sources.formats.cell_text import MISSING, cell, heading
from observatory.sources.formats.table_layout import HEADER_LINES, Columns, Layout, Record, find, layout_of


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
        ``is_header`` true. Where a record has not the columns of the header, ``malformed`` says so and ``raw`` is what
        it holds; a file without any has neither column. Sentences on what else was found are in ``attrs["notes"]``.

    Raises
    ------
    InputFileError
        If the file can't be read for certain: absent, binary, truncated, without a column, ambiguous.
    """
    layout = layout_of(path, columns, as_list=as_list)
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
        ``columns``, those of ``also``, and ``line``; ``None`` where there is no value.

    Raises
    ------
    InputFileError
        If it isn't a workbook, or lacks the sheet or a column.
    """
    records = workbooks.records(path, sheet)
    for position, (_, texts) in enumerate(records[:HEADER_LINES]):
        header = [heading(text) for text in texts]
        found = {ours: find(header, theirs) for ours, theirs in columns.items()}
        extra = {text.strip(): at for at, text in enumerate(texts) if re.fullmatch(also, text.strip())}
        places = [at for at in (*found.values(), *extra.values()) if at is not None and at >= 0]
        if extra and len(places) == len(found) + len(extra):
            rows = [
                [*(cell(cells[at]) if at < len(cells) else None for at in places), line]
                for line, cells in records[position + 1 :]
            ]
            return pd.DataFrame(rows, columns=[*found, *extra, LINE], dtype=object).astype({LINE: "int64"})
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
    return set(layout_of(path, columns).columns)


def headings(path: Path, columns: Columns) -> list[str]:
    """Return all the headings of a file, without case nor accents; the header is where most of ``columns`` are.

    Raises
    ------
    InputFileError
        If the file can't be read for certain.
    """
    return layout_of(path, columns).header


def _require_columns(layout: Layout, optional: set[str], columns: Columns, name: str) -> None:
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


def _frame(layout: Layout, columns: Columns, name: str, missing: frozenset[str]) -> pd.DataFrame:
    width = len(layout.header)
    records = layout.reading.records()[layout.position + 1 :]
    if not records:
        raise InputFileError(f"Le fichier « {name} » n’a que son en-tête : il est tronqué, téléchargez-le de nouveau.")
    _require_whole(layout, records, name)
    rows: list[list[object]] = []
    for line, cells in records:
        if _is_malformed(cells, width):
            said = " ; ".join(cells)
            rows.append([*[None] * len(columns), line, False, f"{len(cells)} colonnes au lieu de {width}", said])
            continue
        is_header = all(heading(text) == head for text, head in zip(cells, layout.header, strict=False))
        wanted = [cell(cells[layout.columns[one]], missing) if one in layout.columns else None for one in columns]
        rows.append([*wanted, line, is_header, None, None])
    frame = pd.DataFrame(rows, columns=[*columns, LINE, REPEATED_HEADER, MALFORMED, RAW], dtype=object)
    if frame[MALFORMED].isna().all():
        frame = frame.drop(columns=[MALFORMED, RAW])
    frame.attrs[NOTES] = (*layout.notes, *_untitled(layout.header, records))
    return frame.astype({LINE: "int64", REPEATED_HEADER: "bool"})


def _untitled(header: Sequence[str], records: Sequence[Record]) -> list[str]:
    """Tell the columns that hold something under no heading."""
    blank = [at for at, text in enumerate(header) if not text]
    told = [at + 1 for at in blank if any(at < len(cells) and cells[at].strip() for _, cells in records)]
    return [f"Colonne {rank} sans titre : non lue." for rank in told]


def _is_malformed(cells: Sequence[str], width: int) -> bool:
    return len(cells) < width or any(text.strip() for text in cells[width:])


def _require_whole(layout: Layout, records: Sequence[Record], name: str) -> None:
    """Refuse a file whose last line stops short, or in which hardly a row has the columns of the header.

    Raises
    ------
    InputFileError
        If it is one.
    """
    width = len(layout.header)
    wrong = [(line, cells) for line, cells in records if _is_malformed(cells, width)]
    is_cut = layout.reading.is_cut and len(records[-1][1]) < width
    if is_cut or 2 * len(wrong) >= len(records):
        line, cells = records[-1] if is_cut else wrong[0]
        raise InputFileError(
            f"Le fichier « {name} » a {len(cells)} colonnes à la ligne {line} au lieu de {width} : il est tronqué "
            "ou mal formé, téléchargez-le de nouveau."
        )
