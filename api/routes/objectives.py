"""Objectives of territories: the table of who is positioned on what, and the same as data; read only."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse

from api.dependencies import ConnectionDep
from api.routes.territories import REFUSED
from api.schemas import ObjectiveList
from api.views.page_context import PageDep
from observatory.runs.gap.similar_territories import territories_alike
from observatory.runs.objective_progress import flat, followed
from observatory.store import read

router = APIRouter()


@router.get(
    "/api/objectives", tags=["objectifs"], summary="Les objectifs des territoires", responses=REFUSED,
    operation_id="objectives",
)  # fmt: skip
def objectives(
    connection: ConnectionDep,
    territory: Annotated[str | None, Query(max_length=60, description="Code d’un territoire.")] = None,
) -> ObjectiveList:
    """Return the objectives of every territory, or of one, with the progress that published figures show."""
    code = territory.strip().upper() if territory else None
    level = read.territory_level(connection, code) if code else None
    rows = [flat(one) for one in followed(connection, level=level, code=code)]
    return ObjectiveList.model_validate({"items": rows, "total": len(rows)})


@router.get("/objectifs", include_in_schema=False)
def objectives_page(on: PageDep) -> HTMLResponse:
    """Show who is positioned on what, how far each is, and whom each resembles."""
    found = followed(on.connection)
    places = {(one.objective.level, one.objective.code): one.territory_name for one in found}
    near = {level: territories_alike(on.connection, level) for level in {level for level, _ in places}}
    return on.show(
        "objectifs.html",
        found=found,
        places=places,
        near={place: near[place[0]].get(place[1], []) for place in places},
    )
