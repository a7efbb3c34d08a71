"""Load the snapshot into PostGIS: stage, check, swap in one transaction; nothing is done when nothing has changed."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from psycopg import errors as pg
from sqlalchemy.schema import AddConstraint, CreateIndex, DropConstraint, DropIndex

import geodata
from observatory.declared import catalogue
from observatory.errors import DatabaseUnavailableError, InputFileError
from observatory.sources.table_declarations import OF_SNAPSHOT, SNAPSHOT
from observatory.store import tables as t
from observatory.store.directory.directory_store import FILE as DIRECTORY
from observatory.store.directory.directory_store import put_back
from observatory.store.engine import plain_errors
from observatory.store.entered_files import project
from observatory.store.ingest import declare, file_check, resolution, stage, table_sql
from observatory.store.ingest.stage import Progress, raw_connection
from observatory.store.migrate import LOCK_KEY, migrate
from observatory.store.statements import sql, statement

__all__ = ["LoadReport", "SourceReport", "load_snapshot", "migrate", "report"]

LOCK_TIMEOUT_S: Final = 15
"""How long the swap waits for a table that somebody holds (observatory's convention)."""
PROBLEMS_SHOWN: Final = 5
READ_MOST: Final = (
    "territory",
    "territory_link",
    "territory_commune",
    "indicator_value",
    "zoning",
    "structure",
    "structure_service",
)
LARGEST: Final = (t.IndicatorValue, t.Zoning, t.TerritoryLink)
CHECKS: Final = ("012_check_figures", "013_check_geometry")
"""What a snapshot must also be: whole, and measurable."""


@dataclass(frozen=True)
class SourceReport:
    """Rows of one source: read = kept + rejected + duplicate + outside the region and its border."""

    source_id: str
    title: str
    rows_read: int
    rows_kept: int
    rows_rejected: int
    rows_duplicate: int
    rows_outside: int
    cells_rejected: int
    rows_repaired: int | None = None
    """Among those kept; None where nobody counted them (the snapshot)."""


@dataclass(frozen=True)
class LoadReport:
    """What a load did: ``status`` is ``"loaded"`` or ``"unchanged"``; ``rows`` counts the rows of each file."""

    status: str
    rows: Mapping[str, int]
    sources: tuple[SourceReport, ...]
    elapsed_s: float


def load_snapshot(
    engine: sa.Engine,
    directory: Path | None = None,
    progress: Progress | None = None,
    *,
    declarations: Path | None = None,
    force: bool = False,
) -> LoadReport:
    """Replace the reference data by the snapshot in ``directory``, all or nothing.

    A second load of the same files does nothing. Two loads at once: the second waits for the first. Whatever fails
    leaves the former data in place. Results that were computed stay, since they are named by the hash of their inputs.

    Parameters
    ----------
    directory
        Holds the Parquet files; None: the snapshot in use.
    progress
        Called with a French label, what is done, and what there is to do.
    declarations
        Directory of ``catalog.toml`` and ``fields.toml``; the parent of ``directory`` unless given, or those in use.
    force
        Load even when the files haven't changed.

    Raises
    ------
    InputFileError
        If a file is absent, unreadable or fails a check.
    DatabaseUnavailableError
        If PostGIS doesn't answer, or if somebody holds the tables.
    """
    started = time.perf_counter()
    declarations = declarations or (directory.parent if directory else None)
    directory = directory or geodata.snapshot()
    tell = progress or silent
    checksums = _checksums(directory, declarations)
    try:
        with plain_errors(), engine.begin() as connection:
            take_turn(connection, tell)
            if not force and _loaded(connection, checksums) == checksums:
                return _report(connection, "unchanged", started)
            rows = _stage(connection, directory, declarations, tell)
            _check(connection, rows, tell)
            _swap(connection, declarations, checksums, rows, tell)
            result = _report(connection, "loaded", started)
    except pg.LockNotAvailable as error:
        raise DatabaseUnavailableError(
            "Une autre opération occupe les tables : attendez sa fin, puis relancez « observatory ingest »."
        ) from error
    _vacuum(engine, tell)
    return result


def stage_snapshot(connection: sa.Connection, directory: Path | None, tell: Progress) -> dict[str, dict[str, int]]:
    """Stage and check the snapshot, and return the account of each source's rows; the caller rolls back.

    Raises
    ------
    InputFileError
        If a file is absent, unreadable or fails a check.
    """
    declarations = directory.parent if directory else None
    _check(connection, _stage(connection, directory or geodata.snapshot(), declarations, tell), tell)
    rows = connection.execute(statement("021_source_rows")).mappings()
    counted = ("rows_read", "rows_kept", "rows_rejected", "rows_duplicate", "rows_outside", "cells_rejected")
    return {row["source_id"]: {name: int(row[name]) for name in counted} for row in rows}


def report(connection: sa.Connection, sources: Iterable[str] | None = None) -> tuple[SourceReport, ...]:
    """Return the counts of the last load, by source (or for ``sources`` only)."""
    found = connection.execute(statement("023_last_runs")).mappings()
    wanted = None if sources is None else set(sources)
    return tuple(SourceReport(**row) for row in found if wanted is None or row["source_id"] in wanted)


def silent(_label: str, _done: int, _total: int) -> None:
    """Tell nobody (a :data:`~observatory.store.ingest.stage.Progress`)."""


def _checksums(directory: Path, declarations: Path | None) -> dict[str, str]:
    """Return the SHA-256 of every file that a load reads."""
    paths = [geodata.path(name, declarations) for name in (catalogue.CATALOG, catalogue.FIELDS)]
    paths += [path for path in [geodata.path(DIRECTORY, declarations)] if path.exists()]
    for file in SNAPSHOT:
        path = directory / file.file_name
        if path.exists():
            paths.append(path)
        elif file.is_required:
            raise InputFileError(
                f"L’instantané est incomplet : il manque « {file.file_name} ». Réinstallez l’observatoire, ou refaites "
                "l’instantané avec « observatory snapshot build »."
            )
    try:
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    except OSError as error:
        raise InputFileError(f"« {Path(str(error.filename)).name} » est illisible : vérifiez ses droits.") from error


def _loaded(connection: sa.Connection, names: Iterable[str]) -> dict[str, str]:
    """Return the checksums under which ``names`` were loaded; a source loaded since from a file is left as it is."""
    query = sa.select(t.SnapshotFile.file_name, t.SnapshotFile.checksum).where(
        t.SnapshotFile.file_name.in_(list(names))
    )
    return {row.file_name: row.checksum for row in connection.execute(query)}


def take_turn(connection: sa.Connection, tell: Progress) -> None:
    """Take the lock of whoever changes the reference data; say who has it when that means waiting."""
    name = f"observatory ingest ({getpass.getuser()}, processus {os.getpid()})"
    connection.execute(sa.select(sa.func.set_config("application_name", name[:63], sa.true())))
    if connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(LOCK_KEY))).scalar():
        return
    holder = connection.execute(statement("001_lock_holder"), {"key": LOCK_KEY}).first()
    who = "une autre mise à jour" if holder is None else f"« {holder.name} », commencé à {holder.since:%H:%M:%S}"
    tell(f"En attente de {who}", 0, 0)
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK_KEY)))


