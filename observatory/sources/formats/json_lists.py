"""Rows of a JSON list (an API's answer, or a GeoJSON's properties) as records: the names met, then each row's texts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from observatory.errors import InputFileError
from observatory.sources.formats import record_counts
from observatory.sources.formats.cell_text import heading
from observatory.sources.formats.encodings import read_text
from observatory.sources.formats.record_counts import Counted

LISTS: Final = ("results", "observations", "data", "items", "features")
"""Keys under which the APIs give their rows."""
HEAD_BYTES: Final = 64
ESCAPED: Final = re.compile(r"\\u(0000|d[89a-f])", re.IGNORECASE)
NO_TEXT: Final = re.compile("[\x00\ud800-\udfff]")
"""What JSON may escape and no text holds: nul, and halves of characters."""


def is_json(path: Path) -> bool:
    """Tell whether a file begins as JSON does."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip()
    except OSError:
        return False
    return head.startswith((b"[", b"{"))


def json_rows(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSON list.

    Raises
    ------
    InputFileError
        If it isn't a list of objects, or holds none.
    """
    try:
        text = read_text(path)[0]
        answer = json.loads(text)
        if ESCAPED.search(text):
            answer = _written(answer)
        if isinstance(answer, dict):
            answer = next(answer[key] for key in LISTS if isinstance(answer.get(key), list))
        rows = [one.get("properties") or one for one in answer]
    except (ValueError, StopIteration, AttributeError, TypeError, RecursionError) as error:
        raise InputFileError(
            f"Le fichier « {path.name} » n’est pas une liste JSON entière : téléchargez-le de nouveau."
        ) from error
    if not rows:
        raise InputFileError(f"Le fichier « {path.name} » ne contient aucune ligne : téléchargez-le de nouveau.")
    held = record_counts.of_list(path, LISTS)
    record_counts.require_all(path.name, Counted(held, 0), Counted(len(rows), 0))
    return rows


def records(path: Path) -> list[tuple[int, list[str]]]:
    """Return a header, numbered 0, then the rows by their rank; a point leads into a nested object (``epci.code``).

    Raises
    ------
    InputFileError
        If it isn't a list of objects, or holds none.
    """
    rows = [{heading(name): text for name, text in _flat(row).items()} for row in json_rows(path)]
    header = [name for name in dict.fromkeys(name for row in rows for name in row) if name]
    return [(0, header), *((rank, [row.get(name, "") for name in header]) for rank, row in enumerate(rows, start=1))]


def _written(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return what JSON holds, a mark in the place of each character that no text holds."""
    if isinstance(value, str):
        return NO_TEXT.sub("\ufffd", value)
    if isinstance(value, list):
        return [_written(one) for one in value]
    return {_written(key): _written(one) for key, one in value.items()} if isinstance(value, dict) else value


def _flat(row: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Return the texts of an object by the path that leads to them."""
    found: dict[str, str] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = _text(value)
    return found


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(str(one) for one in value) if isinstance(value, list) else str(value)
