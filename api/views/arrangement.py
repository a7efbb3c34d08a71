"""Rows arranged for the pages: sorted, cut, placed on a drawing; no figure is worked out here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from api.views.charts import Chart, chart
from api.views.page_queries import Row
from observatory.declared.study_reading import Study
from observatory.gap.series import Series
from observatory.publish import gap_explanation
from observatory.publish.colours import class_of
from observatory.store.statements import statement

ROWS_PER_PAGE: Final = 100
TONNAGES: Final = {"decheterie_": "decheterie_total_t", "dma_": "dma_total_t"}
"""Beginning of the name of tonnages by class → the one of all classes together."""
GRID_M: Final = {"region": 500, "departement": 500, "epci": 500, "commune": 150}
"""Grid of the drawn outlines, metres: under a pixel on a drawing of Normandy (convention de l'observatoire)."""


NAME_WIDTH_DEG: Final = 0.55
NAME_HEIGHT_DEG: Final = 0.12
"""Room that a name takes on the map of the region, in degrees (convention de l'observatoire)."""


@dataclass(frozen=True)
class Cut:
    """One page of rows."""

    rows: list[Row]
    number: int
    count: int
    total: int


@dataclass(frozen=True)
class Shape:
    """An outline on a drawing, in Lambert-93 metres, y downwards."""

    code: str
    name: str
    path: str


def sentences(row: Row, need: Row | None, study: Study) -> list[str]:
    """Return the sentences that explain a row of the default runs, from the need of the same territory."""
    defi = study.need(str(row["defi"]))
    indicators = [{"id": one.id, "label": one.label, "unit": one.unit} for one in defi.indicators]
    return gap_explanation.sentences(row, need["components"] if need else {}, indicators, row["parameters"])


def charts(found: Sequence[Series]) -> list[Chart]:
    """Return the drawings of a fiche; of the tonnages of a larger zone, the total alone."""
    kept = [one for one in found if one.basis != "around" or not _is_part(one.indicator)]
    return [drawing for one in kept if (drawing := chart(one)) is not None]


def _is_part(indicator: str) -> bool:
    return any(indicator.startswith(start) and indicator != total for start, total in TONNAGES.items())


def by_priority(rows: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return the rows from the highest priority to the lowest, then by name; the unknown last."""
    return sorted(
        (dict(row) for row in rows),
        key=lambda row: (
            row["priority_score"] is None,
            -(row["priority_score"] or 0.0),
            -(row["in_need_out_of_reach_count"] or 0),
            row["name"],
        ),
    )


def cut(rows: Sequence[Row], page: int, *, size: int = ROWS_PER_PAGE) -> Cut:
    """Return one page of rows; a page beyond the last shows the last."""
    count = max(1, -(-len(rows) // size))
    number = min(max(page, 1), count)
    return Cut(list(rows[(number - 1) * size : number * size]), number, count, len(rows))


def outlines(connection: Connection, level: str, code: str | None = None) -> list[Shape]:
    """Return the outlines of the territories of a level, or of one of them."""
    found = connection.execute(
        statement("160_outlines"), {"level": level, "code": code, "grid_m": GRID_M.get(level, 50)}
    )
    return [Shape(row.code, row.name, row.path) for row in found if row.path]


def frame(connection: Connection, level: str, code: str, *, margin: float = 0.03) -> str | None:
    """Return the ``viewBox`` of a drawing of one territory, with a margin; None where it has no outline."""
    extent = connection.execute(
        sa.text(
            "SELECT ST_XMin(geom), ST_YMin(geom), ST_XMax(geom), ST_YMax(geom) "
            "FROM observatory.territory WHERE level = :level AND code = :code AND geom IS NOT NULL"
        ),
        {"level": level, "code": code},
    ).one_or_none()
    if extent is None:
        return None
    west, south, east, north = extent
    pad = margin * max(east - west, north - south)
    return f"{west - pad:.0f} {-north - pad:.0f} {east - west + 2 * pad:.0f} {north - south + 2 * pad:.0f}"


def drawn(shapes: Sequence[Shape], rows: Sequence[Mapping[str, Any]], measure: str) -> list[dict[str, Any]]:
    """Return each outline with its row and the class of its figure."""
    by_code = {row["code"]: row for row in rows}
    return [
        {"shape": shape, "row": by_code.get(shape.code), "class": class_of(by_code.get(shape.code, {}).get(measure))}
        for shape in shapes
    ]


def spaced(towns: Sequence[Row], *, limit: int) -> list[Row]:
    """Return the first towns that leave each other room for their names, in the order given."""
    kept: list[Row] = []
    for town in towns:
        if all(
            abs(town["lon"] - other["lon"]) > NAME_WIDTH_DEG or abs(town["lat"] - other["lat"]) > NAME_HEIGHT_DEG
            for other in kept
        ):
            kept.append(town)
    return kept[:limit]