def _stage(connection: sa.Connection, directory: Path, declarations: Path | None, tell: Progress) -> dict[str, int]:
    """Copy every file into its temporary table; return the rows of each file by its name."""
    declare.declare(connection, declarations)
    raw = raw_connection(connection)
    rows = {}
    for position, file in enumerate(SNAPSHOT):
        tell(f"Lecture de {file.file_name}", position, len(SNAPSHOT))
        stage.create(raw, file)
        path = directory / file.file_name
        if not path.exists():
            continue
        table = stage.read_table(path, file.columns)
        rows[file.file_name] = stage.copy(raw, file, table)
        if rows[file.file_name] != table.num_rows or (file.is_required and not table.num_rows):
            raise InputFileError(
                f"« {file.file_name} » a {table.num_rows} lignes et {rows[file.file_name]} ont été lues : refaites "
                "l’instantané avec « observatory snapshot build »."
            )
        connection.exec_driver_sql(f"ANALYZE {file.stage}")
    return rows


def _check(connection: sa.Connection, rows: Mapping[str, int], tell: Progress) -> None:
    problems: list[tuple[str, str, str]] = []
    for position, table in enumerate(SNAPSHOT):
        tell("Vérification de l’instantané", position, len(SNAPSHOT) + len(CHECKS))
        problems += file_check.problems(connection, [table], is_snapshot=True)
    for position, name in enumerate(CHECKS, start=len(SNAPSHOT)):
        tell("Vérification de l’instantané", position, len(SNAPSHOT) + len(CHECKS))
        problems += [(row.file_name, row.problem, row.example) for row in connection.execute(statement(name))]
    if problems:
        shown = " ; ".join(f"{name}, {problem} : {example}" for name, problem, example in problems[:PROBLEMS_SHOWN])
        rest = len(problems) - PROBLEMS_SHOWN
        raise InputFileError(
            f"L’instantané est refusé, et les données en place restent : {shown}"
            + (f" ; et {rest} autres" if rest > 0 else "")
            + f" ({sum(rows.values())} lignes lues). Refaites-le avec « observatory snapshot build »."
        )


