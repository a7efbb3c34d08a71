"""How many records a file holds, counted by means that share nothing with what reads them: a difference stops."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import join, normpath
from typing import Any, Final
from xml.parsers import expat

from observatory.errors import InputFileError
from observatory.sources.formats.encodings import read_text

LINE_END: Final = re.compile(r"\r\n|\r|\n")
WORKSHEET: Final = "/worksheet"
SHARED_STRINGS: Final = "/sharedStrings"
LETTERS: Final = re.compile(r"[A-Z]+")
CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Counted:
    """What a file holds: records in which something is written, and columns in which something is."""

    records: int
    columns: int


def of_records(records: Iterable[Sequence[str]]) -> Counted:
    """Return what was read, to compare with what a file holds."""
    filled: set[int] = set()
    count = 0
    for cells in records:
        said = {at for at, text in enumerate(cells) if text.strip()}
        count += bool(said)
        filled |= said
    return Counted(count, len(filled))


def require_all(name: str, held: Counted, read: Counted) -> None:
    """Stop where a reader didn't give all that a file holds.

    Raises
    ------
    InputFileError
        If the two counts differ.
    """
    for what, there, found in (
        ("lignes", held.records, read.records),
        ("colonnes remplies", held.columns, read.columns),
    ):
        if there != found:
            raise InputFileError(
                f"« {name} » contient {there} {what}, et {found} ont été lues : rien n’est chargé. Enregistrez-le de "
                "nouveau, en CSV par exemple."
            )


def of_text(text: str, delimiter: str) -> Counted:
    """Count the records of a delimited text: lines, joined where a quotation mark is left open.

    A cell begins with a quotation mark, or has none that means anything (RFC 4180).
    """
    cell = re.compile(rf'"(?:[^"]|"")*(?P<open>\Z)|"(?:[^"]|"")*"|[^{re.escape(delimiter)}"][^{re.escape(delimiter)}]*')
    filled: set[int] = set()
    count, pending = 0, ""
    for line in LINE_END.split(text):
        whole = f"{pending}\n{line}" if pending else line
        if '"' not in whole:
            said = {at for at, one in enumerate(whole.split(delimiter)) if one.strip()}
        else:
            said, is_open = _quoted(whole, delimiter, cell)
            if is_open:
                pending = whole
                continue
        pending = ""
        count += bool(said)
        filled |= said
    return Counted(count + bool(pending.strip()), len(filled))


def _quoted(line: str, delimiter: str, cell: re.Pattern[str]) -> tuple[set[int], bool]:
    """Return which cells of a line with quotation marks say something, and whether the last is left open."""
    said: set[int] = set()
    at = place = 0
    while at < len(line):
        if line[at] == delimiter:
            place, at = place + 1, at + 1
            continue
        found = cell.match(line, at)
        if found is None:
            return said, True
        if found["open"] is not None:
            return said, True
        text = found[0]
        if (text[1:-1] if text.startswith('"') else text).strip():
            said.add(place)
        at = found.end()
    return said, False


def of_list(path: Path, keys: Sequence[str]) -> int:
    """Return the length of the longest list that a JSON file holds at its top, or under one of ``keys``."""
    content = json.loads(read_text(path)[0])
    lists = [content] if isinstance(content, list) else [content.get(key) for key in keys]
    return max((len(one) for one in lists if isinstance(one, list)), default=0)


def of_workbook(path: Path) -> dict[str, Counted]:
    """Count the ``<row>`` of each sheet of a workbook that hold something, whatever the sheet says of its dimension.

    Raises
    ------
    KeyError, ValueError, zipfile.BadZipFile, expat.ExpatError
        If it isn't a workbook.
    """
    with zipfile.ZipFile(path) as archive:
        book = _book(archive)
        blank = _blank_strings(archive, book.strings) if book.strings in archive.namelist() else set()
        found = {}
        for name, part in book.sheets.items():
            rows = _Rows(blank)
            _parse(archive, part, rows.start, rows.end, rows.text)
            found[name] = Counted(rows.count, len(rows.filled))
        return found


@dataclass(frozen=True)
class _Book:
    sheets: Mapping[str, str]
    """Name → part of the archive."""
    strings: str


def _book(archive: zipfile.ZipFile) -> _Book:
    """Find the sheets by the relations of the workbook."""
    main = next(
        (
            target
            for kind, target in _relations(archive, "_rels/.rels", "").values()
            if kind.endswith("/officeDocument")
        ),
        "xl/workbook.xml",
    )
    folder, _, name = main.rpartition("/")
    relations = _relations(archive, join(folder, "_rels", f"{name}.rels"), folder)
    named: list[tuple[str, str]] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "sheet":
            named.append((attributes["name"], attributes["id"]))

    _parse(archive, main, start)
    sheets = {
        title: relations[key][1] for title, key in named if key in relations and relations[key][0].endswith(WORKSHEET)
    }
    strings = next((part for kind, part in relations.values() if kind.endswith(SHARED_STRINGS)), "")
    return _Book(sheets, strings)


def _relations(archive: zipfile.ZipFile, part: str, folder: str) -> dict[str, tuple[str, str]]:
    """Return identifier → (kind, part of the archive)."""
    found: dict[str, tuple[str, str]] = {}

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "Relationship":
            target = attributes["Target"]
            whole = target[1:] if target.startswith("/") else normpath(join(folder, target))
            found[attributes["Id"]] = (attributes["Type"], whole)

    _parse(archive, part, start)
    return found


def _blank_strings(archive: zipfile.ZipFile, part: str) -> set[int]:
    """Return the ranks of the shared strings in which nothing is written."""
    blank: set[int] = set()
    rank, is_phonetic, has_text = -1, False, False

    def start(tag: str, _: dict[str, str]) -> None:
        nonlocal rank, is_phonetic, has_text
        if tag == "si":
            rank, has_text = rank + 1, False
        is_phonetic = is_phonetic or tag == "rPh"

    def end(tag: str) -> None:
        nonlocal is_phonetic
        is_phonetic = is_phonetic and tag != "rPh"
        if tag == "si" and not has_text:
            blank.add(rank)

    def text(said: str) -> None:
        nonlocal has_text
        has_text = has_text or (not is_phonetic and bool(said.strip()))

    _parse(archive, part, start, end, text)
    return blank


@dataclass
class _Rows:
    """Counts the rows of a sheet while it is parsed."""

    blank: set[int]
    count: int = 0
    filled: set[str] = field(default_factory=set)
    _is_shared: bool = False
    _is_value: bool = False
    _value: str = ""
    _column: str = ""
    _place: int = 0
    _has_said: bool = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "row":
            self._has_said, self._place = False, 0
        elif tag == "c":
            letters = LETTERS.match(attributes.get("r", ""))
            self._place = _number(letters[0]) if letters else self._place + 1
            self._column, self._value = str(self._place), ""
            self._is_shared = attributes.get("t") == "s"
        self._is_value = tag in {"v", "t"}

    def text(self, said: str) -> None:
        if self._is_value:
            self._value += said

    def end(self, tag: str) -> None:
        self._is_value = False
        if tag == "c":
            said = self._value.strip()
            if said and not (self._is_shared and int(said) in self.blank):
                self._has_said = True
                self.filled.add(self._column)
            self._value = ""
        elif tag == "row":
            self.count += self._has_said


def _number(letters: str) -> int:
    """Return the rank of a column: A is 1, AA is 27."""
    rank = 0
    for one in letters:
        rank = rank * 26 + ord(one) - 64
    return rank


def _parse(archive: zipfile.ZipFile, part: str, start: Any, end: Any = None, text: Any = None) -> None:  # noqa: ANN401
    """Parse a part of a workbook; names come without their namespace."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def begins(tag: str, attributes: dict[str, str]) -> None:
        start(_local(tag), {_local(name): said for name, said in attributes.items()})

    parser.StartElementHandler = begins
    parser.EndElementHandler = None if end is None else lambda tag: end(_local(tag))
    parser.CharacterDataHandler = text
    with archive.open(part) as content:
        parser.ParseFile(content)


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
