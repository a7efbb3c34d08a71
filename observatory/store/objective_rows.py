"""Objectives of territories, kept by territory, défi and indicator: set, listed, removed."""

from __future__ import annotations

from dataclasses import asdict, fields

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from observatory.gap.progress import Objective
from observatory.store.tables import Objective as Row

_KEY = ("level", "code", "defi", "indicator")
_COLUMNS = tuple(field.name for field in fields(Objective))


def objectives(connection: Connection, *, level: str | None = None, code: str | None = None) -> list[Objective]:
    """Return the objectives of every territory, or of one, by territory then défi."""
    query = sa.select(*(getattr(Row, name) for name in _COLUMNS))
    if level is not None and code is not None:
        query = query.where(Row.level == level, Row.code == code)
    found = connection.execute(query.order_by(Row.level, Row.code, Row.defi, Row.indicator))
    return [Objective(**row) for row in found.mappings()]


def set_objective(connection: Connection, objective: Objective) -> bool:
    """Keep an objective, in place of the one for the same territory, défi and indicator; return whether it is new."""
    key = sa.and_(*(getattr(Row, name) == getattr(objective, name) for name in _KEY))
    is_new = connection.execute(sa.select(Row.code).where(key)).first() is None
    values = asdict(objective)
    statement = insert(Row).values(**values)
    changed = {name: value for name, value in values.items() if name not in _KEY} | {"updated_at": sa.func.now()}
    connection.execute(statement.on_conflict_do_update(index_elements=list(_KEY), set_=changed))
    return is_new


def remove_objectives(
    connection: Connection, *, level: str, code: str, defi: str | None = None, indicator: str | None = None
) -> int:
    """Remove the objectives of a territory, of one défi or of one indicator only; return how many there were."""
    query = sa.delete(Row).where(Row.level == level, Row.code == code)
    if defi is not None:
        query = query.where(Row.defi == defi)
    if indicator is not None:
        query = query.where(Row.indicator == indicator)
    return int(connection.execute(query).rowcount)
