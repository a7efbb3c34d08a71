"""The catalogue of sources."""

from __future__ import annotations

from fastapi import APIRouter

from api import queries
from api.dependencies import ConnectionDep
from api.routes.territories import REFUSED
from api.schemas import SourceList, SourceSummary

router = APIRouter(prefix="/api", tags=["sources"])


@router.get("/sources", summary="Le catalogue des sources", responses=REFUSED, operation_id="sources")
def sources(connection: ConnectionDep) -> SourceList:
    """Return every source with producer, licence, vintage and coverage."""
    rows = list(queries.sources(connection).values())
    return SourceList(items=[SourceSummary(**row) for row in rows], total=len(rows))
