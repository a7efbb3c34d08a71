"""The page where a reader asks where to open new poles: form, proposal, or the job that looks for it."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from pydantic import ValidationError
from pyproj import Transformer
from sqlalchemy import Connection
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api import errors
from api.dependencies import SettingsDep
from api.routes.siting import UNKNOWN_JOB, answer_or_job, find, finished, warned
from api.views import drawing, page_queries
from api.views.page_context import selectable, shared_context
from api.views.rendering import page
from api.views.siting_question import DEFAULT_THRESHOLD_MIN, SitingRequest
from observatory import crs
from observatory.declared.region import home_region
from observatory.declared.siting_file import read_siting_study
from observatory.declared.siting_options import DEFAULT_AIMS, CandidateFilters, Costs, Joint, JointService
from observatory.declared.siting_study import OBJECTIVE_LABELS, POLES_MAX, SitingStudy, study_of
from observatory.errors import UsageError
from observatory.parameters import LONGEST_THRESHOLD_MIN
from observatory.publish import siting_rows as publication
from observatory.runs.job_queue import give_up
from observatory.runs.siting.siting_run import SitingRun
from observatory.settings import Settings
from observatory.store import read
from observatory.store.job_rows import JobState
from observatory.words.numbers import amount

router = APIRouter()
DEFAULT_POLES: Final = 1
SEE_OTHER: Final = 303
DEFAULT_COST: Final = 1.0
"""Cost of a place or of a service that the form leaves empty, in the reader's unit (convention de l'observatoire)."""
PAGE_NOTE: Final = "coûts et budget saisis sur la page, dans l’unité choisie par le lecteur"
SCATTER_WIDTH: Final = 420
SCATTER_HEIGHT: Final = 260


@router.get("/implantation", include_in_schema=False)
def siting_page(
    *,
    request: Request,
    settings: SettingsDep,
    etude: Annotated[str, Query(max_length=40)] = "",
    calcul: Annotated[str, Query(max_length=60)] = "",
    territory: Annotated[str, Query(max_length=60)] = "",
    services: Annotated[list[str] | None, Query(max_length=20)] = None,
    defis: Annotated[list[str] | None, Query(max_length=10)] = None,
    poles: Annotated[int, Query(ge=1, le=POLES_MAX)] = DEFAULT_POLES,
    objective: Annotated[str, Query(max_length=20)] = "mclp",
    threshold_min: Annotated[float, Query(gt=0, le=LONGEST_THRESHOLD_MIN)] = DEFAULT_THRESHOLD_MIN,
    lieux: Annotated[list[str] | None, Query(max_length=10)] = None,
    min_population: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    gare: Annotated[str, Query(max_length=6)] = "",
    compromis: Annotated[bool, Query()] = False,
    budget: Annotated[str, Query(max_length=12)] = "",
    cout_lieu: Annotated[str, Query(max_length=12)] = "",
    commun: Annotated[bool, Query()] = False,
) -> Response:
    """Show the form and a proposal with its reasons: the one asked for, or the study of Vire."""
    if calcul:
        return _followed(request, settings, calcul)
    if territory:
        chosen = set(lieux or [])
        filters = _filters(chosen, min_population=min_population, station=gare)
        costs, joint = _spending(
            request, services or [], budget=budget, cout_lieu=cout_lieu, poles=poles, is_joint=commun
        )
        with _refused_by_name():
            asked = SitingRequest(
                territory=territory,
                services=services or [],
                defis=defis or [],
                poles=poles,
                objective=objective,
                threshold_min=threshold_min,
                layers=sorted(chosen & {"candidats", "friches"}),
                filters=filters,
                pareto=compromis,
                costs=costs,
                joint=joint,
            )
        with request.app.state.engine.begin() as connection:
            question = asked.question(connection)
    else:
        if etude and etude not in home_region().studies:
            raise UsageError(f"L’étude « {etude} » n’existe pas : choisissez parmi {', '.join(home_region().studies)}.")
        question = read_siting_study(etude or home_region().studies[0])
    found = answer_or_job(request, settings, question)
    if isinstance(found, JobState):
        return RedirectResponse(f"/implantation?calcul={found.job_id}", status_code=SEE_OTHER)
    return _shown(request, settings, found)


@router.post("/implantation/calculs/{job_id}/annuler", include_in_schema=False)
def cancel_page(request: Request, job_id: Annotated[str, Path(max_length=60)]) -> Response:
    """Cancel a job for a reader without JavaScript, and show what became of it."""
    give_up(request.app.state.engine, job_id)
    return RedirectResponse(f"/implantation?calcul={job_id}", status_code=SEE_OTHER)


def _filters(chosen: set[str], *, min_population: int, station: str) -> CandidateFilters:
    return CandidateFilters(
        is_qpv="qpv" in chosen,
        is_rural="rural" in chosen,
        min_population_count=min_population,
        station_max_min=_number(station, "Le temps jusqu’à une gare est un nombre de minutes."),
    )


def _spending(
    request: Request, services: list[str], *, budget: str, cout_lieu: str, poles: int, is_joint: bool
) -> tuple[Costs | None, Joint | None]:
    """Return the costs that the form declares, or the joint pole, whose services each have a cost of their own."""
    most = _number(budget, "Le budget est un nombre positif, dans l’unité que vous choisissez.")
    place = _number(cout_lieu, "Le coût d’un lieu est un nombre positif, dans l’unité que vous choisissez.")
    if most is None and is_joint:
        raise UsageError("Pour choisir les services lieu par lieu, donnez un budget : sans lui, tous seraient ouverts.")
    if most is None:
        return None, None
    place = DEFAULT_COST if place is None else place
    if not is_joint:
        return Costs(PAGE_NOTE, site=place, budget=most), None
    said = "Le coût d’un service est un nombre positif, dans l’unité que vous choisissez."
    each = {name: _number(request.query_params.get(f"cout_{name}", ""), said) for name in services}
    by_service = {name: JointService(DEFAULT_COST if cost is None else cost) for name, cost in each.items()}
    return None, Joint(PAGE_NOTE, site_cost=place, services=by_service, budget=most, poles=poles)


def _number(text: str, said: str) -> float | None:
    """Return the number of an optional field of the form, a comma for a point."""
    if not text.strip():
        return None
    try:
        value = float(text.replace(",", "."))
    except ValueError as error:
        raise UsageError(said) from error
    if not 0 <= value < math.inf:
        raise UsageError(said)
    return value


@contextlib.contextmanager
def _refused_by_name() -> Iterator[None]:
    """Name the field that the model of a question refuses."""
    try:
        yield
    except ValidationError as error:
        raise UsageError(f"Le champ « {error.errors()[0]['loc'][-1]} » n’est pas valable : corrigez-le.") from error


def _followed(request: Request, settings: Settings, job_id: str) -> Response:
    """Show the answer of a job, or how far it is."""
    state = find(request, job_id)
    if state is None:
        return errors.answer(request, 404, UNKNOWN_JOB)
    found = finished(state)
    if isinstance(found, SitingRun):
        return _shown(request, settings, found)
    question = study_of(state.question)
    with request.app.state.engine.begin() as connection:
        place = read.territory(connection, read.territory_level(connection, question.territory), question.territory)
        common = _common(connection, settings, question)
    return page(request, "implantation_calcul.html", job=state, question=question, place=place, **common)


def _common(connection: Connection, settings: Settings, question: SitingStudy) -> dict[str, Any]:
    return {
        "studies": {name: read_siting_study(name) for name in home_region().studies},
        "objective_labels": OBJECTIVE_LABELS,
        "selectable": selectable(connection),
        "poles_max": POLES_MAX,
        "chosen": _chosen(question),
        **shared_context(settings, connection),
    }


def _chosen(question: SitingStudy) -> dict[str, Any]:
    """Return what the form says of the candidates of a question."""
    filters, costs, joint = question.filters, question.costs, question.joint
    place = None if joint is None and costs is None else joint.site_cost if joint else costs.site if costs else None
    most = joint.budget if joint else costs.budget if costs else None
    is_on = {"qpv": filters.is_qpv, "rural": filters.is_rural}
    return {
        "lieux": {*question.layers, *(name for name, on in is_on.items() if on)},
        "min_population": filters.min_population_count,
        "gare": "" if filters.station_max_min is None else f"{filters.station_max_min:g}",
        "compromis": question.pareto == DEFAULT_AIMS,
        "budget": _written(most),
        "cout_lieu": _written(place),
        "commun": joint is not None,
        "couts": {} if joint is None else {name: _written(one.cost) for name, one in joint.services.items()},
    }


def _written(value: float | None) -> str:
    return "" if value is None else amount(value)


def _shown(request: Request, settings: Settings, run: SitingRun) -> HTMLResponse:
    document = warned(request, run)
    question = study_of(run.parameters["question"])
    with request.app.state.engine.begin() as connection:
        common = _common(connection, settings, question)
        sources = page_queries.sources(connection)
        drawing = _drawing(connection, run)
        place = run.parameters["territory"]
        bbox = read.territory(connection, place["level"], place["code"])["bbox"]
    return page(
        request,
        "implantation.html",
        sources=sources,
        run=run,
        document=document,
        best=document["solutions"][0],
        about=run.parameters,
        question=run.parameters["question"],
        place=run.parameters["territory"],
        new_sites=publication.new_sites,
        names=publication.names,
        proof=publication.status,
        regret=publication.regret,
        spending=publication.spending,
        left_open=publication.left_open,
        drawing=drawing,
        scatter=_scatter(document["pareto"]),
        map_settings={**_map_settings(settings, document, run), "bbox": bbox},
        **common,
    )


def _drawing(connection: Connection, run: SitingRun) -> dict[str, Any] | None:
    """Return the outlines of the communes and the sites that fall in the frame, in metres, y downwards."""
    place = run.parameters["territory"]
    frame = drawing.frame(connection, place["level"], place["code"], margin=0.15)
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
    shapes = [shape for shape in drawing.outlines(connection, "commune") if shape.code in inside]
    size = math.sqrt(width * height)
    return {"frame": frame, "shapes": shapes, "points": points, "radius": round(size / 70), "text": round(size / 38)}


def _map_settings(settings: Settings, document: dict[str, Any], run: SitingRun) -> dict[str, Any]:
    """Return what the map's script needs: the sites by kind, the frame, the territory, the operator's base map."""
    place = run.parameters["territory"]
    return {
        "sites": _map_points(document),
        "services": run.parameters["services"],
        "territory": {"level": place["level"], "code": place["code"]},
        "basemap": {"url": settings.basemap_url, "attribution": settings.basemap_attribution},
    }


def _map_points(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the sites of the map: existing, proposed, and those of the other solutions and refused alternatives."""
    points: dict[str, dict[str, Any]] = {}
    best, *rest = document["solutions"]
    refused = [site for why in best["why"] if why["alternative"] for site in why["alternative"]["sites"]]
    others = [site for solution in rest for site in publication.new_sites(solution)]
    for site in [*publication.new_sites(best), *best["sites"], *others, *refused]:
        is_new = not points.get(site["code"]) and site in publication.new_sites(best)
        kind = "existant" if site["is_existing"] else "nouveau" if is_new else "autre"
        shown = {name: site[name] for name in ("name", "lon", "lat", "services", "note")}
        points.setdefault(site["code"], {**shown, "kind": kind})
    return list(points.values())


