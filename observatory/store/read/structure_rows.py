"""Structures, with their services, by service, territory or extent."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from observatory.errors import UsageError
from observatory.store.read import rows
from observatory.store.read.search import territory_level
from observatory.store.read.territory_rows import SMALLER_THAN_COMMUNE, descendants

MAX_LON: Final = 180.0
PROJECTED_LAT: Final = 89.0
"""Beyond, Lambert-93 has no finite place for a point."""
MAX_LAT: Final = 90.0
Bbox = tuple[float, float, float, float]
"""West, south, east, north, in degrees (EPSG:4326)."""


def structures(
    connection: sa.Connection,
    *,
    service: str | None = None,
    territory: str | None = None,
    bbox: Bbox | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[dict[str, Any]]:
    """Return structures in alphabetical order, on both sides of the border.

    Parameters
    ----------
    service
        Only those that offer it.
    territory
        Code of a territory: only those in its communes (or within the perimeter of a QPV or commune déléguée).
    bbox
        Only those placed inside.

    Returns
    -------
    list of dict
        The structure's columns, ``lon, lat`` (EPSG:4326, None where the place is unknown), ``services``,
        ``record_count`` (rows of sources that name it), and, for accompaniment, ``role, phases, devices, zone_level,
        zone_code, note``.

    Raises
    ------
    UnknownTerritoryError
        If no territory bears the code.
    UsageError
        If the extent or the bounds of the list make no sense.
    """
    parameters = _parameters(connection, service, territory, bbox)
    return rows.page(connection, "110_structures", parameters, limit=limit, offset=offset)


def structure_count(
    connection: sa.Connection,
    *,
    service: str | None = None,
    territory: str | None = None,
    bbox: Bbox | None = None,
) -> int:
    """Return how many structures :func:`structures` would list without a limit."""
    return rows.count(connection, "110_structures", _parameters(connection, service, territory, bbox))


def _parameters(
    connection: sa.Connection, service: str | None, territory: str | None, bbox: Bbox | None
) -> dict[str, Any]:
    west, south, east, north = (None, None, None, None) if bbox is None else _checked(bbox)
    parameters: dict[str, Any] = {"service": service, "communes": None, "level": None, "code": None}
    if territory is not None:
        code = territory.strip().upper()
        level = territory_level(connection, code)
        if level in SMALLER_THAN_COMMUNE:
            parameters |= {"level": level, "code": code}
        else:
            parameters["communes"] = descendants(connection, level, code, "commune", include_border=level == "commune")
    return parameters | {"west": west, "south": south, "east": east, "north": north}


def _checked(bbox: Bbox) -> Bbox:
    west, south, east, north = bbox
    if not (-MAX_LON <= west < east <= MAX_LON and -MAX_LAT <= south < north <= MAX_LAT):
        raise UsageError("L’emprise doit être « ouest,sud,est,nord », en degrés (par exemple -1.5,48.5,0.5,49.5).")
    return west, max(south, -PROJECTED_LAT), east, min(north, PROJECTED_LAT)
