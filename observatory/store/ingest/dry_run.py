"""What an ingest would do: all of it is done, constraints included, in a transaction that is rolled back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from observatory.declared import catalogue
from observatory.errors import ObservatoryError
from observatory.sources.table_declarations import OF_SNAPSHOT, Table
from observatory.store.engine import plain_errors
from observatory.store.ingest import file_ingest, snapshot_load, table_sql
from observatory.store.ingest.snapshot_load import SourceReport
from observatory.store.ingest.stage import Progress


@dataclass(frozen=True)
class Check:
    """What a source's file, or its part of the snapshot, would change. ``account`` is None where nothing was read."""

    source_id: str
    origin: str
    """French: where it was read from."""
    account: SourceReport | None
    added_count: int = 0
    removed_count: int = 0
    changed_count: int = 0
    problem: str | None = None
    """French sentence: why it couldn't be checked, or what is wrong with it."""

    @property
    def is_same(self) -> bool:
        """Whether loading it would change nothing."""
        return self.problem is None and not (self.added_count or self.removed_count or self.changed_count)


def check_file(engine: sa.Engine, source_id: str, path: Path, *, origin: str, progress: Progress) -> Check:
    """Read, check and compare the file of a source with what is loaded; nothing is written.

    Raises
    ------
    UsageError
        If no reader is known for this source.
    InputFileError
        If the file isn't what the source publishes, or contradicts what is loaded.
    NotComputedError
        If the territories aren't loaded yet.
    """
    source = file_ingest.source_of(source_id)
    with file_ingest.refusals(path), _forgotten(engine, progress) as connection:
        progress(f"Lecture de {path.name}", 0, 2)
        found = file_ingest.staged(connection, source, path, accepts_fewer=False)
        batch = found.batch
        progress("Comparaison avec ce qui est chargé", 1, 2)
        counts = _differences(connection, found.filled)
        file_ingest.load_staged(connection, source_id, found, {"file_name": path.name, "checksum": "essai"})
        connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
    account = SourceReport(
        source_id=source_id,
        title=catalogue.source(source_id).title,
        rows_read=batch.read_count,
        rows_kept=batch.kept_count,
        rows_rejected=batch.rejected_count,
        rows_duplicate=batch.duplicate_count,
        rows_outside=batch.outside_count,
        cells_rejected=batch.rejected_cell_count,
        rows_repaired=batch.repaired_count,
    )
    added, removed, changed = (sum(one[rank] for one in counts.values()) for rank in range(3))
    return Check(source_id, origin, account, added, removed, changed)


def check_snapshot(engine: sa.Engine, *, progress: Progress, directory: Path | None = None) -> dict[str, Check]:
    """Check the whole snapshot and compare it with what is loaded, source by source; nothing is written.

    Raises
    ------
    InputFileError
        If a file of the snapshot is absent, unreadable or fails a check.
    """
    with plain_errors(), _forgotten(engine, progress) as connection:
        accounts = snapshot_load.stage_snapshot(connection, directory, progress)
        counts = _differences(connection, OF_SNAPSHOT)
    titles = {one.source_id: one.title for one in catalogue.sources()}
    return {
        source_id: Check(
            source_id,
            "instantané",
            SourceReport(source_id=source_id, title=titles.get(source_id, source_id), **accounts[source_id])
            if source_id in accounts
            else None,
            *counts.get(source_id, (0, 0, 0)),
        )
        for source_id in {*counts, *accounts}
    }


def failed(source_id: str, origin: str, error: ObservatoryError) -> Check:
    """Return the check of a source that couldn't be read."""
    return Check(source_id, origin, None, problem=str(error))


@contextmanager
def _forgotten(engine: sa.Engine, tell: Progress) -> Iterator[sa.Connection]:
    """Give a connection, at its turn, whose every change is undone at the end."""
    with engine.connect() as connection:
        transaction = connection.begin()
        try:
            snapshot_load.take_turn(connection, tell)
            yield connection
        finally:
            transaction.rollback()


def _differences(connection: sa.Connection, tables: Iterable[Table]) -> dict[str, tuple[int, int, int]]:
    """Return what is added, withdrawn and changed by source, in the staged tables that are compared."""
    found: dict[str, tuple[int, int, int]] = {}
    for table in tables:
        if table.differs is None:
            continue
        for row in connection.execute(sa.text(table_sql.differences(table))):
            added, removed, changed = found.get(row.source_id, (0, 0, 0))
            found[row.source_id] = (
                added + row.added_count,
                removed + row.removed_count,
                changed + row.changed_count,
            )
    return found
