"""French words for what results are coded with: levels, typologies, statuses, columns, verdicts."""

from __future__ import annotations

from typing import Final

from observatory.words import numbers

LEVELS: Final = {
    "region": "Région",
    "departement": "Département",
    "epci": "Intercommunalité",
    "commune": "Commune",
    "commune_deleguee": "Commune déléguée",
    "qpv": "Quartier prioritaire",
    "bassin_vie": "Bassin de vie",
    "zone_emploi": "Zone d’emploi",
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

POPULATIONS: Final = {
    "published": "publiée",
    "iris_sum": "recomposée depuis les IRIS",
    "epci_remainder": "ce que laisse la population publiée de l’EPCI",
    "commune_sum": "somme des communes",
}
"""How a territory's population was found."""
PLACES: Final = {
    "address": "à l’adresse",
    "commune_centre": "au centre de la commune",
    "town_hall": "à la mairie, faute d’adresse située",
    "unknown": "lieu inconnu",
}
"""Where a structure's point was put, by ``place_quality``."""


PHASES: Final = {
    "emergence": "émergence",
    "creation": "création",
    "developpement": "développement",
    "essaimage": "essaimage",
    "lieu": "lieu",
}
"""Phases of a project that accompaniment is asked for, as ``accompagnement:emergence``."""


def verdict(code: str | None, share: float | None) -> str:
    """Return a verdict in words: « déficit robuste 94 % », « fragile 55 % », « pas de déficit (3 %) », or "–"."""
    if code is None or share is None:
        return numbers.UNKNOWN
    percent = numbers.percent(share, digits=0)
    words = {
        "robuste": f"déficit robuste {percent}",
        "fragile": f"fragile {percent}",
        "absent": f"pas de déficit ({percent})",
    }
    return words.get(code, "verdict impossible")
