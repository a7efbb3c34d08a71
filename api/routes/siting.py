"""Siting of new poles: the question posed by a program, and the page where a reader poses it."""

from __future__ import annotations

import math
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from pyproj import Transformer
from sqlalchemy import Connection
from starlette.responses import HTMLResponse, JSONResponse, Response

from api import queries, views
from api.dependencies import ConnectionDep, SettingsDep
from api.rendering import page
from api.routes.territories import REFUSED
from api.words import selectable, words
from observatory import crs, pipeline
from observatory.errors import UsageError
from observatory.publish import siting as publication
from observatory.runs.siting import NAMED_STUDIES, SitingRun, read_siting_study
from observatory.siting.study import OBJECTIVE_LABELS, OBJECTIVES, POLES_MAX, Objective, SitingStudy
from observatory.store import read

router = APIRouter()
TIME_LIMIT_S: Final = 2.0
"""Longest search for one answer, in seconds (convention de l'observatoire); the proof then says how far it went."""
DEFAULT_POLES: Final = 1
DEFAULT_THRESHOLD_MIN: Final = 20.0
Names = Annotated[list[Annotated[str, Field(max_length=120)]], Field(max_length=1000)]


class SitingRequest(BaseModel):
    """A siting question."""

    territory: str = Field(max_length=60, description="Code d’une commune, d’une intercommunalité ou d’un département.")
    defis: Names | dict[str, float] = Field(
        description="Défis, chaque personne concernée comptant pour un ; ou le poids d’une personne par défi.",
        examples=[["vieillissement"], {"insertion": 24, "dechets": 1}],
    )
    services: Names = Field(description="Services ouverts ensemble dans chaque pôle.", examples=[["ressourcerie"]])
    poles: int = Field(ge=1, le=POLES_MAX, description="Nombre de nouveaux pôles.")
    objective: str = Field("mclp", max_length=20, description="mclp, p_median, lscp ou p_center.")
    threshold_min: float = Field(DEFAULT_THRESHOLD_MIN, gt=0, le=120, description="Minutes.")
    candidates: Names | None = Field(None, description="Codes des communes candidates ; sans eux : toutes.")
    keep: Names | None = Field(None, description="Structures existantes gardées ouvertes ; sans elles : toutes.")


@router.post(
    "/api/siting", summary="Placer de nouveaux pôles", tags=["implantation"], responses=REFUSED, operation_id="siting"
)
def siting(connection: ConnectionDep, settings: SettingsDep, request: SitingRequest) -> Response:
    """Return the proposals within two seconds; where that is too short, the best found with its proved bound."""
    weights = request.defis if isinstance(request.defis, dict) else dict.fromkeys(request.defis, 1.0)
    question = _question(
        connection,
        territory=request.territory,
        services=request.services,
        defis=weights,
        poles=request.poles,
        objective=request.objective,
        threshold_min=request.threshold_min,
        candidates=request.candidates,
        keep=request.keep,
    )
    run = pipeline.site(connection, question, study_path=settings.study, time_limit_s=TIME_LIMIT_S)
    return JSONResponse(publication.document(run))


def _question(
    connection: Connection,
    *,
    territory: str,
    services: list[str],
    defis: dict[str, float],
    poles: int,
    objective: str,
    threshold_min: float,
    candidates: list[str] | None = None,
    keep: list[str] | None = None,
) -> SitingStudy:
    """Return the question asked, checked; the communes of the territory are its units."""
    code = territory.strip()
    if objective not in OBJECTIVES:
        raise UsageError(f"L’objectif « {objective} » n’existe pas : choisissez parmi {', '.join(OBJECTIVES)}.")
    named = read.territory(connection, read.territory_level(connection, code), code)
    return SitingStudy(
        id="demande",
        title=f"{named['name']} : où ouvrir {poles} nouveau{'x' if poles > 1 else ''} pôle{'s' if poles > 1 else ''}",
        territory=code,
        services=tuple(dict.fromkeys(services)),
        defis=defis,
        poles=poles,
        objective=cast("Objective", objective),
        threshold_min=threshold_min,
        candidates=None if candidates is None else tuple(dict.fromkeys(candidates)),
        keep=None if keep is None else tuple(dict.fromkeys(keep)),
    )


@router.get("/implantation", include_in_schema=False)
def siting_page(
    *,
    request: Request,
    connection: ConnectionDep,
    settings: SettingsDep,
    etude: Annotated[str, Query(max_length=40)] = "",
    territory: Annotated[str, Query(max_length=60)] = "",
    services: Annotated[list[str] | None, Query(max_length=20)] = None,
    defis: Annotated[list[str] | None, Query(max_length=10)] = None,
    poles: Annotated[int, Query(ge=1, le=POLES_MAX)] = DEFAULT_POLES,
    objective: Annotated[str, Query(max_length=20)] = "mclp",
    threshold_min: Annotated[float, Query(gt=0, le=120)] = DEFAULT_THRESHOLD_MIN,
) -> HTMLResponse:
    """Show the form and a proposal with its reasons: the one asked for, or the study of Vire."""
    if territory:
        question = _question(
            connection,
            territory=territory,
            services=services or [],
            defis=dict.fromkeys(defis or [], 1.0),
            poles=poles,
            objective=objective,
            threshold_min=threshold_min,
        )
    else:
        if etude and etude not in NAMED_STUDIES:
            raise UsageError(f"L’étude « {etude} » n’existe pas : choisissez parmi {', '.join(NAMED_STUDIES)}.")
        question = read_siting_study(etude or NAMED_STUDIES[0])
    run = pipeline.site(connection, question, study_path=settings.study)
    document = publication.document(run)
    best = document["solutions"][0]
    return page(
        request,
        "implantation.html",
        sources=queries.sources(connection),
        run=run,
        document=document,
        best=best,
        about=run.parameters,
        question=run.parameters["question"],
        place=run.parameters["territory"],
        studies={name: read_siting_study(name) for name in NAMED_STUDIES},
        objective_labels=OBJECTIVE_LABELS,
        selectable=selectable(connection),
        new_sites=publication.new_sites,
        names=publication.names,
        proof=publication.status,
        regret=publication.regret,
        drawing=_drawing(connection, run),
        poles_max=POLES_MAX,
        **words(settings),
    )


def _drawing(connection: Connection, run: SitingRun) -> dict[str, Any] | None:
    """Return the outlines of the communes and the sites that fall in the frame, in metres, y downwards."""
    place = run.parameters["territory"]
    frame = views.frame(connection, place["level"], place["code"], margin=0.15)
    if frame is None:
        return None
    inside = set(read.descendants(connection, place["level"], place["code"], "commune"))
    west, north, width, height = (float(value) for value in frame.split())
    to_metres = Transformer.from_crs(crs.EXCHANGE, crs.STORAGE, always_xy=True)
    points = []
    for site in run.document["solutions"][0]["sites"]:
        x_m, y_m = to_metres.transform(site["lon"], site["lat"])
        if west <= x_m <= west + width and north <= -y_m <= north + height:
            points.append({**site, "x": round(x_m), "y": round(-y_m)})
    # Bare outlines of the neighbours would hide that the question stops at the territory.
    shapes = [shape for shape in views.outlines(connection, "commune") if shape.code in inside]
    size = math.sqrt(width * height)
    return {"frame": frame, "shapes": shapes, "points": points, "radius": round(size / 70), "text": round(size / 38)}
