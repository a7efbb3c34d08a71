"""Figures in time: what is known at several periods of a territory, of its communes, of the zones around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from observatory.store.read.rows import frame
from observatory.store.read.search import require_territory
from observatory.store.statements import statement

if TYPE_CHECKING:
    import pandas as pd
    import sqlalchemy as sa


def series_frame(connection: sa.Connection, level: str, code: str) -> pd.DataFrame:
    """Return every figure known at several periods.

    Returns
    -------
    pandas.DataFrame
        ``basis`` (``own``: the territory's; ``communes``: one of its communes; ``around``: a zone d'emploi or a
        département that holds one of them), ``level, code, name`` of the place, ``indicator, label, unit, period,
        value, status, source_id``.

    Raises
    ------
    UnknownTerritoryError
        If no territory of that level bears the code.
    """
    require_territory(connection, level, code)
    found = frame(connection, statement("180_series"), {"level": level, "code": code})
    return found.astype({"value": float})
