"""Run a statement and hand its rows over as dictionaries or as a frame, within bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from observatory.errors import UsageError
from observatory.store.statements import sql

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS: Final = 10_000
"""No list is longer than this (observatory's convention; the longest complete one is the 5,835 communes)."""


def page(
    connection: sa.Connection, name: str, parameters: Mapping[str, Any], *, limit: int | None, offset: int
) -> list[dict[str, Any]]:
    """Return a page of the rows of ``sql/<name>.sql``, which has its own order.

    Raises
    ------
    UsageError
        If ``limit`` or ``offset`` is negative.
    """
    statement = sa.text(f"{sql(name)}\nLIMIT :limit OFFSET :offset")
    bounds = {"limit": bounded(limit), "offset": bounded_offset(offset)}
    return [dict(row) for row in connection.execute(statement, {**parameters, **bounds}).mappings()]


def count(connection: sa.Connection, name: str, parameters: Mapping[str, Any]) -> int:
    """Return the number of rows of ``sql/<name>.sql``."""
    statement = sa.text(f"SELECT count(*) FROM (\n{sql(name)}\n) AS listed")  # noqa: S608 (the text is our own file)
    return int(connection.execute(statement, parameters).scalar_one())


def frame(connection: sa.Connection, query: sa.Executable, parameters: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """Return the rows of a query as a frame, columns named even when there is no row."""
    import pandas as pd

    result = connection.execute(query, parameters or {})
    return pd.DataFrame.from_records(list(map(tuple, result)), columns=list(result.keys()))


def bounded(limit: int | None) -> int:
    """Return ``limit`` within ``MAX_ROWS``."""
    if limit is None:
        return MAX_ROWS
    if limit < 0:
        raise UsageError(f"La limite doit être un nombre entre 0 et {MAX_ROWS}.")
    return min(limit, MAX_ROWS)


def bounded_offset(offset: int) -> int:
    """Return ``offset`` if it is one."""
    if offset < 0:
        raise UsageError("Le décalage ne peut pas être négatif.")
    return offset
