"""The pages of the region, whole without JavaScript: home, rural zones, quartiers, data, method."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from api.views import completeness_view, drawing, page_choices, page_queries, ranking
from api.views.directory_view import by_structure
from api.views.page_context import PageDep
from api.views.rendering import page
from observatory.declared.region import home_region
from observatory.declared.services import offer
from observatory.declared.travel import travel
from observatory.store import read

router = APIRouter(include_in_schema=False)
SHOWN_FIRST = 10
"""Rows of the short lists (convention de l'observatoire)."""
REJECTED_SHOWN = 500


@router.get("/")
def home(on: PageDep) -> HTMLResponse:
    """Show the region at a glance."""
    pairs = offer().pairs
    regions = {defi: on.report(page_choices.Choice(defi, service, "region")) for defi, service in pairs.items()}
    choice = page_choices.choose(on.study)
    report = on.report(choice)
    return on.show(
        "accueil.html",
        region=read.territory(on.connection, "region", home_region().code),
        counts=page_queries.level_counts(on.connection),
        level_sources={level: page_queries.level_source(on.connection, level) for level in ("commune", "epci", "qpv")},
        services_known=page_queries.service_counts(on.connection),
        reports={defi: (pairs[defi], one.rows[0], one) for defi, one in regions.items() if one.rows},
        choice=choice,
        report=report,
        worst=ranking.by_priority(report.rows)[:SHOWN_FIRST],
        drawing=drawing.of_level(on.connection, "epci", report.rows),
        pilots=[read.territory(on.connection, one.level, one.code) for one in home_region().pilots],
    )


@router.get("/zones-rurales")
def rural_page(on: PageDep) -> HTMLResponse:
    """Show the communes and inhabitants of the rural zonings."""
    return on.show(
        "zones_rurales.html",
        density=page_queries.rural_zones(on.connection, "densite"),
        frr=page_queries.rural_zones(on.connection, "frr"),
        rurality=page_queries.rural_zones(on.connection, "ruralite"),
    )


@router.get("/quartiers")
def districts_page(on: PageDep, service: str = "") -> HTMLResponse:
    """Show the QPV with the time to the nearest structure of a service."""
    chosen = page_choices.choose(on.study, defi="insertion", service=service, level="qpv")
    report = on.report(chosen)
    return on.show(
        "quartiers.html",
        choice=chosen,
        report=report,
        rows=sorted(report.rows, key=lambda row: (row["nearest_min"] is None, -(row["nearest_min"] or 0))),
        communes=page_queries.communes_of_districts(on.connection),
    )


@router.get("/donnees")
def data_page(
    on: PageDep,
    service: Annotated[str, Query(max_length=40)] = "",
) -> HTMLResponse:
    """Show every source with its age, and how complete each service's list is, by EPCI for one of them."""
    return on.show(
        "donnees.html",
        catalogue=on.sources,
        **completeness_view.of_region(on.connection, service),
        services_known=page_queries.service_counts(on.connection),
        indicators=page_queries.indicators(on.connection),
        rejected=read.rejected(on.connection, limit=REJECTED_SHOWN),
        accompaniment=page_queries.accompaniment(on.connection),
        zones_told=by_structure(read.directory_zones(on.connection)),
        places_told=by_structure(read.directory_places(on.connection)),
        territory_layers=read.territory_layers(on.connection),
    )


@router.get("/methode")
def method_page(on: PageDep) -> HTMLResponse:
    """Show what the figures mean, with the study's own parameters."""
    return on.show(
        "methode.html",
        travel=travel(),
    )


@router.get("/accessibilite")
def accessibility_page(request: Request) -> HTMLResponse:
    """Show what has been checked of the site's accessibility, and what has not."""
    return page(request, "accessibilite.html")
