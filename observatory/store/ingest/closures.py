"""Establishments that closed: taken out of the supply, kept visible, with since when and who says so."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from observatory.sources.registry import CLOSURES, Source
from observatory.store import tables as t
from observatory.store.statements import statement

if TYPE_CHECKING:
    import pandas as pd


def sirets_by_source(connection: sa.Connection) -> dict[str, set[str]]:
    """Return the SIRET of the records of each source."""
    record = t.StructureRecord
    found: dict[str, set[str]] = {}
    for source_id, siret in connection.execute(
        sa.select(record.source_id, record.siret).where(record.siret.is_not(None)).distinct()
    ):
        found.setdefault(source_id, set()).add(str(siret))
    return found


def closed_sirets(connection: sa.Connection) -> set[str]:
    """Return the SIRET of the establishments that a register said closed."""
    return set(connection.execute(sa.select(t.Closure.siret)).scalars())


def fingerprint(connection: sa.Connection, source: Source, checksum: str) -> str:
    """Return what a load depends on: the file, and for a source that closes, the SIRET of the other sources too."""
    if CLOSURES not in source.fills:
        return checksum
    known = sirets_by_source(connection)
    others = "".join(sorted({siret for name, own in known.items() if name != source.source_id for siret in own}))
    return hashlib.sha256(f"{checksum}{others}".encode()).hexdigest()


def write(connection: sa.Connection, source_id: str, file_name: str, states: pd.DataFrame) -> None:
    """Record what a source says of the establishments known before: ``siret, is_closed, closed_date``."""
    if states.empty:
        return
    seen = sa.literal(sorted(states["siret"]), ARRAY(sa.String))
    connection.execute(sa.delete(t.Closure).where(t.Closure.siret == sa.func.any(seen)))
    closed = states[states["is_closed"]]
    rows = [
        {"siret": siret, "closed_date": date, "source_id": source_id, "file_name": file_name}
        for siret, date in zip(closed["siret"], closed["closed_date"], strict=True)
    ]
    if rows:
        connection.execute(sa.insert(t.Closure), rows)


def closed(connection: sa.Connection) -> list[dict[str, Any]]:
    """Return the structures of the database that a register says closed: which, since when, who says so."""
    return [dict(row) for row in connection.execute(statement("170_closed")).mappings()]
