"""Load one source from a file of its producer: read, normalise, check, and replace that source's figures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy as sa
from psycopg import errors as pg
from sqlalchemy.dialects.postgresql import insert

from observatory.declared import catalogue
from observatory.declared.region import home_region
from observatory.errors import DatabaseUnavailableError, InputFileError, NotComputedError, UsageError
from observatory.sources import registry
from observatory.sources.fetch import archive
from observatory.sources.registry import CLOSURES, Source, Tables
from observatory.sources.table_declarations import STRUCTURES, Table
from observatory.store import refusal
from observatory.store import tables as t
from observatory.store.engine import plain_errors
from observatory.store.ingest import closures, declare, resolution, snapshot_load, table_sql
from observatory.store.ingest.context import Known
from observatory.store.ingest.file_check import require_as_much, require_few_lost, stage_tables
from observatory.store.ingest.stage import Progress, raw_connection
from observatory.store.statements import statement

if TYPE_CHECKING:
    from observatory.sources.batch import Batch


def ingest_file(
    engine: sa.Engine,
    source_id: str,
    path: Path,
    *,
    progress: Progress | None = None,
    accepts_fewer: bool = False,
    origin: str | None = None,
    fetched_at: datetime | None = None,
) -> tuple[str, tuple[snapshot_load.SourceReport, ...]]:
    """Replace the figures of one source by those of ``path``, all or nothing; the same file again changes nothing.

    Parameters
    ----------
    source_id
        Source of the catalogue.
    path
        File, as its producer publishes it.
    progress
        Called with a French label, what is done, and what there is to do.
    accepts_fewer
        Load a file even if it says much less than what is loaded, as a truncated one would.
    origin
        Where the file was fetched, if it was.
    fetched_at
        When it was; the same file fetched again only makes the loaded one as recent.

    Returns
    -------
    tuple
        ``"loaded"`` or ``"unchanged"``, and the counts of the source.

    Raises
    ------
    UsageError
        If no reader is known for this source.
    InputFileError
        If the file is absent, isn't what the source publishes, or contradicts what is loaded.
    NotComputedError
        If the territories aren't loaded yet.
    """
    source = source_of(source_id)
    with refusals(path):
        return _ingest(
            engine,
            source,
            path,
            progress or snapshot_load.silent,
            accepts_fewer=accepts_fewer,
            origin=origin,
            fetched_at=fetched_at,
        )


def source_of(source_id: str) -> Source:
    """Return how the file of a source is read.

    Raises
    ------
    UsageError
        If only the snapshot holds it.
    """
    found = registry.find(source_id)
    if found is not None:
        return found
    if source_id in catalogue.known_names() and not catalogue.source(source_id).in_snapshot:
        raise UsageError(
            f"« {source_id} » ne se charge pas ainsi : elle se remplit par {catalogue.source(source_id).url}."
        )
    raise UsageError(
        f"« {source_id} » ne se charge que par l’instantané : lancez « observatory ingest {source_id} » sans "
        f"--from-file. Se chargent d’un fichier : {', '.join(sorted(registry.with_reader()))}."
    )


@contextmanager
def refusals(path: Path) -> Iterator[None]:
    """Say in French what the database refuses of the file ``path``."""
    try:
        with plain_errors():
            yield
    except pg.LockNotAvailable as error:
        raise DatabaseUnavailableError(
            "Une autre opération occupe les tables : attendez sa fin, puis relancez « observatory ingest »."
        ) from error
    except (psycopg.DataError, psycopg.IntegrityError, sa.exc.DataError, sa.exc.IntegrityError) as error:
        raise InputFileError(
            f"« {path.name} », {refusal.place(error)} : {refusal.reason(error)}. Les données en place restent : "
            "corrigez cette ligne, ou vérifiez que c’est bien le fichier de la source."
        ) from error


def read(connection: sa.Connection, source: Source, path: Path) -> tuple[Batch, Tables]:
    """Read a file, or the entry of the archive that holds it, against the territories of the database.

    Raises
    ------
    InputFileError
        If the file isn't what the source publishes.
    NotComputedError
        If the territories aren't loaded yet.
    """
    known = Known(connection)
    if not known.communes:
        raise NotComputedError("La base ne contient aucun territoire : lancez d’abord « observatory ingest ».")
    declared = source.source_id in catalogue.known_names()
    live = catalogue.source(source.source_id).live if declared else None
    if live is None or live.entry is None or not archive.is_archive(path):
        batch, tables = source.load(path, known)
    else:
        with TemporaryDirectory() as name:
            batch, tables = source.load(archive.unpack(path, live.entry, Path(name)), known)
    if not batch.kept_count and batch.rejected_count:
        reason = batch.rejected["reason"].mode()[0]
        raise InputFileError(
            f"Aucune ligne de « {path.name} » n’a été gardée : {batch.rejected_count} rejetées (le plus souvent : "
            f"{reason}), {batch.outside_count} hors périmètre. Rien n’est changé."
        )
    if not batch.kept_count and batch.outside_count:
        raise InputFileError(
            f"« {path.name} » ne parle pas de {home_region().names.definite} ni de ses abords : {batch.outside_count} "
            "lignes hors périmètre, aucune gardée. Rien n’est changé."
        )
    return batch, tables


def _forget_rivals(connection: sa.Connection, source_id: str, tables: Tables) -> None:
    """Forget that the other sources of what was just replaced are loaded: their files are to be read again."""
    rivals = [file_marker(one) for one in registry.undone_by(source_id, tables)]
    connection.execute(sa.delete(t.SnapshotFile).where(t.SnapshotFile.file_name.in_(rivals)))


def declare_new(connection: sa.Connection, source_id: str) -> None:
    """Declare what a catalogue newer than the loaded snapshot says of a source and its indicators."""
    if source_id in catalogue.known_names():
        declare.declare(connection, None)


def _ingest(
    engine: sa.Engine,
    source: Source,
    path: Path,
    tell: Progress,
    *,
    accepts_fewer: bool,
    origin: str | None,
    fetched_at: datetime | None,
) -> tuple[str, tuple[snapshot_load.SourceReport, ...]]:
    source_id, checksum = source.source_id, _checksum(path)
    marker = file_marker(source_id)
    with engine.begin() as connection:
        snapshot_load.take_turn(connection, tell)
        checksum = closures.fingerprint(connection, source, checksum)
        stored = connection.execute(
            sa.select(t.SnapshotFile.checksum).where(t.SnapshotFile.file_name == marker)
        ).scalar()
        if stored == checksum:
            _seen_again(connection, source_id, fetched_at)
            return "unchanged", snapshot_load.report(connection, [source_id])
        tell(f"Lecture de {path.name}", 0, 3)
        found = staged(connection, source, path, accepts_fewer=accepts_fewer)
        tell("Remplacement des données", 2, 3)
        run = {"file_name": path.name, "checksum": checksum, "message": origin, "fetched_at": fetched_at}
        load_staged(connection, source_id, found, run)
        result = snapshot_load.report(connection, [source_id])
    tell("Source chargée", 3, 3)
    return "loaded", result


@dataclass(frozen=True, eq=False)
class Staged:
    """A file that was read, checked and staged."""

    batch: Batch
    tables: Tables
    filled: Sequence[Table]


def staged(connection: sa.Connection, source: Source, path: Path, *, accepts_fewer: bool) -> Staged:
    """Read, check and stage a file.

    Raises
    ------
    InputFileError
        If the file isn't what the source publishes, loses too much, or contradicts what is loaded.
    NotComputedError
        If the territories aren't loaded yet.
    """
    batch, tables = read(connection, source, path)
    if not accepts_fewer:
        require_few_lost(source.source_id, path, batch)
        require_as_much(connection, source.source_id, path, tables)
    declare_new(connection, source.source_id)
    return Staged(batch, tables, stage_tables(connection, path, tables))


def load_staged(connection: sa.Connection, source_id: str, found: Staged, run: dict[str, Any]) -> None:
    """Put what is staged in the place of what is loaded, and record it: a dry run does it too, and undoes it."""
    put_in_place(connection, found.filled)
    if CLOSURES in found.tables:
        closures.write(connection, source_id, found.batch.file_name, found.tables[CLOSURES])
    _forget_rivals(connection, source_id, found.tables)
    mains = [table for table in found.filled if table.is_main]
    _record(connection, found.batch, run, value_count=sum(len(found.tables[main.name]) for main in mains))
    _count(connection, source_id, found.batch, is_list=all(main.only_moves for main in mains))


def put_in_place(connection: sa.Connection, filled: Sequence[Table]) -> None:
    """Put what a file became, staged and checked, in the place of what is loaded of it."""
    raw = raw_connection(connection)
    raw.execute(f"SET LOCAL lock_timeout = '{snapshot_load.LOCK_TIMEOUT_S}s'")
    touched = resolution.staged(connection) if STRUCTURES in filled else None
    for table in filled:
        for query in table_sql.replacement(table) if table.is_main else (table_sql.insert(table),):
            raw.execute(query.encode())
    connection.execute(sa.delete(t.Tile))
    if touched is not None:
        resolution.settle(connection, touched)


def file_marker(source_id: str) -> str:
    """Return the name under which ``snapshot_file`` keeps the checksum of a source that was loaded from a file."""
    return f"{source_id}:file"


def loaded_from_file(connection: sa.Connection) -> set[str]:
    """Return the sources whose figures come from a file of the user, not from the snapshot."""
    names = connection.execute(sa.select(t.SnapshotFile.file_name)).scalars()
    return {name.removesuffix(":file") for name in names if name.endswith(":file")}


def _checksum(path: Path) -> str:
    """Return the SHA-256 of a file, or of the files of a directory, read a block at a time."""
    found = []
    try:
        for one in sorted(path.iterdir()) if path.is_dir() else [path]:
            with one.open("rb") as file:
                found.append(hashlib.file_digest(file, "sha256").hexdigest())
        return hashlib.sha256("".join(sorted(found)).encode()).hexdigest() if path.is_dir() else found[0]
    except OSError as error:
        raise InputFileError(f"« {path} » est introuvable ou illisible : vérifiez le chemin et les droits.") from error


def _count(connection: sa.Connection, source_id: str, batch: Batch, *, is_list: bool) -> None:
    """Say how much a source that was just loaded holds; a file that only moves what others said counts its rows."""
    declared = catalogue.source(source_id) if source_id in catalogue.known_names() else None
    parameters = {"unit": declared.counted if declared else None, "is_list": is_list, "kept_count": batch.kept_count}
    connection.execute(statement("029_count_source"), {"source_id": source_id, **parameters})


def _seen_again(connection: sa.Connection, source_id: str, fetched_at: datetime | None) -> None:
    """Date a source that was fetched again, the same: what is loaded is what its producer gives on that day."""
    if fetched_at is None:
        return
    run = t.IngestRun
    last = sa.select(sa.func.max(run.run_id)).where(run.source_id == source_id, run.status == "loaded")
    newer = sa.or_(run.fetched_at.is_(None), run.fetched_at < fetched_at)
    connection.execute(sa.update(run).where(run.run_id == last.scalar_subquery(), newer).values(fetched_at=fetched_at))


def _record(connection: sa.Connection, batch: Batch, run: dict[str, Any], *, value_count: int) -> None:
    """Write the ingest run, what it rejected, and the checksum that makes the results be worked out again."""
    run_id = connection.execute(
        sa.insert(t.IngestRun).returning(t.IngestRun.run_id),
        {
            **run,
            "source_id": batch.source_id,
            "finished_at": datetime.now(UTC),
            "rows_read": batch.read_count,
            "rows_kept": batch.kept_count,
            "rows_rejected": batch.rejected_count,
            "rows_duplicate": batch.duplicate_count,
            "rows_outside": batch.outside_count,
            "cells_rejected": batch.rejected_cell_count,
            "rows_repaired": batch.repaired_count,
            "status": "loaded",
        },
    ).scalar_one()
    _keep_rejected(connection, batch, run_id, file_name=run["file_name"])
    held = {"checksum": run["checksum"], "row_count": value_count}
    statement_ = insert(t.SnapshotFile).values({"file_name": file_marker(batch.source_id), **held})
    connection.execute(
        statement_.on_conflict_do_update(index_elements=["file_name"], set_={**held, "loaded_at": sa.func.now()})
    )


def _keep_rejected(connection: sa.Connection, batch: Batch, run_id: int, *, file_name: str) -> None:
    """Copy what a run rejected: a file may have a million rows to reject."""
    columns = [batch.rejected[name] for name in ("line", "scope", "reason", "content")]
    copy = "COPY observatory.rejected_row (run_id, file_name, line, scope, reason, content) FROM STDIN"
    with raw_connection(connection).cursor() as cursor, cursor.copy(copy) as rows:
        for line, scope, reason, content in zip(*columns, strict=True):
            at = None if line is None or line != line else int(line)  # noqa: PLR0124 - NaN is not itself
            rows.write_row((run_id, file_name, at, str(scope), str(reason), str(content)))
