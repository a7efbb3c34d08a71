"""Whether the process lives, whether it can answer, how it has answered so far."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse

from api.dependencies import ConnectionDep
from api.schemas import Health, Problem
from api.views import page_queries
from observatory.errors import NotComputedError

router = APIRouter(tags=["exploitation"])
UNAVAILABLE: Final[dict[int | str, dict[str, Any]]] = {503: {"model": Problem, "description": "Pas prêt"}}


@router.get("/healthz", summary="Le processus est vivant", operation_id="healthz")
def alive() -> Health:
    """Answer without asking anything of the database."""
    return Health(status="ok")


@router.get("/readyz", summary="La base est chargée et calculée", operation_id="readyz", responses=UNAVAILABLE)
def ready(connection: ConnectionDep) -> Health:
    """Answer once the database is reachable, migrated, loaded and computed."""
    missing = page_queries.missing_step(connection)
    if missing is not None:
        raise NotComputedError(missing)
    return Health(status="ready")


@router.get("/metrics", summary="Mesures au format Prometheus", operation_id="metrics")
def metrics(request: Request) -> PlainTextResponse:
    """Return counts and durations of the answers."""
    return PlainTextResponse(
        request.app.state.metrics.text(),
        media_type="text/plain; version=0.0.4; charset=utf-8",
        headers={"Cache-Control": "no-store"},
    )
