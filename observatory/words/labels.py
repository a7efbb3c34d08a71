"""French words for what results are coded with: levels, typologies, statuses, columns; and French figures."""

from __future__ import annotations

from typing import Final

LEVELS: Final = {
    "region": "Région",
    "departement": "Département",
    "epci": "Intercommunalité",
    "commune": "Commune",
    "commune_deleguee": "Commune déléguée",
    "qpv": "Quartier prioritaire",
    "bassin_vie": "Bassin de vie",
    "zone_emploi": "Zone d'emploi",
    "iris": "IRIS",
}

TYPOLOGIES: Final = {
    "prioritaire": "Prioritaire",
    "a_conforter": "À conforter",
    "a_surveiller": "À surveiller",
    "couvert": "Couvert",
    "indetermine": "Indéterminé",
}

TYPOLOGY_MEANINGS: Final = {
    "prioritaire": "besoin fort, accès faible",
    "a_conforter": "besoin fort, accès assuré",
    "a_surveiller": "besoin modéré, accès faible",
    "couvert": "besoin modéré, accès assuré",
    "indetermine": "chiffres manquants",
}

STATUSES: Final = {
    "observed": "observé",
    "estimated": "estimé",
    "suppressed": "secret statistique",
    "missing": "manquant",
}

PLACES: Final = {
    "address": "à l’adresse",
    "commune_centre": "au centre de la commune",
    "town_hall": "à la mairie, faute d’adresse située",
    "unknown": "lieu inconnu",
}
"""Where a structure's point was put, by ``place_quality``."""

NARROW_SPACE: Final = "\u202f"
"""Narrow no-break space: French thousands separator, and the space before « ; : ! ? »."""


def count(value: float | None) -> str:
    """Return a whole number as French readers write it ("3 328 562"), or "–" where it is unknown."""
    return "–" if value is None else f"{value:,.0f}".replace(",", NARROW_SPACE)


def decimal(value: float | None, *, digits: int = 1) -> str:
    """Return a number with a decimal comma ("42,5"), or "–" where it is unknown."""
    return "–" if value is None else f"{value:,.{digits}f}".replace(",", NARROW_SPACE).replace(".", ",")


def figure(value: float | None) -> str:
    """Return a published figure: whole as it is ("3 110"), or with one decimal ("337 777,8"); "–" if unknown."""
    return count(value) if value is None or float(value).is_integer() else decimal(value)


def day(iso: str) -> str:
    """Return a day written ``2025-03-31`` as the French do: ``31/03/2025``; another text stays as it is."""
    parts = iso.split("-")
    return "/".join(reversed(parts)) if len(parts) == len(("year", "month", "day")) else iso


def verdict(code: str | None, share: float | None) -> str:
    """Return a verdict in words: « déficit robuste 94 % », « fragile 55 % », « pas de déficit (3 %) », or "–"."""
    if code is None or share is None:
        return "–"
    percent = f"{100.0 * share:.0f}{NARROW_SPACE}%"
    words = {
        "robuste": f"déficit robuste {percent}",
        "fragile": f"fragile {percent}",
        "absent": f"pas de déficit ({percent})",
    }
    return words.get(code, "verdict impossible")


def rank_interval(low: int | None, high: int | None) -> str:
    """Return the interval of a rank: « 3 à 12 », « 1 », or "–" where it is unknown."""
    if low is None or high is None:
        return "–"
    return count(low) if low == high else f"{count(low)} à {count(high)}"
