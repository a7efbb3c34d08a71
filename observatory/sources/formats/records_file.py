"""Reads the rows of a producer's list as text, whether a JSON answer of its API, a GeoJSON, a CSV or a workbook."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from observatory.errors import InputFileError
from observatory.sources.batch import LINE
from observatory.sources.formats.encoding import read_text
from observatory.sources.formats.table_file import MISSING, REPEATED_HEADER, Columns, cell, heading, read_table

LISTS: Final = ("results", "observations", "data", "items", "features")
"""Keys under which the APIs give their rows."""
HEAD_BYTES: Final = 64


def read_records(
    path: Path, columns: Columns, *, optional: Iterable[str] = (), missing: frozenset[str] = MISSING
) -> pd.DataFrame:
    """Read the wanted columns of a list, as text.

    Parameters
    ----------
    path
        JSON (a list of objects, or an object that holds it), CSV or XLSX; told by its content.
    columns
        Our name → the names that producers have given it; a point leads into a nested object (``epci.code``).
    optional
        Names that may be absent: their column is then empty.
    missing
        What this producer writes for "no value", in lower case.

    Returns
    -------
    pandas.DataFrame
        As :func:`observatory.sources.formats.table_file.read_table`; ``line`` is the rank of the row in a JSON list.

    Raises
    ------
    InputFileError
        If the file can't be read for certain, or lacks a column.
    """
    if not is_json(path):
        return read_table(path, columns, optional=optional, missing=missing)
    rows = json_rows(path)
    names = {heading(name) for row in rows for name in _names(row)}
    chosen = {ours: next((one for one in theirs if heading(one) in names), None) for ours, theirs in columns.items()}
    absent = [ours for ours, name in chosen.items() if name is None and ours not in set(optional)]
    if absent:
        raise InputFileError(
            f"Le fichier « {path.name} » n'a pas le champ « {columns[absent[0]][0]} » : vérifiez que c'est la bonne "
            "liste."
        )
    records = []
    for rank, row in enumerate(rows, start=1):
        flat = {heading(name): value for name, value in _flat(row).items()}
        texts = [cell(_text(flat.get(heading(name))) if name else None, missing) for name in chosen.values()]
        records.append([*texts, rank, False])
    frame = pd.DataFrame(records, columns=[*columns, LINE, REPEATED_HEADER], dtype=object)
    return frame.astype({LINE: "int64", REPEATED_HEADER: "bool"})


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
        answer = json.loads(read_text(path)[0])
        if isinstance(answer, dict):
            answer = next(answer[key] for key in LISTS if isinstance(answer.get(key), list))
        rows = [one.get("properties") or one for one in answer]
    except (ValueError, StopIteration, AttributeError, TypeError, RecursionError) as error:
        raise InputFileError(
            f"Le fichier « {path.name} » n'est pas une liste JSON entière : téléchargez-le de nouveau."
        ) from error
    if not rows:
        raise InputFileError(f"Le fichier « {path.name} » ne contient aucune ligne : téléchargez-le de nouveau.")
    return rows


def _names(row: dict[str, Any]) -> Sequence[str]:
    return list(_flat(row))


def _flat(row: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the values of an object by the path that leads to them."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = value
    return found


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(str(one) for one in value) or None
    return str(value)
