"""The catalogue of sources."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from api.dependencies import ConnectionDep
from api.routes.territories import REFUSED
from api.schemas import CompletenessList, CompletenessRow, SourceList, SourceSummary
from api.views import page_queries
from observatory.publish import known_of_expected as publication

router = APIRouter(prefix="/api", tags=["sources"])


@router.get("/sources", summary="Le catalogue des sources", responses=REFUSED, operation_id="sources")
def sources(connection: ConnectionDep) -> SourceList:
    """Return every source with producer, licence, vintage and coverage."""
    rows = list(page_queries.sources(connection).values())
    return SourceList(items=[SourceSummary(**row) for row in rows], total=len(rows))


@router.get("/completeness", summary="Connu, sur attendu", responses=REFUSED, operation_id="completeness")
def completeness(
    connection: ConnectionDep,
    level: Annotated[Literal["region", "departement", "epci"], Query(description="Niveau des territoires.")] = "region",
) -> CompletenessList:
    """Return, for each layer and territory of a level, what is known against what is published."""
    rows = publication.everywhere(connection, level)
    return CompletenessList(items=[CompletenessRow(**row) for row in rows], total=len(rows))
