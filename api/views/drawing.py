"""Territories drawn on the server: outlines, the frame around them, the class of each, the names that fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from api.views.page_queries import Row
from observatory.declared.region import home_region
from observatory.publish.colours import class_of
from observatory.store.statements import statement

GRID_M: Final = {"region": 500, "departement": 500, "epci": 500, "commune": 150}
"""Grid of the drawn outlines, metres: under a pixel on a drawing of Normandy (convention de l'observatoire)."""
NAME_WIDTH_DEG: Final = 0.55
NAME_HEIGHT_DEG: Final = 0.12
"""Room that a name takes on the map of the region, in degrees (convention de l'observatoire)."""


@dataclass(frozen=True)
class Shape:
    """An outline on a drawing, in Lambert-93 metres, y downwards."""

    code: str
    name: str
    path: str


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


def of_level(connection: Connection, level: str, rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the drawing of a level with the priority of each territory; None where its outlines are too many."""
    if level not in {"epci", "departement"}:  # 2,643 outlines are for the map, not for a page
        return None
    box = frame(connection, "region", home_region().code)
    if box is None:
        return None
    return {
        "frame": box,
        "shapes": drawn(outlines(connection, level), rows, "priority_score"),
        "borders": outlines(connection, "departement"),
        "level": level,
    }


def locator(connection: Connection, level: str, code: str) -> dict[str, Any] | None:
    """Return where a territory lies in the region; None where it has no outline."""
    box = frame(connection, "region", home_region().code)
    shapes = outlines(connection, level, code)
    if box is None or not shapes:
        return None
    return {"frame": box, "borders": outlines(connection, "departement"), "shape": shapes[0]}
