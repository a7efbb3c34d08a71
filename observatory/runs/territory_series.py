"""The series of a territory, as pages and the API show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from observatory.gap.series import Series, series_of

if TYPE_CHECKING:
    from sqlalchemy import Connection


def territory_series(connection: Connection, level: str, code: str) -> list[Series]:
    """Return every series of a territory, the closest to it first.

    Raises
    ------
    UnknownTerritoryError
        If no territory of that level bears the code.
    """
    from observatory.runs.need.small_counts import without_small_places
    from observatory.store import read

    territory: dict[str, Any] = read.territory(connection, level, code)
    return series_of(
        without_small_places(connection, read.series_frame(connection, level, code), level=level, code=code),
        level=level,
        code=code,
        name=str(territory["name"]),
        commune_count=territory["commune_count"],
    )
