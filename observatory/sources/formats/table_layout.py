"""Where the header of a table stands, in which sheet or with which separator, and where each wanted column is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from observatory.errors import InputFileError
from observatory.sources.formats import delimited, json_lists, record_counts, workbooks
from observatory.sources.formats.cell_text import heading
from observatory.sources.formats.encodings import read_text
from observatory.sources.formats.other_formats import require_ours
from observatory.sources.formats.record_counts import Counted

HEADER_LINES: Final = 20
"""The header is looked for in that many lines: some producers write a title and notes above it."""

Columns = Mapping[str, Sequence[str]]
"""Our name → the headings that producers have given it; one that ends with ``*`` is a beginning."""
Record = tuple[int, list[str]]
"""The line of the file where a record ends (its rank in a JSON list), and its cells."""


@dataclass(frozen=True)
class Reading:
    """One way to cut a file into records: a separator, a sheet, a list. What a format must give to be read here."""

    head: Sequence[Record]
    """Where the header is looked for."""
    records: Callable[[], Sequence[Record]]
    """All of them, header included, after they were compared with what the file holds."""
    is_list: bool = False
    """Its columns are the fields of objects."""
    sheet: str | None = None
    """Where it is in a workbook."""
    is_cut: bool = False
    """Whether the file ends in the middle of a line: its last record may not be whole."""


@dataclass(frozen=True)
class Layout:
    """Where the header is and where each wanted column stands."""

    reading: Reading
    header: list[str]
    position: int
    columns: dict[str, int]
    absent: list[str]
    notes: tuple[str, ...] = ()
    """French: what the file holds beside what is read."""


def _readings(path: Path, *, as_list: bool) -> Iterable[Reading]:
    """Return the ways to cut a file into records, by its content."""
    require_ours(path)
    if workbooks.is_workbook(path):
        filled = {name: one for name, one in workbooks.sheets(path).items() if one.records}
        return [_of_sheet(path, name, one) for name, one in filled.items()] or [Reading([], list)]
    if as_list and json_lists.is_json(path):
        records = json_lists.records(path)
        return [Reading(records[:1], lambda: records, is_list=True)]
    text, _ = read_text(path)
    return [
        Reading(
            delimited.records(text, delimiter, path.name, limit=HEADER_LINES),
            partial(_delimited, text, delimiter, path.name),
            is_cut=not text.endswith(("\n", "\r")),
        )
        for delimiter in delimited.DELIMITERS
    ]


def _of_sheet(path: Path, name: str, held: Counted) -> Reading:
    head = workbooks.records(path, name, limit=HEADER_LINES)
    return Reading(head, partial(workbooks.records, path, name, held=held), sheet=name)


def _delimited(text: str, delimiter: str, name: str) -> list[Record]:
    found = delimited.records(text, delimiter, name)
    record_counts.require_all(
        name, record_counts.of_text(text, delimiter), record_counts.of_records(cells for _, cells in found)
    )
    return found


def layout_of(path: Path, columns: Columns, *, as_list: bool = False) -> Layout:
    """Return the first of the first lines that holds the most of the wanted columns, in the way that has most."""
    layouts = [_placed(reading, columns) for reading in _readings(path, as_list=as_list)]
    best = min(layouts, key=lambda one: len(one.absent))
    if best.reading.sheet is None or not best.columns:
        return best
    others = [one for one in layouts if one.reading.sheet != best.reading.sheet]
    same = [str(one.reading.sheet) for one in others if len(one.absent) == len(best.absent)]
    if same:
        raise InputFileError(
            f"Les feuilles « {best.reading.sheet} » et « {' », « '.join(same)} » de « {path.name} » ont les mêmes "
            "colonnes, et une seule se lit : gardez-en une, ou enregistrez chacune dans un fichier."
        )
    notes = tuple(
        f"Feuille « {one.reading.sheet} » non lue ; la feuille lue est « {best.reading.sheet} »." for one in others
    )
    return replace(best, notes=notes)


def _placed(reading: Reading, columns: Columns) -> Layout:
    best = Layout(reading, [], 0, {}, list(columns))
    for position, (_, cells) in enumerate(reading.head):
        header = [heading(text.removeprefix("\ufeff")) for text in cells]
        while header and not header[-1]:
            header.pop()
        found = {name: find(header, names) for name, names in columns.items()}
        absent = [name for name, place in found.items() if place is None]
        if len(absent) < len(best.absent):
            best = Layout(reading, header, position, {key: at for key, at in found.items() if at is not None}, absent)
    return best


def find(header: list[str], names: Sequence[str]) -> int | None:
    """Return where a column stands; the first of its names that is there; -1 if that one is there twice."""
    for name in names:
        wanted = heading(name.removesuffix("*"))
        places = [
            at for at, text in enumerate(header) if (text.startswith(wanted) if name.endswith("*") else text == wanted)
        ]
        if places:
            return places[0] if len(places) == 1 else -1
    return None