def _scatter(front: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the compromises that open a pole on two axes, the first two aims, in the frame of a small drawing."""
    if front is None or len(front["aims"]) < 2:  # noqa: PLR2004  (two axes)
        return None
    across, up = (aim["id"] for aim in front["aims"][:2])
    listed = [
        (rank, one)
        for rank, one in enumerate(front["compromises"], start=1)
        if one["sites"] and None not in {one["values"][across], one["values"][up]}  # a small count has no place
    ]
    if len(listed) < 2:  # noqa: PLR2004  (a drawing of one point says nothing)
        return None
    pairs = [(one["values"][across], one["values"][up]) for _, one in listed]
    (x_low, x_high), (y_low, y_high) = ((min(axis), max(axis)) for axis in zip(*pairs, strict=True))
    points = [
        {
            "x": round(60 + (SCATTER_WIDTH - 90) * (x - x_low) / ((x_high - x_low) or 1.0), 1),
            "y": round(20 + (SCATTER_HEIGHT - 70) * (1 - (y - y_low) / ((y_high - y_low) or 1.0)), 1),
            "rank": rank,
            "is_proposal": one["is_proposal"],
            "names": ", ".join(site["name"] for site in one["sites"]),
        }
        for (rank, one), (x, y) in zip(listed, pairs, strict=True)
    ]
    return {
        "width": SCATTER_WIDTH,
        "height": SCATTER_HEIGHT,
        "points": points,
        "x": {"label": front["aims"][0]["label"], "low": x_low, "high": x_high},
        "y": {"label": front["aims"][1]["label"], "low": y_low, "high": y_high},
    }
