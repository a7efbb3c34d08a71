"""The catalogue of sources: what was loaded, how old, how complete; and the rows that were rejected."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa

from observatory.store.read.rows import bounded, bounded_offset
from observatory.store.statements import statement
from observatory.store.tables import IngestRun, RejectedRow


def sources(connection: sa.Connection) -> list[dict[str, Any]]:
    """Return the catalogue, in order of ``source_id``.

    Returns
    -------
    list of dict
        ``source_id, title, producer, licence, url, vintage, published_date, rhythm, coverage, expected_count,
        expected_note, row_count`` (territories and records that the source informs), ``completeness_share``
        (``row_count / expected_count``, None where nothing is expected), ``checksum``, and the counts of the last load:
        ``rows_read, rows_kept, rows_rejected, rows_duplicate, rows_outside, cells_rejected, rows_repaired``
        (outlines made valid and points put back in order; None where nobody counted them), and its moments ``loaded_at,
        fetched_at``; None for a source that isn't loaded.
    """
    return [dict(row) for row in connection.execute(statement("120_sources")).mappings()]


def age_days(published_date: str | None, today: date) -> int | None:
    """Return the age in days of ``"2024"``, ``"2024-07"`` or ``"2024-07-10"``, counted from the period's first day."""
    if published_date is None:
        return None
    parts = published_date.split("-")
    try:
        published = date(*(int(part) for part in [*parts, "1", "1"][:3]))
    except ValueError:
        return None
    return (today - published).days


def rejected_count(connection: sa.Connection, source_id: str | None = None) -> int:
    """Return how many rows and figures each source's last load rejected, in all."""
    run = IngestRun
    last = sa.select(sa.func.max(run.run_id)).where(run.status == "loaded").group_by(run.source_id)
    if source_id is not None:
        last = last.where(run.source_id == source_id)
    query = sa.select(sa.func.count()).select_from(RejectedRow).where(RejectedRow.run_id.in_(last))
    return int(connection.execute(query).scalar_one())


def rejected(
    connection: sa.Connection, source_id: str | None = None, *, limit: int | None = None, offset: int = 0
) -> list[dict[str, Any]]:
    """Return what each source's last load rejected: ``source_id, file_name, line, scope, reason, content``."""
    last = (
        sa.select(IngestRun.source_id, sa.func.max(IngestRun.run_id).label("run_id"))
        .where(IngestRun.status == "loaded")
        .group_by(IngestRun.source_id)
        .subquery()
    )
    query = (
        sa.select(
            last.c.source_id,
            RejectedRow.file_name,
            RejectedRow.line,
            RejectedRow.scope,
            RejectedRow.reason,
            RejectedRow.content,
        )
        .join(last, last.c.run_id == RejectedRow.run_id)
        .order_by(last.c.source_id, RejectedRow.file_name, RejectedRow.line, RejectedRow.rejected_id)
        .limit(bounded(limit))
        .offset(bounded_offset(offset))
    )
    if source_id is not None:
        query = query.where(last.c.source_id == source_id)
    return [dict(row) for row in connection.execute(query).mappings()]
