"""Write what has been worked out: runs and their rows, by COPY; a run is stored once, whoever asks first."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

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


def make_default(connection: Connection, run_hash: str, *, kind: str, defi: str | None, service: str | None) -> None:
    """Make a run the one that pages and tiles show, in place of any other of the same kind, défi and service."""
    same = sa.and_(Run.kind == kind, Run.defi.is_not_distinct_from(defi), Run.service.is_not_distinct_from(service))
    connection.execute(
        sa.update(Run)
        .where(same, Run.is_default != (Run.run_hash == run_hash))
        .values(is_default=Run.run_hash == run_hash)
    )


def copy_rows(connection: Connection, table: type[Any], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Append rows to a result table by COPY, inside the caller's transaction; return how many.

    Parameters
    ----------
    table
        A mapped class of ``store.tables``.
    columns
        Its columns, in the order of each row.
    rows
        Values; NaN and pandas' NA become NULL, mappings become JSON.
    """
    names = ", ".join(f'"{column}"' for column in columns)
    statement = f'COPY "{SCHEMA}"."{table.__tablename__}" ({names}) FROM STDIN'
    count = 0
    driver = connection.connection.driver_connection
    if driver is None:
        raise RuntimeError("the connection has no driver")
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([_cell(value) for value in row])
            count += 1
    return count


def _cell(value: Any) -> Any:  # noqa: ANN401  (any value of a frame)
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    if value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value.item() if hasattr(value, "item") else value
