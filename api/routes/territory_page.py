"""The search of territories, and the page of one of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection
from starlette.responses import HTMLResponse

from api.dependencies import ConnectionDep, SettingsDep
from api.views import completeness_view, drawing, page_choices, page_queries, ranking
from api.views.charts import charts
from api.views.page_context import shared_context
from api.views.page_queries import Row
from api.views.rendering import page
from observatory.declared.shown_services import explained_pairs, paired_services
from observatory.declared.study_reading import Study
from observatory.publish import gap_explanation, known_of_expected
from observatory.publish.series_points import territory_series
from observatory.store import read

router = APIRouter(include_in_schema=False)
STRUCTURES_SHOWN = 200


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
        start = (rang - 1) * ranking.ROWS_PER_PAGE
        found = read.territories(connection, query=asked, limit=ranking.ROWS_PER_PAGE, offset=start)
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
        pages=max(1, -(-total // ranking.ROWS_PER_PAGE)),
        **shared_context(settings, connection),
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
        charts=charts(territory_series(connection, level, code)),
        reasons=[
            (defi, service, gaps[defi, service], _sentences(gaps[defi, service], needs.get(defi), study))
            for defi, service in explained_pairs()
            if (defi, service) in gaps
        ],
        structures=read.structures(connection, territory=code, limit=STRUCTURES_SHOWN) if has_own_code else [],
        structure_count=read.structure_count(connection, territory=code) if has_own_code else 0,
        completeness_here=completeness_view.of_territory(connection, territory),
        held_labels=known_of_expected.layer_labels(),
        warnings=_warnings_of(connection, gaps),
        locator=drawing.locator(connection, level, code),
        **shared_context(settings, connection),
    )


def _sentences(row: Row, need: Row | None, study: Study) -> list[str]:
    """Return the sentences that explain a row of the default runs, from the need of the same territory."""
    defi = study.need(str(row["defi"]))
    indicators = [{"id": one.id, "label": one.label, "unit": one.unit} for one in defi.indicators]
    return gap_explanation.sentences(row, need["components"] if need else {}, indicators, row["parameters"])


def _warnings_of(connection: Connection, gaps: dict[tuple[str, str], page_queries.Row]) -> tuple[str, ...]:
    """Return what to know before using the gaps of a territory: the lists and the sources that they rest on."""
    used = {source_id for row in gaps.values() for source_id in row["source_ids"]}
    return known_of_expected.warnings(connection, services=[service for _, service in gaps], source_ids=used)
