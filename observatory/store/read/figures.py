"""Figures and zonings as long frames, each row with its status and source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from observatory.store.read.rows import frame
from observatory.store.read.search import require_level
from observatory.store.statements import statement
from observatory.store.tables import IndicatorValue, Zoning

if TYPE_CHECKING:
    import pandas as pd


def values(
    connection: sa.Connection,
    level: str,
    indicators: Sequence[str] | None = None,
    periods: Sequence[str] | None = None,
    *,
    codes: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return figures of a level, for some or all indicators, periods and codes.

    Returns
    -------
    pandas.DataFrame
        ``code, indicator, period, value, status, source_id``; ``value`` is NaN where the status is ``missing`` or
        ``suppressed``. Its unit is the indicator's.

    Raises
    ------
    UsageError
        If the level is unknown.
    """
    require_level(level)
    table = IndicatorValue
    query = sa.select(table.code, table.indicator, table.period, table.value, table.status, table.source_id).where(
        table.level == level
    )
    for column, wanted in ((table.indicator, indicators), (table.period, periods), (table.code, codes)):
        if wanted is not None:
            query = query.where(column.in_(list(wanted)))
    found = frame(connection, query.order_by(table.code, table.indicator, table.period))
    return found.astype({"value": float})


def latest_values(
    connection: sa.Connection, indicators: Sequence[str], levels: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return the figures of the last period known for each indicator and level; that period is the same for all.

    Returns
    -------
    pandas.DataFrame
        ``level, code, indicator, period, value, status, source_id``, the missing included.
    """
    parameters = {"indicators": list(indicators), "levels": None if levels is None else list(levels)}
    return frame(connection, statement("130_latest_values"), parameters).astype({"value": float})


def zonings(connection: sa.Connection, level: str = "commune", zoning: str | None = None) -> pd.DataFrame:
    """Return the classes of a level: ``code, zoning, value_code, value_label, vintage, source_id``."""
    require_level(level)
    table = Zoning
    query = sa.select(
        table.code, table.zoning, table.value_code, table.value_label, table.vintage, table.source_id
    ).where(table.level == level)
    if zoning is not None:
        query = query.where(table.zoning == zoning)
    return frame(connection, query.order_by(table.code, table.zoning))
