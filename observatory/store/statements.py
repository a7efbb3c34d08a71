"""The SQL of the project that is longer than ten lines, read from the numbered files of ``observatory/store/sql``."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import sqlalchemy as sa

DIRECTORY: Final = Path(__file__).resolve().parent / "sql"


@cache
def sql(name: str) -> str:
    """Return the text of ``sql/<name>.sql``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    return (DIRECTORY / f"{name}.sql").read_text(encoding="utf-8")


@cache
def statement(name: str) -> sa.TextClause:
    """Return ``sql/<name>.sql`` as a statement with ``:name`` bind parameters."""
    return sa.text(sql(name))
