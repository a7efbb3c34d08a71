"""Find territories by name, postcode or code: without accents, from the start of words, the best match first."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from observatory.errors import UnknownTerritoryError, UsageError
from observatory.store.read import rows
from observatory.store.read.name_words import ABBREVIATIONS, NUMBER, asked_words, fold, is_near, pattern
from observatory.store.tables import LEVELS, Territory

SEARCH_ORDER: Final = (
    "region",
    "departement",
    "epci",
    "commune",
    "commune_deleguee",
    "qpv",
    "zone_emploi",
    "bassin_vie",
    "iris",
)
"""The level meant first when a code or a name is borne at several levels."""
LISTED: Final = "101_territories"
SUGGESTIONS: Final = 3
SUGGESTION_SCORE: Final = 60.0
"""Least likeness (rapidfuzz's ``WRatio``, 0–100) for a name to be suggested (observatory's convention)."""


def territories(
    connection: sa.Connection,
    level: str | None = None,
    *,
    query: str | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[dict[str, Any]]:
    """Return the territories of a level (None: all but IRIS), or those whose name or code answers ``query``.

    Border communes are left out. Every word of ``query`` must begin a word of the name, or be short for it (St, Mt);
    five figures may be a postcode. Where nothing answers, names one slip away do, with ``is_near`` true.

    Returns
    -------
    list of dict
        ``level, code, name, population_count, population_status, population_source_id, source_id, vintage, is_partial,
        commune_count, parent_name, lon, lat`` (EPSG:4326), ``is_near``; by likeness, then level, then population; by
        name when there is no ``query``.

    Raises
    ------
    UsageError
        If the level is unknown.
    """
    parameters = _parameters(level, query)
    found = rows.page(connection, LISTED, parameters, limit=limit, offset=offset)
    if found or not query or rows.count(connection, LISTED, parameters):
        return found
    return rows.page(connection, LISTED, _nearest(connection, parameters, query), limit=limit, offset=offset)


def territory_count(connection: sa.Connection, level: str | None = None, *, query: str | None = None) -> int:
    """Return how many territories :func:`territories` would list without a limit."""
    parameters = _parameters(level, query)
    found = rows.count(connection, LISTED, parameters)
    return found if found or not query else rows.count(connection, LISTED, _nearest(connection, parameters, query))


def territory_level(connection: sa.Connection, code: str) -> str:
    """Return the level of the territory that bears ``code``; the largest if several do.

    Raises
    ------
    UnknownTerritoryError
        If none does; the message suggests the nearest.
    """
    query = (
        sa.select(Territory.level)
        .where(Territory.code == code.strip().upper())
        .order_by(sa.func.array_position(sa.literal(list(SEARCH_ORDER), sa.ARRAY(sa.Text)), Territory.level))
        .limit(1)
    )
    level = connection.execute(query).scalar()
    if level is None:
        raise UnknownTerritoryError(_unknown(connection, code, level=None))
    return level


def require_territory(connection: sa.Connection, level: str, code: str) -> None:
    """Raise unless ``code`` is that of a territory of ``level``.

    Raises
    ------
    UsageError
        If the level is unknown.
    UnknownTerritoryError
        If no territory of that level bears the code; the message suggests the nearest.
    """
    require_level(level)
    query = sa.select(Territory.code).where(Territory.level == level, Territory.code == code)
    if connection.execute(query).first() is None:
        raise UnknownTerritoryError(_unknown(connection, code, level=level))


def require_level(level: str) -> None:
    """Raise ``UsageError`` unless ``level`` is one of the levels."""
    if level not in LEVELS:
        raise UsageError(f"Le niveau « {level} » n’existe pas : choisissez parmi {', '.join(LEVELS)}.")


def _parameters(level: str | None, query: str | None) -> dict[str, Any]:
    if level is not None:
        require_level(level)
    asked = asked_words(query or "")
    numbers = [word for word in asked if NUMBER.fullmatch(word)]
    words = [word for word in asked if word not in numbers]
    if query and query.strip() and not asked:
        words = ["?"]  # punctuation alone looks for nothing that a name can hold
    return {
        "level": level,
        "code": fold(query or "").upper(),
        "phrase": " ".join(ABBREVIATIONS.get(word, (word,))[0] for word in words),
        "patterns": [pattern(word) if word != "?" else "[?]" for word in words],
        "numbers": numbers,
        "near": [],
        "levels": list(SEARCH_ORDER),
    }


def _nearest(connection: sa.Connection, parameters: dict[str, Any], query: str) -> dict[str, Any]:
    """Return the parameters of the territories whose name is a slip away from what is looked for."""
    words = [] if parameters["numbers"] else asked_words(query)
    level = parameters["level"]
    of_level = Territory.level != "iris" if level is None else Territory.level == level
    named = sa.select(Territory.level, Territory.code, Territory.name).where(of_level, ~Territory.is_border)
    names = connection.execute(named) if words else ()
    return {**parameters, "near": [f"{one.level}:{one.code}" for one in names if is_near(words, one.name)]}


def _unknown(connection: sa.Connection, code: str, *, level: str | None) -> str:
    from rapidfuzz import fuzz, process

    query = sa.select(Territory.level, Territory.code, Territory.name).where(
        Territory.level == level if level else Territory.level.not_in(("iris", "zone_emploi", "bassin_vie"))
    )
    known = list(connection.execute(query.where(~Territory.is_border).order_by(Territory.level, Territory.code)))
    by_name = any(letter.isalpha() for letter in code) and not code.strip().upper().startswith("QN")
    likeness = fuzz.WRatio if by_name else fuzz.ratio
    choices = [fold(one.name) if by_name else one.code for one in known]
    wanted = fold(code) if by_name else code.strip()
    found = process.extract(wanted, choices, scorer=likeness, score_cutoff=SUGGESTION_SCORE, limit=SUGGESTIONS)
    near = ", ".join(f"{known[position].name} ({known[position].code})" for _, _, position in found)
    return f"Aucun territoire n’a le code « {code} »" + (
        f" : vouliez-vous dire {near} ?" if near else " : cherchez-le sur la page des territoires."
    )
