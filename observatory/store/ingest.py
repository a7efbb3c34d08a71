"""Load one source from a file of its producer: read, normalise, check, and replace that source's figures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

import geodata
from observatory.errors import InputFileError, NotComputedError, UsageError
from observatory.store import load, stage
from observatory.store import tables as t
from observatory.store.engine import plain_errors
from observatory.store.stage import Progress
from observatory.store.statements import sql, statement

if TYPE_CHECKING:
    import pandas as pd

    from observatory.sources.batch import Batch

PROBLEMS_SHOWN: Final = 5


@dataclass(frozen=True)
class Known:
    """The territories that a source's rows may speak of, as the database holds them."""

    connection: sa.Connection

    @cached_property
    def communes(self) -> set[str]:
        """Codes of the communes of the region and of its border."""
        return self._codes("commune")

    @cached_property
    def departements(self) -> set[str]:
        """Codes of the region's départements."""
        return self._codes("departement")

    @cached_property
    def zones(self) -> set[str]:
        """Codes of the zones d'emploi."""
        return self._codes("zone_emploi")

    @cached_property
    def renamed(self) -> dict[str, str]:
        """Former code → present code of communes that only changed code."""
        renamed: dict[str, str] = geodata.declarations("history")["renamed"]
        return renamed

    @cached_property
    def successor(self) -> dict[str, str]:
        """Former commune code → present commune code."""
        import pandas as pd

        from observatory.sources import history

        link = t.TerritoryLink
        query = sa.select(link.child_code, link.parent_code).where(
            link.child_level == "commune_deleguee", link.parent_level == "commune"
        )
        rows = [tuple(row) for row in self.connection.execute(query)]
        declared = geodata.declarations("history")
        return history.successors(
            pd.DataFrame(rows, columns=["code", "commune_code"]), {**declared["renamed"], **declared["merged"]}
        )

    def _codes(self, level: str) -> set[str]:
        return set(self.connection.execute(sa.select(t.Territory.code).where(t.Territory.level == level)).scalars())


Reader = Callable[[Path, Known], "tuple[Batch, pd.DataFrame]"]
"""Reads a file: the account of its rows, and its figures in long form."""


def readers() -> Mapping[str, Reader]:
    """Return, by source, how its file becomes figures; the other sources are loaded through the snapshot only."""
    from observatory.sources import bpe, commune_rp, defm, deld, filosofi, iris, sinoe, ze_unemployment

    def reader(module: Any, **needs: str) -> Reader:  # noqa: ANN401  (a module)
        def figures(path: Path, known: Known) -> tuple[Batch, pd.DataFrame]:
            context = {name: getattr(known, attribute) for name, attribute in needs.items()}
            batch = module.normalise(module.read(path), **context)
            return batch, module.values(batch.frame)

        return figures

    return {
        bpe.SOURCE_ID: reader(bpe, communes="communes"),
        commune_rp.SOURCE_ID: reader(commune_rp, communes="communes", successor="successor"),
        defm.SOURCE_ID: reader(defm, communes="communes", departements="departements"),
        deld.SOURCE_ID: reader(deld, departements="departements"),
        filosofi.SOURCE_ID: reader(filosofi, communes="communes", successor="successor", renamed="renamed"),
        iris.SOURCE_ID: reader(iris, communes="communes"),
        sinoe.SOURCE_ID: reader(sinoe, departements="departements"),
        ze_unemployment.SOURCE_ID: reader(ze_unemployment, zones="zones"),
    }


def ingest_file(
    engine: sa.Engine, source_id: str, path: Path, *, progress: Progress | None = None
) -> tuple[str, tuple[load.SourceReport, ...]]:
    """Replace the figures of one source by those of ``path``, all or nothing; the same file again changes nothing.

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
    tell = progress or load.silent
    checksum = _checksum(path)
    marker = file_marker(source_id)
    with plain_errors(), engine.begin() as connection:
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
        batch, figures = reader(path, known)
        tell("Vérification", 1, 3)
        _replace(connection, path, figures)
        tell("Remplacement des données", 2, 3)
        _record(connection, batch, path.name, checksum, len(figures))
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


def _replace(connection: sa.Connection, path: Path, figures: pd.DataFrame) -> None:
    import pyarrow as pa

    file = next(one for one in stage.FILES if one.name == "values")
    raw = load.raw_connection(connection)
    stage.create(raw, file)
    table = pa.Table.from_pandas(figures[list(file.columns)], preserve_index=False)
    if not table.num_rows:
        raise InputFileError(f"Aucune figure n’a été gardée de « {path.name} » : est-ce bien le fichier de la source ?")
    stage.copy(raw, file, table)
    problems = [f"{row.problem} : {row.example}" for row in connection.execute(statement("030_check_file"))]
    if problems:
        raise InputFileError(
            f"« {path.name} » est refusé, et les données en place restent : {' ; '.join(problems[:PROBLEMS_SHOWN])}."
        )
    raw.execute(sql("031_replace_figures").encode())


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
