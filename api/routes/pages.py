"""The pages of the region, whole without JavaScript: home, rural zones, quartiers, data, method."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from api.dependencies import ConnectionDep, SettingsDep
from api.views import completeness_view, drawing, page_choices, page_queries, ranking
from api.views.directory_view import by_structure
from api.views.page_context import shared_context
from api.views.rendering import page
from observatory.declared.region import home_region
from observatory.declared.shown_services import paired_services
from observatory.publish import gap_rows as publication
from observatory.store import read

router = APIRouter(include_in_schema=False)
SHOWN_FIRST = 10
"""Rows of the short lists (convention de l'observatoire)."""
REJECTED_SHOWN = 500


@router.get("/")
def home(request: Request, connection: ConnectionDep, settings: SettingsDep) -> HTMLResponse:
    """Show the region at a glance."""
    pairs = paired_services()
    regions = {
        defi: publication.gap_report(connection, defi=defi, service=service, level="region", study_path=settings.study)
        for defi, service in pairs.items()
    }
    choice = page_choices.choose(page_choices.study(settings.study))
    report = publication.gap_report(
        connection, defi=choice.defi, service=choice.service, level="epci", study_path=settings.study
    )
    return page(
        request,
        "accueil.html",
        sources=page_queries.sources(connection),
        region=read.territory(connection, "region", home_region().code),
        counts=page_queries.level_counts(connection),
        level_sources={level: page_queries.level_source(connection, level) for level in ("commune", "epci", "qpv")},
        services_known=page_queries.service_counts(connection),
        reports={defi: (pairs[defi], one.rows[0], one) for defi, one in regions.items() if one.rows},
        choice=choice,
        report=report,
        worst=ranking.by_priority(report.rows)[:SHOWN_FIRST],
        drawing=drawing.of_level(connection, "epci", report.rows),
        pilots=[read.territory(connection, one.level, one.code) for one in home_region().pilots],
        **shared_context(settings, connection),
    )


@router.get("/zones-rurales")
def rural_page(request: Request, connection: ConnectionDep, settings: SettingsDep) -> HTMLResponse:
    """Show the communes and inhabitants of the rural zonings."""
    return page(
        request,
        "zones_rurales.html",
        sources=page_queries.sources(connection),
        density=page_queries.rural_zones(connection, "densite"),
        frr=page_queries.rural_zones(connection, "frr"),
        rurality=page_queries.rural_zones(connection, "ruralite"),
        **shared_context(settings, connection),
    )


@router.get("/quartiers")
def districts_page(
    request: Request, connection: ConnectionDep, settings: SettingsDep, service: str = ""
) -> HTMLResponse:
    """Show the QPV with the time to the nearest structure of a service."""
    chosen = page_choices.choose(page_choices.study(settings.study), defi="insertion", service=service, level="qpv")
    report = publication.gap_report(
        connection, defi=chosen.defi, service=chosen.service, level="qpv", study_path=settings.study
    )
    return page(
        request,
        "quartiers.html",
        sources=page_queries.sources(connection),
        choice=chosen,
        report=report,
        rows=sorted(report.rows, key=lambda row: (row["nearest_min"] is None, -(row["nearest_min"] or 0))),
        communes=page_queries.communes_of_districts(connection),
        **shared_context(settings, connection),
    )


@router.get("/donnees")
def data_page(
    request: Request,
    connection: ConnectionDep,
    settings: SettingsDep,
    service: Annotated[str, Query(max_length=40)] = "",
) -> HTMLResponse:
    """Show every source with its age, and how complete each service's list is, by EPCI for one of them."""
    catalogue = page_queries.sources(connection)
    return page(
        request,
        "donnees.html",
        sources=catalogue,
        catalogue=catalogue,
        **completeness_view.of_region(connection, service),
        services_known=page_queries.service_counts(connection),
        indicators=page_queries.indicators(connection),
        rejected=read.rejected(connection, limit=REJECTED_SHOWN),
        accompaniment=page_queries.accompaniment(connection),
        zones_told=by_structure(read.directory_zones(connection)),
        places_told=by_structure(read.directory_places(connection)),
        territory_layers=read.territory_layers(connection),
        **shared_context(settings, connection),
    )


@router.get("/methode")
def method_page(request: Request, connection: ConnectionDep, settings: SettingsDep) -> HTMLResponse:
    """Show what the figures mean, with the study's own parameters."""
    return page(
        request,
        "methode.html",
        sources=page_queries.sources(connection),
        travel=page_choices.travel(),
        **shared_context(settings, connection),
    )


@router.get("/accessibilite")
def accessibility_page(request: Request) -> HTMLResponse:
    """Show what has been checked of the site's accessibility, and what has not."""
    return page(request, "accessibilite.html")
