"""START HERE: ingest → need → access → gap → siting, one call each; results are stored under their inputs' hash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine

from observatory.declared.region import home_region
from observatory.declared.study_reading import Study, read_study
from observatory.errors import NoSupplyError, UsageError
from observatory.runs.access.access_run import AccessRun, access_run
from observatory.runs.gap.certainty import Certainties
from observatory.runs.gap.gap_request import GapRequest, GapRun
from observatory.runs.gap.gap_run import stored_gap, work_out_gap
from observatory.runs.gap.regional_profile import Profiles
from observatory.runs.loaded_inputs import checksums, read_inputs
from observatory.runs.need.need_run import need_run
from observatory.store import results

if TYPE_CHECKING:
    from observatory.declared.siting_study import SitingStudy
    from observatory.runs.siting.siting_run import SitingRun
    from observatory.store.ingest.snapshot_load import LoadReport

Progress = Callable[[str, int, int], None]
"""Called with a French label, what is done and what there is to do."""


@dataclass(frozen=True)
class ComputeReport:
    """What ``compute`` did; ``str()`` says it in French."""

    new_count: int
    unchanged_count: int
    without_supply: tuple[str, ...] = ()
    """French names of the services left out: no structure of the region is known that offers them."""

    def __str__(self) -> str:
        """Say it to the operator."""
        told = f"{self.new_count} analyses calculées, {self.unchanged_count} inchangées."
        if self.new_count == 0:
            told = f"Inchangé : les {self.unchanged_count} analyses sont à jour."
        if self.without_supply:
            listed = ", ".join(self.without_supply)
            told += f" Aucune structure connue dans la région, donc aucune analyse de l’accès : {listed}."
        return told


def ingest(engine: Engine, *, progress: Progress | None = None) -> LoadReport:
    """Bring the database to the current schema and load the bundled snapshot; nothing is done twice."""
    from observatory.store.ingest.snapshot_load import load_snapshot
    from observatory.store.migrate import migrate

    migrate(engine)
    return load_snapshot(engine, progress=progress)


def compute(engine: Engine, *, study_path: Path | None = None, progress: Progress | None = None) -> ComputeReport:
    """Work out need, access and gap for every défi and service at the study's thresholds, in one transaction.

    A service that no known structure of the region offers has no norm: it is left out, and the report says so.

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
    wanted = [
        GapRequest.of(study, defi=defi, service=service, threshold_min=None)
        for defi in study.needs
        for service in study.services
    ]
    with engine.begin() as connection:
        loaded = checksums(connection)
        runs = {request: stored_gap(connection, request, loaded) for request in wanted}
        missing = [request for request, run in runs.items() if run is None]
        for done, (request, run) in enumerate(_work_out(connection, study, missing), start=1):
            runs[request] = None if isinstance(run, NoSupplyError) else run
            if progress is not None:
                progress(f"{request.defi} × {request.service.service}", done, len(missing))
        for request, shown in runs.items():
            _show_by_default(connection, shown, request)
    _prepare_studies(engine, study_path, progress)
    left_out = [request for request, run in runs.items() if run is None]
    return ComputeReport(
        new_count=len(missing) - len(left_out),
        unchanged_count=len(wanted) - len(missing),
        without_supply=tuple(dict.fromkeys(request.service.label for request in left_out)),
    )


def _prepare_studies(engine: Engine, study_path: Path | None, progress: Progress | None) -> None:
    """Work out the bundled siting studies that aren't yet, so that their page answers at once."""
    from observatory.declared.siting_file import read_siting_study
    from observatory.runs.siting.siting_run import stored_siting

    studies = home_region().studies
    for done, name in enumerate(studies, start=1):
        # A database of another region doesn't hold the territory of the study: its page will say so.
        is_new = False
        with suppress(UsageError), engine.begin() as connection:
            is_new = stored_siting(connection, read_siting_study(name), study_path=study_path) is None
            if is_new:
                site(connection, name, study_path=study_path)
        if is_new and progress is not None:
            progress(f"Implantation : {name}", done, len(studies))


def _work_out(
    connection: Connection, study: Study, requests: list[GapRequest]
) -> Iterator[tuple[GapRequest, GapRun | NoSupplyError]]:
    """Work gaps out, each need and each access once; why not, for a service that has no supply."""
    if not requests:
        return
    inputs = read_inputs(connection)
    needs = {defi: need_run(connection, study, defi, inputs=inputs) for defi in {one.defi for one in requests}}
    accesses: dict[tuple[str, float], AccessRun] = {}
    certainties, profiles = Certainties(connection, inputs), Profiles(connection, inputs)
    for request in requests:
        key = request.service.service, request.threshold_min
        if key not in accesses:
            accesses[key] = access_run(
                connection, study, request.service, threshold_min=request.threshold_min, inputs=inputs
            )
        need, access = needs[request.defi], accesses[key]
        run: GapRun | NoSupplyError
        try:
            run = work_out_gap(
                connection, request, need=need, access=access, inputs=inputs, certainties=certainties, profiles=profiles
            )
        except NoSupplyError as error:
            run = error
        yield request, run


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
        If the database is empty, lacks a figure that the study names, or knows no structure that offers the service.
    """
    study = read_study(study_path)
    request = GapRequest.of(study, defi=defi, service=service, threshold_min=threshold_min)
    run = stored_gap(connection, request, checksums(connection))
    if run is None:
        ((_, found),) = _work_out(connection, study, [request])
        if isinstance(found, NoSupplyError):
            raise found
        run = found
        if study_path is None and request.threshold_min == request.service.threshold_min:
            _show_by_default(connection, run, request)
    return run


def _show_by_default(connection: Connection, run: GapRun | None, request: GapRequest) -> None:
    """Make a gap and what it rests on those that pages show; None: pages show no gap of this défi and service."""
    defi, service = request.defi, request.service.service
    if run is None:
        results.make_default(connection, None, kind="gap", defi=defi, service=service)
        return
    results.make_default(connection, run.run_hash, kind="gap", defi=defi, service=service)
    results.make_default(connection, run.parameters["need_run"], kind="need", defi=defi, service=None)
    results.make_default(connection, run.parameters["access_run"], kind="access", defi=None, service=service)


def site(
    connection: Connection,
    siting: SitingStudy | str | Path,
    *,
    study_path: Path | None = None,
    time_limit_s: float | None = None,
) -> SitingRun:
    """Return a siting study: the stored one if its inputs and parameters are the same, else worked out and stored.

    Parameters
    ----------
    connection
        The caller owns the transaction, which must be able to write.
    siting
        The question, or ``vire``, ``caux-seine``, or the path of a TOML file that declares it.
    study_path
        Study of needs and services; None: the observatory's.
    time_limit_s
        Longest search, in seconds; None: a minute.

    Raises
    ------
    UsageError
        If the question names what doesn't exist.
    InputFileError
        If the file can't be read.
    NotComputedError
        If the database is empty.
    """
    from observatory.declared.siting_file import read_siting_study
    from observatory.runs.siting.siting_run import TIME_LIMIT_S, siting_run

    question = read_siting_study(siting) if isinstance(siting, str | Path) else siting
    limit = TIME_LIMIT_S if time_limit_s is None else time_limit_s
    return siting_run(connection, question, study_path=study_path, time_limit_s=limit)
