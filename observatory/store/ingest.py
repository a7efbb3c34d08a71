"""Load one source from a file of its producer: read, normalise, check, and replace that source's figures."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
import sqlalchemy as sa
from psycopg import errors as pg
from sqlalchemy.dialects.postgresql import insert

from observatory.errors import DatabaseUnavailableError, InputFileError, NotComputedError, UsageError
from observatory.store import load, stage
from observatory.store import tables as t
from observatory.store.engine import plain_errors
from observatory.store.known import Known
from observatory.store.readers import Reader, Tables, readers
from observatory.store.stage import Progress
from observatory.store.statements import sql, statement

if TYPE_CHECKING:
    from observatory.sources.batch import Batch

PROBLEMS_SHOWN: Final = 5
LEAST_SHARE: Final = 0.9
"""A file that says less than this share of what it replaces is taken for truncated (convention de l'observatoire)."""


_REPLACED: Final = {
    "values": ("030_check_file", "031_replace_figures"),
    "zonings": ("032_check_zonings", "033_replace_zonings"),
    "structures": ("034_check_structures", "035_replace_structures"),
}
"""Main table that a file becomes → what checks it and what puts it in place."""


def ingest_file(
    engine: sa.Engine,
    source_id: str,
    path: Path,
    *,
    progress: Progress | None = None,
    accepts_fewer: bool = False,
) -> tuple[str, tuple[load.SourceReport, ...]]:
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
    reader = readers().get(source_id)
    if reader is None:
        raise UsageError(
            f"« {source_id} » ne se charge que par l’instantané : lancez « observatory ingest {source_id} » sans "
            f"--from-file. Se chargent d’un fichier : {', '.join(sorted(readers()))}."
        )
    try:
        with plain_errors():
            return _ingest(engine, source_id, path, reader, progress or load.silent, accepts_fewer=accepts_fewer)
    except pg.LockNotAvailable as error:
        raise DatabaseUnavailableError(
            "Une autre opération occupe les tables : attendez sa fin, puis relancez « observatory ingest »."
        ) from error
    except (psycopg.DataError, psycopg.IntegrityError, sa.exc.DataError, sa.exc.IntegrityError) as error:
        raise InputFileError(
            f"« {path.name} » contient des valeurs que la base refuse, et les données en place restent : vérifiez que "
            "c’est bien le fichier de la source."
        ) from error


def _ingest(
    engine: sa.Engine, source_id: str, path: Path, reader: Reader, tell: Progress, *, accepts_fewer: bool
) -> tuple[str, tuple[load.SourceReport, ...]]:
    checksum = _checksum(path)
    marker = file_marker(source_id)
    with engine.begin() as connection:
        load.take_turn(connection, tell)
        known = Known(connection)
        if not known.communes:
            raise NotComputedError("La base ne contient aucun territoire : lancez d’abord « observatory ingest ».")
        stored = connection.execute(
            sa.select(t.SnapshotFile.checksum).where(t.SnapshotFile.file_name == marker)
        ).scalar()
        if stored == checksum:
            return "unchanged", load.report(connection, [source_id])
        tell(f"Lecture de {path.name}", 0, 3)
        batch, tables = reader(path, known)
        tell("Vérification", 1, 3)
        if not accepts_fewer:
            _require_as_much(connection, source_id, path, tables)
        row_count = _replace(connection, path, tables)
        tell("Remplacement des données", 2, 3)
        _record(connection, batch, path.name, checksum, row_count)
        result = load.report(connection, [source_id])
    tell("Source chargée", 3, 3)
    return "loaded", result


def file_marker(source_id: str) -> str:
    """Return the name under which ``snapshot_file`` keeps the checksum of a source that was loaded from a file."""
    return f"{source_id}:file"


def loaded_from_file(connection: sa.Connection) -> set[str]:
    """Return the sources whose figures come from a file of the user, not from the snapshot."""
    names = connection.execute(sa.select(t.SnapshotFile.file_name)).scalars()
    return {name.removesuffix(":file") for name in names if name.endswith(":file")}


def _checksum(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputFileError(f"« {path} » est introuvable ou illisible : vérifiez le chemin et les droits.") from error


def _require_as_much(connection: sa.Connection, source_id: str, path: Path, tables: Tables) -> None:
    """Refuse a file that informs far fewer communes, or holds far fewer structures, than what it would replace."""
    if "values" in tables:
        figures = tables["values"]
        told = figures.loc[figures["value"].notna(), ["level", "code"]].drop_duplicates()
        levels = sorted(set(told["level"]))
        figure = t.IndicatorValue
        query = (
            sa.select(sa.func.count(sa.distinct(sa.tuple_(figure.level, figure.code))))
            .where(figure.source_id == source_id)
            .where(figure.level.in_(levels), figure.value.is_not(None))
        )
        found = len(told)
    elif "structure_records" in tables:
        query = sa.select(sa.func.count()).where(t.StructureRecord.source_id == source_id)
        found = len(tables["structure_records"])
    else:
        return
    held = connection.execute(query).scalar_one()
    if found < LEAST_SHARE * held:
        raise InputFileError(
            f"« {path.name} » dit bien moins que ce qui est chargé ({found} au lieu de {held}) : il est sans doute "
            "tronqué. Rien n’est changé ; si c’est voulu, ajoutez --accept-fewer."
        )


def _replace(connection: sa.Connection, path: Path, tables: Tables) -> int:
    """Stage, check and put in place what a file became; return the rows of its main table."""
    import pyarrow as pa

    raw = load.raw_connection(connection)
    main = next(name for name in _REPLACED if name in tables)
    check, replace = _REPLACED[main]
    if tables[main].empty:
        raise InputFileError(f"Aucune figure n’a été gardée de « {path.name} » : est-ce bien le fichier de la source ?")
    for file in stage.FILES:
        if file.name in tables:
            stage.create(raw, file)
            frame = tables[file.name][list(file.columns)]
            stage.copy(raw, file, pa.Table.from_pandas(frame, preserve_index=False))
            connection.exec_driver_sql(f"ANALYZE {file.stage}")
    problems = [f"{row.problem} : {row.example}" for row in connection.execute(statement(check))]
    if problems:
        raise InputFileError(
            f"« {path.name} » est refusé, et les données en place restent : {' ; '.join(problems[:PROBLEMS_SHOWN])}."
        )
    raw.execute(f"SET LOCAL lock_timeout = '{load.LOCK_TIMEOUT_S}s'")
    raw.execute(sql(replace).encode())
    return len(tables[main])


def _record(connection: sa.Connection, batch: Batch, file_name: str, checksum: str, value_count: int) -> None:
    """Write the ingest run, what it rejected, and the checksum that makes the results be worked out again."""
    run_id = connection.execute(
        sa.insert(t.IngestRun).returning(t.IngestRun.run_id),
        {
            "source_id": batch.source_id,
            "finished_at": datetime.now(UTC),
            "file_name": file_name,
            "checksum": checksum,
            "rows_read": batch.read_count,
            "rows_kept": batch.kept_count,
            "rows_rejected": batch.rejected_count,
            "rows_duplicate": batch.duplicate_count,
            "rows_outside": batch.outside_count,
            "cells_rejected": batch.rejected_cell_count,
            "status": "loaded",
        },
    ).scalar_one()
    rejected = [
        {
            "run_id": run_id,
            "file_name": file_name,
            "line": None if row["line"] != row["line"] or row["line"] is None else int(row["line"]),
            **{name: str(row[name]) for name in ("scope", "reason", "content")},
        }
        for row in batch.rejected.to_dict("records")
    ]
    if rejected:
        connection.execute(sa.insert(t.RejectedRow), rejected)
    row = {"file_name": file_marker(batch.source_id), "checksum": checksum, "row_count": value_count}
    statement_ = insert(t.SnapshotFile).values(row)
    connection.execute(
        statement_.on_conflict_do_update(
            index_elements=["file_name"],
            set_={"checksum": checksum, "row_count": value_count, "loaded_at": sa.func.now()},
        )
    )
