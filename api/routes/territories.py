"""Territories: search, and one with its relatives."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query

from api.dependencies import ConnectionDep
from api.schemas import (
    Problem,
    SeriesList,
    SourceSummary,
    TerritoryDetail,
    TerritoryLink,
    TerritoryList,
    TerritorySummary,
)
from api.views import page_queries
from observatory.runs.territory_series import territory_series
from observatory.store import read

router = APIRouter(prefix="/api", tags=["territoires"])
REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    404: {"model": Problem, "description": "Territoire inconnu"},
    422: {"model": Problem, "description": "Paramètre refusé"},
    503: {"model": Problem, "description": "Base indisponible"},
}


@router.get("/territories", summary="Chercher un territoire", responses=REFUSED, operation_id="territories")
def search(
    connection: ConnectionDep,
    level: Annotated[str | None, Query(description="Niveau ; sans lui : tous.", examples=["epci"])] = None,
    q: Annotated[str | None, Query(max_length=100, description="Partie du nom, code postal, ou code.")] = None,
    limit: Annotated[int, Query(ge=1, le=5000, description="Nombre de lignes.")] = 100,
    offset: Annotated[int, Query(ge=0, le=100_000, description="Lignes à sauter.")] = 0,
) -> TerritoryList:
    """Return territories of Normandy by name."""
    found = read.territories(connection, level or None, query=q, limit=limit, offset=offset)
    catalogue = page_queries.sources(connection)
    used = {row[key] for row in found for key in ("source_id", "population_source_id")}
    return TerritoryList(
        items=[TerritorySummary(**row) for row in found],
        total=read.territory_count(connection, level or None, query=q),
        sources=[SourceSummary(**catalogue[name]) for name in catalogue if name in used],
    )


@router.get("/territories/{level}/{code}", summary="Un territoire", responses=REFUSED, operation_id="territory")
def detail(
    connection: ConnectionDep,
    level: Annotated[str, Path(description="Niveau.")],
    code: Annotated[str, Path(description="Code INSEE, SIREN d’EPCI ou code de QPV.")],
) -> TerritoryDetail:
    """Return one territory with its parents, its children and its zonings."""
    row = read.territory(connection, level, code)
    children = page_queries.children(connection, row)
    catalogue = page_queries.sources(connection)
    used = {row["source_id"], row["population_source_id"], *(item["source_id"] for item in row["zonings"])}
    return TerritoryDetail(
        **row,
        children={name: [TerritoryLink(**item) for item in items] for name, items in children.items()},
        sources=[SourceSummary(**catalogue[name]) for name in catalogue if name in used],
    )


@router.get(
    "/territories/{level}/{code}/series", summary="Ses chiffres dans le temps", responses=REFUSED, operation_id="series"
)
def series(
    connection: ConnectionDep,
    level: Annotated[str, Path(description="Niveau.")],
    code: Annotated[str, Path(description="Code INSEE, SIREN d’EPCI ou code de QPV.")],
) -> SeriesList:
    """Return every figure known at several periods: the territory's, its communes' sum, the zones around it."""
    found = territory_series(connection, level, code)
    used = {name for one in found for name in one.source_ids}
    return SeriesList(
        items=[asdict(one) for one in found],
        total=len(found),
        sources=[SourceSummary(**row) for name, row in page_queries.sources(connection).items() if name in used],
    )