def _swap(
    connection: sa.Connection,
    declarations: Path | None,
    checksums: Mapping[str, str],
    rows: Mapping[str, int],
    tell: Progress,
) -> None:
    """Put what is staged in the place of what was loaded, and record it."""
    tell("Remplacement des données", 0, 1)
    raw = raw_connection(connection)
    raw.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'")
    with _bare(connection, LARGEST) if _is_empty(connection) else nullcontext():
        _put_in_place(connection)
    raw.execute(sql("040_derive_directory").encode())
    connection.execute(statement("060_keep_members"))
    resolution.settle(connection, resolution.decided(connection))
    counted = json.dumps(declare.counted_in(declarations))
    connection.execute(statement("022_source_units"), {"counted": counted})
    _record(connection, checksums)
    declare.forget_undeclared(connection, declarations)
    connection.execute(sa.delete(t.SnapshotFile))
    connection.execute(
        sa.insert(t.SnapshotFile),
        [
            {"file_name": name, "checksum": checksum, "row_count": rows.get(name, 0)}
            for name, checksum in checksums.items()
        ],
    )
    put_back(connection)
    project(connection)


def _put_in_place(connection: sa.Connection) -> None:
    """Write what is staged in the place of what was loaded.

    Rows are deleted rather than truncated, so that readers go on seeing the former data until the commit. Runs stay:
    they are named by the hash of their inputs.
    """
    raw = raw_connection(connection)
    written = [table for table in OF_SNAPSHOT if table.target is not None]
    connection.execute(sa.delete(t.Tile))
    for table in reversed(written):
        if not table.is_kept_as_is:
            connection.execute(sa.delete(sa.table(table.target or "", schema=t.SCHEMA)))
    for table in written:
        write = table_sql.write_differences if table.is_kept_as_is else table_sql.insert
        raw.execute(write(table).encode())
        if table.name == "territory_links":
            raw.execute("REFRESH MATERIALIZED VIEW observatory.territory_commune")


def _is_empty(connection: sa.Connection) -> bool:
    return connection.execute(sa.select(t.Territory.code).limit(1)).first() is None


@contextmanager
def _bare(connection: sa.Connection, models: Iterable[type[t.Base]]) -> Iterator[None]:
    """Take keys and indexes off tables that nobody reads yet, and put them back over all their rows at once.

    The first load is three times as fast. Nothing is lost by it: the keys check every row when they come back.
    """
    kept = []
    for model in models:
        table = t.Base.metadata.tables[f"{t.SCHEMA}.{model.__tablename__}"]
        foreign = sorted(table.foreign_key_constraints, key=lambda one: str(one.name))
        kept.append((table.primary_key, sorted(table.indexes, key=lambda one: str(one.name)), foreign))
    for primary, indexes, foreign in kept:
        for constraint in (*foreign, primary):
            connection.execute(DropConstraint(constraint))
        for index in indexes:
            connection.execute(DropIndex(index))
    yield
    for primary, indexes, foreign in kept:
        connection.execute(AddConstraint(primary, isolate_from_table=False))
        for index in indexes:
            connection.execute(CreateIndex(index))
        for constraint in foreign:
            connection.execute(AddConstraint(constraint, isolate_from_table=False))


def _record(connection: sa.Connection, checksums: Mapping[str, str]) -> None:
    """Write one ingest run by source, and the rows that the snapshot's making rejected."""
    now = datetime.now(UTC)
    runs = [
        {
            **row,
            "checksum": row["checksum"] or _digest(checksums, row["file_name"].split(", ")),
            "finished_at": now,
            "status": "loaded",
        }
        for row in connection.execute(statement("021_source_rows")).mappings()
    ]
    connection.execute(sa.insert(t.IngestRun), runs)
    connection.execute(statement("024_keep_rejected"), {"finished_at": now})


def _digest(checksums: Mapping[str, str], file_names: Iterable[str]) -> str:
    """Return one checksum for several files of the snapshot."""
    return hashlib.sha256("".join(checksums[name] for name in file_names).encode()).hexdigest()


def _report(connection: sa.Connection, status: str, started: float) -> LoadReport:
    query = sa.select(t.SnapshotFile.file_name, t.SnapshotFile.row_count).order_by(t.SnapshotFile.file_name)
    rows = {row.file_name: row.row_count for row in connection.execute(query)}
    return LoadReport(status, rows, report(connection), time.perf_counter() - started)


def _vacuum(engine: sa.Engine, tell: Progress) -> None:
    """Free what the former rows took and give the planner its statistics; the data is committed already."""
    tell("Statistiques", 0, 1)
    names = ", ".join(f"{t.SCHEMA}.{name}" for name in READ_MOST)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"VACUUM (ANALYZE) {names}")
    tell("Instantané chargé", 1, 1)
