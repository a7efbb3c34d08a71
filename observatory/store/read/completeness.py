"""How many structures are known, by service and territory."""

from __future__ import annotations

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
