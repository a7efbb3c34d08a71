"""The year that INSEE writes in the headings of its files: ``P21_POP``, ``MED21``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from observatory.sources.formats import workbooks
from observatory.sources.formats.table_layout import HEADER_LINES

HEAD_BYTES: Final = 262_144
"""The header of the widest of INSEE's files fits in there."""
CENTURY: Final = "20"


def vintage(path: Path, pattern: str) -> str | None:
    r"""Return the year of a file of INSEE, or ``None`` if its headings tell none, or several.

    Parameters
    ----------
    path
        Text file or XLSX.
    pattern
        Regular expression of a heading, any case; its first group is the two figures of the year.

    Examples
    --------
    >>> vintage(Path("base-cc-evol-struct-pop-2021.csv"), r"P(\d\d)_POP")  # doctest: +SKIP
    '2021'
    """
    if workbooks.is_workbook(path):
        records = workbooks.records(path, limit=HEADER_LINES)
        head = "\n".join(text for _, cells in records for text in cells)
    else:
        try:
            with path.open("rb") as file:
                head = file.read(HEAD_BYTES).decode("latin-1")
        except OSError:
            return None
    years = set(re.findall(rf"(?<![A-Z0-9_]){pattern}(?![A-Z0-9_])", head, re.IGNORECASE))
    return f"{CENTURY}{years.pop()}" if len(years) == 1 else None
