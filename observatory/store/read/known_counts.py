"""How many structures, and things of each layer, are known by territory."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from observatory.store.statements import statement


def known_services(connection: sa.Connection, level: str, code: str | None = None) -> dict[str, dict[str, int]]:
    """Return how many active structures are known, by territory code then by service.

    Parameters
    ----------
    level
        Level of the territories: a commune or above.
    code
        One territory only; None: all those of the level.
    """
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(statement("180_known_services"), {"level": level, "code": code}):
        found.setdefault(row.code, {})[row.service] = row.known_count
    return found


def known_layers(connection: sa.Connection, level: str, code: str | None = None) -> list[dict[str, Any]]:
    """Return ``code, name`` and how many ``communes, population, quartiers`` each territory of the region holds.

    Parameters
    ----------
    level
        Level of the territories: a commune or above.
    code
        One territory only; None: all those of the level.
    """
    rows = connection.execute(statement("181_known_layers"), {"level": level, "code": code}).mappings()
    return [dict(row) for row in rows]
