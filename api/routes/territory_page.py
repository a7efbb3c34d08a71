"""The search of territories, and the page of one of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import Connection
from starlette.responses import HTMLResponse

from api.views import completeness_view, drawing, page_queries, ranking
from api.views.charts import charts
from api.views.page_context import PageDep
from api.views.page_queries import Row
from observatory.declared.services import offer
from observatory.declared.study_reading import Study
from observatory.publish import gap_explanation, known_of_expected
from observatory.runs.territory_series import territory_series
from observatory.store import read

router = APIRouter(include_in_schema=False)
STRUCTURES_SHOWN = 200


@router.get("/territoires")
def search_page(
    on: PageDep,
    q: Annotated[str, Query(max_length=100)] = "",
    rang: Annotated[int, Query(ge=1, le=1000)] = 1,
) -> HTMLResponse:
    """Show the search of territories, and the EPCI and départements when nothing is searched."""
    asked = q.strip()
    if asked:
        start = (rang - 1) * ranking.ROWS_PER_PAGE
        found = read.territories(on.connection, query=asked, limit=ranking.ROWS_PER_PAGE, offset=start)
        total = read.territory_count(on.connection, query=asked)
    else:
        found = [row for level in ("departement", "epci") for row in read.territories(on.connection, level)]
        total = len(found)
    return on.show(
        "territoires.html",
        asked=asked,
        found=found,
        rang=rang,
        total=total,
        pages=max(1, -(-total // ranking.ROWS_PER_PAGE)),
    )


@router.get("/territoires/{level}/{code}")
def territory_page(on: PageDep, level: str, code: str) -> HTMLResponse:
    """Show all that is known of one territory."""
    territory = read.territory(on.connection, level, code)
    study = on.study
    needs = page_queries.needs(on.connection, level, code)
    # Bassins and zones share their codes with communes: their structures are listed on their communes' pages.
    has_own_code = read.territory_level(on.connection, code) == level
    return on.show(
        "territoire.html",
        territory=territory,
        children=page_queries.children(on.connection, territory),
        needs=needs,
        indicators={defi: {item.id: item for item in need.indicators} for defi, need in study.needs.items()},
        gaps=(gaps := page_queries.gaps_of(on.connection, level, code)),
        paires=offer().pairs,
        charts=charts(territory_series(on.connection, level, code)),
        reasons=[
            (defi, service, gaps[defi, service], _sentences(gaps[defi, service], needs.get(defi), study))
            for defi, service in offer().explained_pairs
            if (defi, service) in gaps
        ],
        structures=read.structures(on.connection, territory=code, limit=STRUCTURES_SHOWN) if has_own_code else [],
        structure_count=read.structure_count(on.connection, territory=code) if has_own_code else 0,
        completeness_here=completeness_view.of_territory(on.connection, territory),
        held_labels=known_of_expected.layer_labels(),
        warnings=_warnings_of(on.connection, gaps),
        locator=drawing.locator(on.connection, level, code),
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
