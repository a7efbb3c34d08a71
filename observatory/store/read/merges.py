"""Structures that several records make, and what users decided of them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from observatory.store.statements import statement
from observatory.store.tables import StructureDecision


def merged(connection: sa.Connection, *, of: str | None = None) -> list[dict[str, Any]]:
    """Return the records of merged structures, the lead of each first.

    Parameters
    ----------
    of
        A structure, one of its records (``source_id:record_id``) or its SIRET: its records only, even if alone.

    Returns
    -------
    list of dict
        ``structure_id, structure_name, record_count, record_key, source_id, source_title, record_id, name, kind,
        siret, address, city, period, place_quality, place_note, rule, score`` (0–100, None where the rule looks at
        neither name nor address) and ``is_lead``.
    """
    return [dict(row) for row in connection.execute(statement("111_merged"), {"of": of}).mappings()]


def decisions(connection: sa.Connection) -> list[dict[str, Any]]:
    """Return what users decided: ``first, second, is_same, reason, decided_at``, the latest first."""
    rows = connection.execute(sa.select(StructureDecision).order_by(StructureDecision.decided_at.desc(), "first"))
    return [dict(row) for row in rows.mappings()]
