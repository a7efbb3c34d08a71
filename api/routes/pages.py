"""The pages, whole without JavaScript."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection
from starlette.responses import HTMLResponse

from api.dependencies import ConnectionDep, SettingsDep
from api.views import arrangement, completeness_view, page_choices, page_queries
from api.views.directory_view import by_structure
from api.views.page_context import selectable, words
from api.views.rendering import page
from observatory.declared.shown_services import explained_pairs, paired_services
from observatory.publish import gap_rows as publication
from observatory.publish import known_of_expected
from observatory.publish.gap_explanation import explained
from observatory.publish.profile_text import sections
from observatory.publish.series_points import territory_series
from observatory.store import read

router = APIRouter(include_in_schema=False)
SHOWN_FIRST = 10
"""Rows of the short lists (convention de l'observatoire)."""
STRUCTURES_SHOWN = 200
REJECTED_SHOWN = 500

Territory = Annotated[str | None, Query(max_length=60)]


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
        region=read.territory(connection, "region", "28"),
        counts=page_queries.level_counts(connection),
        level_sources={level: page_queries.level_source(connection, level) for level in ("commune", "epci", "qpv")},
        services_known=page_queries.service_counts(connection),
        reports={defi: (pairs[defi], one.rows[0], one) for defi, one in regions.items() if one.rows},
        choice=choice,
        report=report,
        worst=arrangement.by_priority(report.rows)[:SHOWN_FIRST],
        drawing=_drawing(connection, "epci", report.rows),
        pilots=[read.territory(connection, level, code) for level, code in page_choices.PILOTS],
        **words(settings, connection),
    )


@router.get("/lacunes")
def gaps_page(
    *,
    request: Request,
    connection: ConnectionDep,
    settings: SettingsDep,
    defi: str = "",
    service: str = "",
    level: str = "",
    territory: Territory = None,
    threshold_min: Annotated[str, Query(max_length=10)] = "",
    closed_border: bool = False,
    rang: Annotated[int, Query(ge=1, le=1000)] = 1,
) -> HTMLResponse:
    """Show a gap analysis: the form, the table by priority, the totals, the quadrants."""
    choice = page_choices.choose(
        page_choices.study(settings.study),
        defi=defi,
        service=service,
        level=level,
        territory=territory,
        threshold_min=page_choices.minutes(threshold_min),
        closed_border=closed_border,
        with_phases=True,
    )
    report = publication.gap_report(
        connection,
        defi=choice.defi,
        service=choice.service,
        level=choice.level,
        territory=choice.territory,
        threshold_min=choice.threshold_min,
        closed_border=choice.closed_border,
        study_path=settings.study,
    )
    rows = arrangement.by_priority(report.rows)
    place = page_queries.place(connection, choice.territory) if choice.territory else None
    return page(
        request,
        "lacunes.html",
        sources=page_queries.sources(connection),
        choice=choice,
        place=place,
        report=report,
        rows=rows,
        cut=(shown := arrangement.cut(rows, rang)),
        reasons=_reasons(connection, report, shown.rows[:SHOWN_FIRST]),
        totals=publication.totals(rows),
        drawing=_drawing(connection, choice.level, rows) if not place else None,
        selectable=selectable(connection),
        cuts=page_choices.study(settings.study).cuts,
        gap_services=page_choices.gap_services(page_choices.study(settings.study)),
        profil=[] if choice.closed_border else sections(report),
        profil_sources=_profile_sources(report),
        **words(settings, connection),
    )


