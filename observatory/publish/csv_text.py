"""CSV in two forms, the machine's and that of French spreadsheets; a text is never taken for a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a cell begins with where a spreadsheet takes it for a formula
(https://owasp.org/www-community/attacks/CSV_Injection)."""
QUOTE: Final = "'"
"""Put before such a text; what reads our files takes it away."""
NUMBER: Final = re.compile(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Form:
    """How a CSV is written."""

    delimiter: str
    decimal: str
    mark: str
    """What the text begins with."""
    line_end: str
    label: str
    """French, for whoever asks which one it is."""


FORMS: Final = {
    "csv": Form(",", ".", "", "\n", "virgules, point décimal, UTF-8 : pour les programmes"),
    "csv-fr": Form(";", ",", "\ufeff", "\r\n", "points-virgules, virgule décimale, UTF-8 marqué : pour les tableurs"),
}
"""Name of a format → its form."""
MACHINE: Final = FORMS["csv"]
FRENCH: Final = FORMS["csv-fr"]


def csv_text(rows: Sequence[Mapping[str, Any]], form: Form = MACHINE) -> str:
    """Return rows that share their keys as CSV; nothing at all without a row."""
    return table(list(rows[0]), (row.values() for row in rows), form) if rows else ""


def table(columns: Sequence[str], rows: Iterable[Iterable[object]], form: Form = MACHINE) -> str:
    """Return a line of headings, then a line a row; numbers stay numbers, what is unknown is empty."""
    buffer = io.StringIO()
    buffer.write(form.mark)
    writer = csv.writer(buffer, delimiter=form.delimiter, lineterminator=form.line_end)
    writer.writerow([harmless(one) for one in columns])
    writer.writerows([_cell(value, form) for value in row] for row in rows)
    return buffer.getvalue()


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula; a number is none.

    Examples
    --------
    >>> harmless("=1+1"), harmless("-0,5"), harmless("Vire")
    ("'=1+1", '-0,5', 'Vire')
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # alone, it ends a record for some readers
    is_risky = text.lstrip(" ").startswith(FORMULA) and not NUMBER.fullmatch(text)
    return f"{QUOTE}{text}" if is_risky else text


def _cell(value: object, form: Form) -> object:
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - NaN is not itself
        return ""
    if isinstance(value, float | np.floating):
        return repr(float(value)).replace(".", form.decimal)
    return value
