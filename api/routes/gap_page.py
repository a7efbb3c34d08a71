"""The page of gaps: form, table by priority, totals, reasons, profile of the region."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from sqlalchemy import Connection
from starlette.responses import HTMLResponse

from api.views import drawing, page_choices, page_queries, ranking
from api.views.page_context import PageDep, selectable
from observatory.publish import gap_rows as publication
from observatory.publish.gap_explanation import explained
from observatory.publish.gap_report import GapReport
from observatory.publish.profile_text import sections

router = APIRouter(include_in_schema=False)
EXPLAINED_FIRST: Final = 10
"""Rows told in sentences under the table (convention de l'observatoire)."""


@router.get("/lacunes")
def gaps_page(
    *,
    on: PageDep,
    defi: str = "",
    service: str = "",
    level: str = "",
    territory: Annotated[str | None, Query(max_length=60)] = None,
    threshold_min: Annotated[str, Query(max_length=10)] = "",
    closed_border: bool = False,
    rang: Annotated[int, Query(ge=1, le=1000)] = 1,
) -> HTMLResponse:
    """Show a gap analysis: the form, the table by priority, the totals, the quadrants."""
    choice = page_choices.choose(
        on.study,
        defi=defi,
        service=service,
        level=level,
        territory=territory,
        threshold_min=page_choices.minutes(threshold_min),
        closed_border=closed_border,
        with_phases=True,
    )
    report = on.report(choice, territory=choice.territory)
    rows = ranking.by_priority(report.rows)
    place = page_queries.place(on.connection, choice.territory) if choice.territory else None
    return on.show(
        "lacunes.html",
        choice=choice,
        place=place,
        report=report,
        rows=rows,
        cut=(shown := ranking.cut(rows, rang)),
        reasons=_reasons(on.connection, report, shown.rows[:EXPLAINED_FIRST]),
        totals=publication.totals(rows),
        drawing=drawing.of_level(on.connection, choice.level, rows) if not place else None,
        selectable=selectable(on.connection),
        cuts=on.study.cuts,
        gap_services=page_choices.gap_services(on.study),
        profil=[] if choice.closed_border else sections(report),
        profil_sources=_profile_sources(report),
    )


def _profile_sources(report: GapReport) -> dict[str, list[str]]:
    """Return the sources of each part of a profile."""
    used = [str(source["source_id"]) for source in report.sources]
    volume = (report.profile or {}).get("volume")
    own = [] if volume is None else [str(volume["source_id"])]
    return {"poches": used, "profondeur": used, "quartiers": used, "volumes": own, "classement": used}


def _reasons(
    connection: Connection, report: GapReport, rows: list[dict[str, Any]]
) -> list[tuple[dict[str, Any], list[str]]]:
    """Return the first rows of a page with the sentences that explain each."""
    shown = explained(connection, replace(report, rows=rows))
    return [(row, [row["explanation"]]) for row in shown.rows if row["population_count"]]
