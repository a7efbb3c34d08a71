"""Write what has been worked out: runs and their rows, by COPY; a run is stored once, whoever asks first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import JSONB, insert

from observatory.store.tables import SCHEMA, Run


@dataclass(frozen=True)
class StoredRun:
    """A run as it is stored."""

    run_hash: str
    parameters: dict[str, Any]
    source_ids: list[str]
    is_default: bool


def find_run(connection: Connection, run_hash: str) -> StoredRun | None:
    """Return a stored run, or None."""
    row = connection.execute(
        sa.select(Run.run_hash, Run.parameters, Run.source_ids, Run.is_default).where(Run.run_hash == run_hash)
    ).one_or_none()
    return None if row is None else StoredRun(row.run_hash, row.parameters, list(row.source_ids), row.is_default)


def lock_run(connection: Connection, run_hash: str) -> None:
    """Wait until no other transaction is working the same run out; released at the end of the transaction."""
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": run_hash})


def store_run(
    connection: Connection,
    *,
    run_hash: str,
    kind: str,
    defi: str | None,
    service: str | None,
    parameters: Mapping[str, Any],
    inputs: Mapping[str, Any],
    source_ids: Sequence[str],
) -> None:
    """Store what a run is; its rows follow. The caller holds the run's lock."""
    connection.execute(
        insert(Run).values(
            run_hash=run_hash,
            kind=kind,
            defi=defi,
            service=service,
            is_default=False,
            parameters=dict(parameters),
            inputs=dict(inputs),
            source_ids=sorted(source_ids),
        )
    )


def make_default(
    connection: Connection, run_hash: str | None, *, kind: str, defi: str | None, service: str | None
) -> None:
    """Make a run the one that pages show for its kind, défi and service, in place of any other; None: no run is."""
    same = sa.and_(Run.kind == kind, Run.defi.is_not_distinct_from(defi), Run.service.is_not_distinct_from(service))
    connection.execute(
        sa.update(Run)
        .where(same, Run.is_default != (Run.run_hash == run_hash))
        .values(is_default=Run.run_hash == run_hash)
    )


def copy_frame(connection: Connection, table: type[Any], frame: pd.DataFrame) -> None:
    """Append a frame to a result table by COPY, inside the caller's transaction.

    Parameters
    ----------
    table
        A mapped class of ``store.tables``.
    frame
        Its columns bear the names of the table's; the index is left out. Missing values become NULL, mappings JSON.
    """
    names = ", ".join(f'"{column}"' for column in frame.columns)
    statement = f'COPY "{SCHEMA}"."{table.__tablename__}" ({names}) FROM STDIN (FORMAT csv)'
    kinds = table.__table__.columns
    is_json = [column for column in frame.columns if isinstance(kinds[column].type, JSONB)]
    written = frame.assign(**{column: frame[column].map(_json) for column in is_json})
    driver = connection.connection.driver_connection
    if driver is None:
        raise RuntimeError("the connection has no driver")
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(written.to_csv(index=False, header=False))


def _json(value: Mapping[str, Any] | Sequence[Any]) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
