"""Structures: by service, territory or bounds."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.dependencies import ConnectionDep, SettingsDep
from api.routes.territories import REFUSED
from api.schemas import SourceSummary, StructureList, StructureSummary
from api.views import page_queries
from api.views.page_choices import completeness, require_service, study
from observatory.declared.services import offer
from observatory.store import read
from observatory.words import labels

router = APIRouter(prefix="/api", tags=["structures"])


@router.get("/structures", summary="Les structures", responses=REFUSED, operation_id="structures")
def structures(
    *,
    connection: ConnectionDep,
    settings: SettingsDep,
    service: Annotated[str | None, Query(description="Service ; sans lui : tous.", examples=["ressourcerie"])] = None,
    territory: Annotated[str | None, Query(max_length=60, description="Code d’un territoire.")] = None,
    bbox: Annotated[str | None, Query(max_length=120, description="Ouest,sud,est,nord en degrés.")] = None,
    limit: Annotated[int, Query(ge=1, le=2000, description="Nombre de lignes.")] = 500,
    offset: Annotated[int, Query(ge=0, le=100_000, description="Lignes à sauter.")] = 0,
) -> StructureList:
    """Return structures by name; what is closed, or announced and not open, bears ``is_active: false``."""
    declared = study(settings.study)
    wanted = require_service(declared, service) if service else None
    extent = page_queries.bounds(bbox)
    found = read.structures(
        connection, service=wanted, territory=territory or None, bbox=extent, limit=limit, offset=offset
    )
    total = read.structure_count(connection, service=wanted, territory=territory or None, bbox=extent)
    catalogue = page_queries.sources(connection)
    used = {row["source_id"] for row in found}
    names = offer().kind_labels
    said = completeness(declared, connection)
    return StructureList(
        items=[
            StructureSummary(
                **row,
                kind_label=names.get(row["kind"], row["kind"]),
                place_label=labels.PLACES[row["place_quality"]],
            )
            for row in found
        ],
        total=total,
        completeness={service: said[service]} if service else said,
        sources=[SourceSummary(**catalogue[name]) for name in catalogue if name in used],
    )
