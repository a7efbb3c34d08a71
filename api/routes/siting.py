"""Siting of new poles for programs: the question, and the jobs of those that take more than two seconds."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from api import errors
from api.dependencies import SettingsDep
from api.routes.territories import REFUSED
from api.views.siting_question import SitingRequest
from observatory import errors as expected
from observatory.declared.siting_study import SitingStudy
from observatory.errors import ObservatoryError
from observatory.publish import known_of_expected
from observatory.publish import siting_rows as publication
from observatory.runs.job_queue import ask, give_up
from observatory.runs.siting.siting_run import SitingRun, stored_siting
from observatory.settings import Settings
from observatory.store import job_rows
from observatory.store.job_rows import JobState

router = APIRouter()
WAIT_S: Final = 2.0
"""Longest wait for an answer before a job is given instead, in seconds (convention de l'observatoire)."""
POLL_S: Final = 0.05
NO_STORE: Final = {"Cache-Control": "no-store"}
UNKNOWN_JOB: Final = "Ce calcul n’existe pas, ou sa réponse est trop ancienne : posez la question de nouveau."
JobId = Annotated[str, Path(max_length=60, description="Nom du calcul, donné par POST /api/siting.")]


class JobProgress(BaseModel):
    """How far a job is."""

    label: str = Field(description="Étape en cours.")
    done: int = Field(description="Étapes faites.")
    total: int = Field(description="Étapes en tout.")


class JobDocument(BaseModel):
    """A question that takes time."""

    job: str = Field(description="Nom du calcul.")
    status: str = Field(description="todo, doing, succeeded, failed ou cancelled.")
    progress: JobProgress
    url: str = Field(description="Adresse où suivre le calcul.")
    result: dict[str, Any] | None = Field(description="La réponse, comme POST /api/siting la donne.")
    error: str | None = Field(description="Pourquoi il n’y a pas de réponse.")


@router.post(
    "/api/siting",
    summary="Placer de nouveaux pôles",
    tags=["implantation"],
    responses={
        **REFUSED,
        202: {"model": JobDocument, "description": "Plus de deux secondes : suivez le calcul à l’adresse « url »."},
    },
    operation_id="siting",
)
def siting(request: Request, settings: SettingsDep, asked: SitingRequest) -> Response:
    """Répond avec la proposition en moins de deux secondes, ou donne un calcul à suivre (202)."""
    with request.app.state.engine.begin() as connection:
        question = asked.question(connection)
    found = answer_or_job(request, settings, question)
    if isinstance(found, SitingRun):
        return JSONResponse(warned(request, found), headers=NO_STORE)
    url = f"/api/jobs/{found.job_id}"
    headers = {**NO_STORE, "Location": url, "Retry-After": "1"}
    return JSONResponse(_document(request, found).model_dump(), status_code=HTTPStatus.ACCEPTED, headers=headers)


@router.get(
    "/api/jobs/{job_id}",
    summary="Suivre un calcul",
    tags=["implantation"],
    responses=REFUSED,
    response_model=JobDocument,
    operation_id="job",
)
def job(request: Request, response: Response, job_id: JobId) -> JobDocument | Response:
    """Donne l’état d’un calcul, et sa réponse quand il est fini."""
    state = find(request, job_id)
    if state is None:
        return errors.answer(request, HTTPStatus.NOT_FOUND, UNKNOWN_JOB)
    response.headers.update(NO_STORE)
    return _document(request, state)


@router.delete(
    "/api/jobs/{job_id}",
    summary="Annuler un calcul",
    tags=["implantation"],
    responses={**REFUSED, 409: {"description": "Le calcul est déjà fini."}},
    response_model=JobDocument,
    operation_id="cancel_job",
)
def cancel(request: Request, response: Response, job_id: JobId) -> JobDocument | Response:
    """Annule un calcul qui n’est pas fini."""
    is_cancelled = give_up(request.app.state.engine, job_id)
    state = find(request, job_id)
    if state is None:
        return errors.answer(request, HTTPStatus.NOT_FOUND, UNKNOWN_JOB)
    if not is_cancelled:
        return errors.answer(request, HTTPStatus.CONFLICT, "Ce calcul est déjà fini : il n’y a rien à annuler.")
    response.headers.update(NO_STORE)
    return _document(request, state)


def answer_or_job(request: Request, settings: Settings, question: SitingStudy) -> SitingRun | JobState:
    """Return the answer of a question if it is known or comes within :data:`WAIT_S`, else the job that looks for it.

    Raises
    ------
    ObservatoryError
        If the question has no answer: as if it had been worked out here.
    """
    engine, deadline = request.app.state.engine, time.monotonic() + WAIT_S
    with engine.begin() as connection:
        stored = stored_siting(connection, question, study_path=settings.study)
    if stored is not None:
        return stored
    request.app.state.worker.start()
    name = ask(engine, settings, question)
    while True:
        with engine.begin() as connection:
            state = job_rows.find(connection, name)
        if state is None:
            raise expected.DatabaseUnavailableError(UNKNOWN_JOB)
        if state.is_over:
            return finished(state)
        if time.monotonic() >= deadline:
            return state
        time.sleep(POLL_S)


def finished(state: JobState) -> SitingRun | JobState:
    """Return the answer of a job that is over, or the job itself if it was cancelled.

    Raises
    ------
    ObservatoryError
        If it failed: of the class that stopped it.
    """
    if state.result is not None:
        return SitingRun(**state.result)
    if state.status == "failed":
        kind = getattr(expected, state.error_kind or "", ObservatoryError)
        raise kind(state.error or "")
    return state


def warned(request: Request, run: SitingRun) -> dict[str, Any]:
    """Return the contract's document, with what a reader must know before using it."""
    with request.app.state.engine.begin() as connection:
        told = known_of_expected.warnings(connection, services=run.parameters["services"], source_ids=run.source_ids)
    return publication.document(run, warnings=told)


def find(request: Request, job_id: str) -> JobState | None:
    """Return a job, and make sure that somebody works on those that wait."""
    request.app.state.worker.start()
    with request.app.state.engine.begin() as connection:
        return job_rows.find(connection, job_id)


def _document(request: Request, state: JobState) -> JobDocument:
    return JobDocument(
        job=state.job_id,
        status=state.status,
        progress=JobProgress(label=state.label, done=state.done, total=state.total),
        url=f"/api/jobs/{state.job_id}",
        result=None if state.result is None else warned(request, SitingRun(**state.result)),
        error=state.error,
    )
