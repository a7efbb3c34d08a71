"""French grammar for sentences made from figures: how a territory is named, elisions, plurals, lists."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_PREFIXES: Final = {
    "region": ("la région", "f"),
    "departement": ("le département", "m"),
    "epci": ("l’intercommunalité", "f"),
    "commune": ("la commune", "f"),
    "commune_deleguee": ("la commune déléguée", "f"),
    "qpv": ("le quartier prioritaire", "m"),
    "bassin_vie": ("le bassin de vie", "m"),
    "zone_emploi": ("la zone d’emploi", "f"),
}
_OF_A_PLACE: Final = ("commune", "commune_deleguee", "bassin_vie", "zone_emploi")
_EPCI_KINDS: Final = ("Communauté", "Métropole")
_MUTE_H: Final = re.compile(r"H(é|e[rl]|iv|ir|y)")
"""Initial h that elides, as in "d'Hérouville"; the others ("de Honfleur", "de Hambye") are of Germanic origin."""


@dataclass(frozen=True)
class Named:
    """A territory in a sentence: ``la communauté de communes Cœur de Nacre``, feminine."""

    words: str
    is_feminine: bool

    @property
    def start(self) -> str:
        """Return the words at the start of a sentence."""
        return capital(self.words)

    @property
    def pronoun(self) -> str:
        """Return ``elle`` or ``il``."""
        return "elle" if self.is_feminine else "il"


@dataclass(frozen=True)
class RegionNames:
    """A région in sentences: la Normandie, toute la Normandie, de Normandie, en Normandie, normand, normande."""

    name: str
    definite: str
    whole: str
    genitive: str
    locative: str
    adjective_m: str
    adjective_f: str
    inhabitants: str
    departements: Mapping[str, str]
    """Code of a département → what follows "le département": "de la Manche"; its name alone does not tell it."""


def territory(level: str, code: str, name: str, *, region: RegionNames) -> Named:
    """Name a territory with its kind and article.

    Parameters
    ----------
    level, code, name
        As in the results; a level that is not known here is called a territory.
    region
        Names of the région, which say how its départements are named.
    """
    prefix, gender = _PREFIXES.get(level, ("le territoire", "m"))
    if level == "epci" and name.startswith(_EPCI_KINDS):
        return Named(f"la {name[0].lower()}{name[1:]}", is_feminine=True)
    if level == "departement" and code in region.departements:
        return Named(f"{prefix} {region.departements[code]}", is_feminine=False)
    joined = of(name) if level in _OF_A_PLACE else name
    return Named(f"{prefix} {joined}", is_feminine=gender == "f")


def of(name: str) -> str:
    """Return a place's name after "de": ``d'Alençon``, ``du Havre``, ``des Andelys``, ``de La Haye``."""
    if name.startswith("Le "):
        return f"du {name[3:]}"
    if name.startswith("Les "):
        return f"des {name[4:]}"
    return f"d’{name}" if elides(name) else f"de {name}"


def elides(word: str) -> bool:
    """Return whether "de" loses its e before a word: a vowel, the y of places such as Yvetot, or a mute h."""
    first = unicodedata.normalize("NFD", word)[:1].upper()
    return first in set("AEIOUYŒÆ") or _MUTE_H.match(word) is not None


def quoted(words: str) -> str:
    """Return words between guillemets; those that they hold become the inner ones of French, “ and ”."""
    inner = re.sub(r"«\s*", "“", re.sub(r"\s*»", "”", words))
    return f"«\u00a0{inner}\u00a0»"


def capital(sentence: str) -> str:
    """Return a sentence with its first letter in upper case."""
    return sentence[:1].upper() + sentence[1:]


def plural(count: float, singular: str, several: str | None = None) -> str:
    """Return the form for a number; French is plural from 2 (``1,9 point``, ``2 points``)."""
    return (several or f"{singular}s") if abs(count) >= 2 else singular  # noqa: PLR2004


def listed(items: Sequence[str]) -> str:
    """Return ``a``, ``a et b``, ``a, b et c``."""
    from babel.lists import format_list  # a tenth of a second, which most commands don't need

    return format_list(items, locale="fr")


def shortened(items: Sequence[str], most: int, others: Callable[[int], str]) -> list[str]:
    """Return the first items, and where there are more the words that count the rest."""
    rest = len(items) - most
    return [*items[:most], *([others(rest)] if rest > 0 else [])]
