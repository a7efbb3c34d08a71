"""Establishments that closed: taken out of the supply, kept visible, with since when and who says so."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from observatory.store import tables as t
from observatory.store.statements import statement

if TYPE_CHECKING:
    import pandas as pd

CLOSING: Final = ("insee_sirene_ess", "recherche_entreprises")
"""Sources that say which establishments are closed; what they look for depends on what the database holds."""

TABLE: Final = "closures"
"""Name, among what a file becomes, of what it says of the establishments known before."""


def known_sirets(connection: sa.Connection, *, source_id: str | None = None, but: str | None = None) -> set[str]:
    """Return the SIRET of the records of one source, of all but one, or of all; those said closed included."""
    record = t.StructureRecord
    of_records = sa.select(record.siret).where(
        record.siret.is_not(None),
        sa.true() if source_id is None else record.source_id == source_id,
        sa.true() if but is None else record.source_id != but,
    )
    found = {str(siret) for siret in connection.execute(of_records).scalars()}
    if source_id is None and but is None:
        found |= set(connection.execute(sa.select(t.Closure.siret)).scalars())
    return found


def fingerprint(connection: sa.Connection, source_id: str, checksum: str) -> str:
    """Return what a load depends on: the file, and for a source that closes, the SIRET of the other sources too."""
    if source_id not in CLOSING:
        return checksum
    others = "".join(sorted(known_sirets(connection, but=source_id)))
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
