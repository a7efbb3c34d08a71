"""One territory and what it holds or belongs to."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from observatory import crs
from observatory.store.read.search import SEARCH_ORDER, require_level, require_territory
from observatory.store.statements import statement
from observatory.store.tables import Territory

SMALLER_THAN_COMMUNE: Final = frozenset({"commune_deleguee", "qpv", "iris"})


def territory(connection: sa.Connection, level: str, code: str) -> dict[str, Any]:
    """Return a territory with its parents, zonings and the number of territories that it holds.

    Returns
    -------
    dict
        ``level, code, name, vintage, population_count, population_status, population_source_id, source_id, is_border,
        is_partial, commune_count, area_km2, lon, lat, bbox`` (EPSG:4326), ``parents`` (``[{level, code, name}]``,
        the nearest first), ``zonings``, ``child_counts`` (``{level: count}``).

    Raises
    ------
    UsageError
        If the level is unknown.
    UnknownTerritoryError
        If no territory of that level bears the code.
    """
    require_level(level)
    parameters = {"level": level, "code": code, "levels": list(SEARCH_ORDER)}
    row = connection.execute(statement("102_territory"), parameters).mappings().first()
    if row is None:
        require_territory(connection, level, code)
        raise AssertionError(code)
    return dict(row)


def descendants(
    connection: sa.Connection, level: str, code: str, at_level: str, *, include_border: bool = False
) -> list[str]:
    """Return the codes at ``at_level`` of what a territory holds, or of what holds it when that level is above.

    An EPCI that has a commune in a département is of that département. A territory smaller than a commune (QPV, commune
    déléguée, IRIS) holds nothing, and belongs to what its communes belong to.

    Raises
    ------
    UsageError
        If a level is unknown.
    UnknownTerritoryError
        If no territory of that level bears the code.
    """
    require_level(at_level)
    require_territory(connection, level, code)
    if level == at_level:
        return [code]
    if level in SMALLER_THAN_COMMUNE and at_level in SMALLER_THAN_COMMUNE:
        return []
    parameters = {"level": level, "code": code, "at_level": at_level, "include_border": include_border}
    return list(connection.execute(statement("103_descendants"), parameters).scalars())


def children(connection: sa.Connection, level: str, code: str, at_level: str) -> list[dict[str, Any]]:
    """Return the territories that :func:`descendants` names, by name: ``level, code, name, population_count, …``."""
    query = (
        sa.select(
            Territory.level,
            Territory.code,
            Territory.name,
            Territory.population_count,
            Territory.population_status,
            Territory.is_partial,
            Territory.commune_count,
        )
        .where(Territory.level == at_level, Territory.code.in_(descendants(connection, level, code, at_level)))
        .order_by(Territory.name.collate("fr-x-icu"), Territory.code)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def geometries(
    connection: sa.Connection, level: str, codes: list[str] | None = None, *, digits: int = 5
) -> dict[str, str | None]:
    """Return the GeoJSON geometry (text, EPSG:4326) of each territory of a level, by code; None where there is none.

    Parameters
    ----------
    codes
        Only these; None: the whole level, border left out.
    digits
        Decimals of a degree; 5 is about a metre.
    """
    require_level(level)
    shape = sa.func.ST_AsGeoJSON(sa.func.ST_Transform(Territory.geom, crs.EXCHANGE), digits)
    query = sa.select(Territory.code, shape.label("geometry")).where(Territory.level == level)
    query = query.where(~Territory.is_border) if codes is None else query.where(Territory.code.in_(codes))
    return {row.code: row.geometry for row in connection.execute(query.order_by(Territory.code))}
