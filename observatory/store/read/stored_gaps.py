"""Stored gap analyses: the run and its rows, the same for every channel."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from observatory.errors import NotComputedError
from observatory.store.read.rows import bounded, bounded_offset
from observatory.store.read.search import require_level, territory_level
from observatory.store.read.territory_rows import descendants
from observatory.store.tables import GapResult, NeedResult, Run

_LEFT_OUT: Final = {"run_hash"}


def run(connection: sa.Connection, run_hash: str) -> dict[str, Any]:
    """Return what a run is: ``run_hash, kind, defi, service, is_default, parameters, inputs, source_ids, created_at``.

    Raises
    ------
    NotComputedError
        If the run isn't stored.
    """
    row = connection.execute(sa.select(*Run.__table__.columns).where(Run.run_hash == run_hash)).mappings().first()
    if row is None:
        raise NotComputedError(
            f"Le calcul « {run_hash} » n’est pas dans la base : relancez-le avec « observatory compute »."
        )
    return dict(row)


def gap_rows(
    connection: sa.Connection,
    run_hash: str,
    level: str,
    *,
    territory: str | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[dict[str, Any]]:
    """Return the rows of a gap analysis at a level, the highest priority first, then by code.

    Parameters
    ----------
    territory
        Code of a territory: the rows of what it holds at that level, its own row, or those of what holds it.

    Returns
    -------
    list of dict
        The contract's columns, in its order.

    Raises
    ------
    UsageError
        If the level is unknown.
    UnknownTerritoryError
        If no territory bears the code.
    """
    columns = [column for column in GapResult.__table__.columns if column.name not in _LEFT_OUT]
    query = (
        _selected(connection, run_hash, level, territory, sa.select(*columns))
        .order_by(GapResult.priority_score.desc().nulls_last(), GapResult.code)
        .limit(bounded(limit))
        .offset(bounded_offset(offset))
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def need_components(connection: sa.Connection, run_hash: str, level: str) -> dict[str, dict[str, dict[str, Any]]]:
    """Return, by code, the indicators that the need of each territory of a level comes from, in a stored run."""
    query = sa.select(NeedResult.code, NeedResult.components)
    query = query.where(NeedResult.run_hash == run_hash, NeedResult.level == level)
    return {row.code: row.components for row in connection.execute(query)}


def gap_row_count(connection: sa.Connection, run_hash: str, level: str, *, territory: str | None = None) -> int:
    """Return how many rows :func:`gap_rows` would list without a limit."""
    query = sa.select(sa.func.count()).select_from(GapResult)
    return int(connection.execute(_selected(connection, run_hash, level, territory, query)).scalar_one())


def _selected(
    connection: sa.Connection, run_hash: str, level: str, territory: str | None, query: sa.Select[Any]
) -> sa.Select[Any]:
    require_level(level)
    query = query.where(GapResult.run_hash == run_hash, GapResult.level == level)
    if territory is None:
        return query
    code = territory.strip().upper()
    return query.where(GapResult.code.in_(descendants(connection, territory_level(connection, code), code, level)))
