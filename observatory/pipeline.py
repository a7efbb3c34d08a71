"""START HERE: ingest → need → access → gap, one call each, every result stored under the hash of its inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine

from observatory.runs.gap import GapRequest, GapRun, stored_gap, work_out_gap
from observatory.runs.inputs import Inputs, checksums, read_inputs
from observatory.runs.need import figure_names
from observatory.store import results
from observatory.studies import Study, read_study

if TYPE_CHECKING:
    from observatory.store.load import LoadReport

Progress = Callable[[str, int, int], None]
"""Called with a French label, what is done and what there is to do."""


@dataclass(frozen=True)
class ComputeReport:
    """What ``compute`` did; ``str()`` is one French sentence."""

    new_count: int
    unchanged_count: int

    def __str__(self) -> str:
        """Say it to the operator."""
        if self.new_count == 0:
            return f"Inchangé : les {self.unchanged_count} analyses sont à jour."
        return f"{self.new_count} analyses calculées, {self.unchanged_count} inchangées."


def ingest(engine: Engine, *, progress: Progress | None = None) -> LoadReport:
    """Bring the database to the current schema and load the bundled snapshot; nothing is done twice."""
    from observatory.store.load import load_snapshot
    from observatory.store.migrate import migrate

    migrate(engine)
    return load_snapshot(engine, progress=progress)


def compute(engine: Engine, *, study_path: Path | None = None, progress: Progress | None = None) -> ComputeReport:
    """Work out need, access and gap for every défi and service at the study's thresholds, in one transaction.

    Parameters
    ----------
    study_path
        Study file; None: the observatory's. Its runs become the ones that pages and tiles show.
    progress
        Told after each analysis.

    Raises
    ------
    NotComputedError
        If the database is empty, or lacks a figure that the study names.
    InputFileError
        If the study can't be read.
    """
    study = read_study(study_path)
    new_count, done = 0, 0
    wanted = [(defi, service) for defi in study.needs for service in study.services]
    with engine.begin() as connection:
        inputs: Inputs | None = None
        loaded = checksums(connection)
        for defi, service in wanted:
            request = GapRequest.of(study, defi=defi, service=service, threshold_min=None)
            run = stored_gap(connection, request, loaded)
            if run is None:
                inputs = inputs or _inputs(connection, study)
                run = work_out_gap(connection, request, inputs=inputs)
            _show_by_default(connection, run, request)
            new_count, done = new_count + run.is_new, done + 1
            if progress is not None:
                progress(f"{defi} × {service}", done, len(wanted))
    return ComputeReport(new_count=new_count, unchanged_count=len(wanted) - new_count)


def gap_run(
    connection: Connection,
    *,
    defi: str,
    service: str,
    threshold_min: float | None = None,
    study_path: Path | None = None,
) -> GapRun:
    """Return a gap analysis: the stored one if its inputs and parameters are the same, else worked out and stored.

    Parameters
    ----------
    connection
        The caller owns the transaction, which must be able to write.
    defi, service
        Names of the study.
    threshold_min
        Longest acceptable time in minutes; None: the study's own for this service.
    study_path
        Study file; None: the observatory's.

    Returns
    -------
    GapRun
        Its rows are read from the database by ``run_hash``.

    Raises
    ------
    UsageError
        If the défi or service is unknown, or the threshold out of range.
    NotComputedError
        If the database is empty, or lacks a figure that the study names.
    """
    study = read_study(study_path)
    request = GapRequest.of(study, defi=defi, service=service, threshold_min=threshold_min)
    run = stored_gap(connection, request, checksums(connection))
    if run is None:
        run = work_out_gap(connection, request, inputs=_inputs(connection, study))
        if study_path is None and request.threshold_min == request.service.threshold_min:
            _show_by_default(connection, run, request)
    return run


def _inputs(connection: Connection, study: Study) -> Inputs:
    names = {name for need in study.needs.values() for name in figure_names(need)}
    return read_inputs(connection, names)


def _show_by_default(connection: Connection, run: GapRun, request: GapRequest) -> None:
    defi, service = request.defi, request.service.service
    results.make_default(connection, run.run_hash, kind="gap", defi=defi, service=service)
    results.make_default(connection, run.parameters["need_run"], kind="need", defi=defi, service=None)
    results.make_default(connection, run.parameters["access_run"], kind="access", defi=None, service=service)