@router.get("/territoires")
def search_page(
    request: Request,
    connection: ConnectionDep,
    settings: SettingsDep,
    q: Annotated[str, Query(max_length=100)] = "",
    rang: Annotated[int, Query(ge=1, le=1000)] = 1,
) -> HTMLResponse:
    """Show the search of territories, and the EPCI and départements when nothing is searched."""
    asked = q.strip()
    if asked:
        start = (rang - 1) * arrangement.ROWS_PER_PAGE
        found = read.territories(connection, query=asked, limit=arrangement.ROWS_PER_PAGE, offset=start)
        total = read.territory_count(connection, query=asked)
    else:
        found = [row for level in ("departement", "epci") for row in read.territories(connection, level)]
        total = len(found)
    return page(
        request,
        "territoires.html",
        sources=page_queries.sources(connection),
        asked=asked,
        found=found,
        rang=rang,
        total=total,
        pages=max(1, -(-total // arrangement.ROWS_PER_PAGE)),
        **words(settings, connection),
    )


@router.get("/territoires/{level}/{code}")
def territory_page(
    request: Request, connection: ConnectionDep, settings: SettingsDep, level: str, code: str
) -> HTMLResponse:
    """Show all that is known of one territory."""
    territory = read.territory(connection, level, code)
    study = page_choices.study(settings.study)
    needs = page_queries.needs(connection, level, code)
    # Bassins and zones share their codes with communes: their structures are listed on their communes' pages.
    has_own_code = read.territory_level(connection, code) == level
    return page(
        request,
        "territoire.html",
        sources=page_queries.sources(connection),
        territory=territory,
        children=page_queries.children(connection, territory),
        needs=needs,
        indicators={defi: {item.id: item for item in need.indicators} for defi, need in study.needs.items()},
        gaps=(gaps := page_queries.gaps_of(connection, level, code)),
        paires=paired_services(),
        charts=arrangement.charts(territory_series(connection, level, code)),
        reasons=[
            (defi, service, gaps[defi, service], arrangement.sentences(gaps[defi, service], needs.get(defi), study))
            for defi, service in explained_pairs()
            if (defi, service) in gaps
        ],
        structures=read.structures(connection, territory=code, limit=STRUCTURES_SHOWN) if has_own_code else [],
        structure_count=read.structure_count(connection, territory=code) if has_own_code else 0,
        completeness_here=completeness_view.of_territory(connection, territory),
        held_labels=known_of_expected.layer_labels(),
        warnings=_warnings_of(connection, gaps),
        locator=_locator(connection, level, code),
        **words(settings, connection),
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
        **words(settings, connection),
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
        **words(settings, connection),
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
        **words(settings, connection),
    )


def _warnings_of(connection: Connection, gaps: dict[tuple[str, str], page_queries.Row]) -> tuple[str, ...]:
    """Return what to know before using the gaps of a territory: the lists and the sources that they rest on."""
    used = {source_id for row in gaps.values() for source_id in row["source_ids"]}
    return known_of_expected.warnings(connection, services=[service for _, service in gaps], source_ids=used)


@router.get("/methode")
def method_page(request: Request, connection: ConnectionDep, settings: SettingsDep) -> HTMLResponse:
    """Show what the figures mean, with the study's own parameters."""
    return page(
        request,
        "methode.html",
        sources=page_queries.sources(connection),
        travel=page_choices.travel(),
        **words(settings, connection),
    )


@router.get("/accessibilite")
def accessibility_page(request: Request) -> HTMLResponse:
    """Show what has been checked of the site's accessibility, and what has not."""
    return page(request, "accessibilite.html")


def _profile_sources(report: publication.GapReport) -> dict[str, list[str]]:
    """Return the sources of each part of a profile."""
    used = [str(source["source_id"]) for source in report.sources]
    volume = (report.profile or {}).get("volume")
    own = [] if volume is None else [str(volume["source_id"])]
    return {"poches": used, "profondeur": used, "quartiers": used, "volumes": own, "classement": used}


def _reasons(
    connection: Connection, report: publication.GapReport, rows: list[dict[str, Any]]
) -> list[tuple[dict[str, Any], list[str]]]:
    """Return the first rows of a page with the sentences that explain each."""
    shown = explained(connection, replace(report, rows=rows))
    return [(row, [row["explanation"]]) for row in shown.rows if row["population_count"]]


def _drawing(connection: Connection, level: str, rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    if level not in {"epci", "departement"}:  # 2,643 outlines are for the map, not for a page
        return None
    frame = arrangement.frame(connection, "region", "28")
    if frame is None:
        return None
    return {
        "frame": frame,
        "shapes": arrangement.drawn(arrangement.outlines(connection, level), rows, "priority_score"),
        "borders": arrangement.outlines(connection, "departement"),
        "level": level,
    }


def _locator(connection: Connection, level: str, code: str) -> dict[str, Any] | None:
    frame = arrangement.frame(connection, "region", "28")
    shapes = arrangement.outlines(connection, level, code)
    if frame is None or not shapes:
        return None
    return {"frame": frame, "borders": arrangement.outlines(connection, "departement"), "shape": shapes[0]}
