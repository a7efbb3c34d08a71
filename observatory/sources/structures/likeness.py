"""How alike two records of one commune are, from their names and addresses alone: the score that decides a merge."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from rapidfuzz import fuzz, process

from observatory.sources.structures.establishments import slug

STREETS: Final = {
    "r": "rue",
    "av": "avenue",
    "ave": "avenue",
    "bd": "boulevard",
    "bld": "boulevard",
    "pl": "place",
    "rte": "route",
    "chem": "chemin",
    "che": "chemin",
    "imp": "impasse",
    "all": "allee",
    "crs": "cours",
    "sq": "square",
    "st": "saint",
    "ste": "sainte",
    "mal": "marechal",
    "gal": "general",
    "prof": "professeur",
    "dr": "docteur",
}
"""Abbreviations of addresses → words."""
NAMES: Final = {
    "st": "saint",
    "ste": "sainte",
    "association": "asso",
    "assoc": "asso",
    "ass": "asso",
    "com": "commune",
    "ctre": "centre",
    "ent": "entreprise",
}
"""Abbreviations of names → words."""
LINKS: Final = frozenset({"de", "du", "des", "la", "le", "les", "l", "d", "et", "a", "au", "aux"})
"""Words that tell nothing apart."""
SAME_LABEL: Final = re.compile(
    r"\b(?:(?:france services? )?(?:point info|pi info|pi) 14(?: france services?)?"
    r"|(?:maison|espace) france services?|france service)\b"
)
"""One label under several names: the « points info 14 » of Calvados are its France services."""
TRAVELLING: Final = frozenset({"bus", "camion", "itinerant", "itinerante", "mobile", "mobiles"})
"""Words of a service that travels: it is not the counter at the address that it leaves from."""
COMPANIES: Final = frozenset({"sarl", "eurl", "sas", "sasu", "sa", "scop", "scic"})
ASSOCIATION: Final = "asso"
HOUSE: Final = re.compile(r"\b0*([1-9]\d{0,3})\b")
NO_ADDRESS: Final = -1.0


@dataclass(frozen=True)
class Likened:
    """What two records are compared on."""

    name: str
    """Words in full, without those that tell nothing apart, in lower-case ASCII."""
    address: str
    house: str | None
    """Number in the street."""
    is_travelling: bool
    form: str | None
    """``asso`` or ``company`` where the name says it."""
    city: frozenset[str]
    """Words of the city of the address."""


def likened(name: object, address: object, city: object) -> Likened:
    """Reduce a record to what it is compared on; what is not text counts as absent."""
    plain = SAME_LABEL.sub("france services", " ".join(NAMES.get(word, word) for word in _words(name)))
    words = plain.split()
    form = ASSOCIATION if ASSOCIATION in words else "company" if COMPANIES & set(words) else None
    street = address_key(address)
    number = HOUSE.search(street)
    return Likened(
        name=" ".join(word for word in words if word not in LINKS),
        address=" ".join(word for word in street.split() if word not in LINKS and word != "0"),
        house=number.group(1) if number else None,
        is_travelling=bool(TRAVELLING & set(words)),
        form=form,
        city=frozenset(NAMES.get(word, word) for word in _words(city)),
    )


def address_key(address: object) -> str:
    """Return an address in full words, lower-case ASCII, without « bis » and « ter »."""
    words = " ".join(STREETS.get(word, word) for word in _words(address))
    return re.sub(r"\b(\d+) ?(?:bis|ter|quater|b|t)\b", r"\1", words)


def scores(block: Sequence[Likened], rows: Sequence[int]) -> np.ndarray:
    """Return the likeness of some records of a commune to all of its records.

    The score is the mean of two similarities of sorted words (rapidfuzz ``token_sort_ratio``, 0–100): of the names,
    without the words of the commune's own name, and of the addresses. It is 0 where the two can't be one: two numbers
    in the street, a service that travels and one that doesn't, an association and a company.

    Parameters
    ----------
    block
        Records of one commune.
    rows
        Positions in ``block`` of the records to compare.

    Returns
    -------
    numpy.ndarray
        ``(len(rows), len(block))``, 0–100; ``NO_ADDRESS`` where either has no address.
    """
    city = frozenset().union(*(one.city for one in block))
    names = [_without(one.name, city) for one in block]
    addresses = [one.address for one in block]
    alike = process.cdist([names[row] for row in rows], names, scorer=fuzz.token_sort_ratio, dtype=np.float32)
    near = process.cdist([addresses[row] for row in rows], addresses, scorer=fuzz.token_sort_ratio, dtype=np.float32)
    result = (alike.astype(float) + near) / 2
    result[_contradict(block, rows)] = 0.0
    absent = np.array([not address for address in addresses])
    result[absent[list(rows)][:, None] | absent[None, :]] = NO_ADDRESS
    return np.asarray(result)


def name_scores(block: Sequence[Likened], rows: Sequence[int]) -> np.ndarray:
    """Return the similarity of names alone, 0–100, with the shape of :func:`scores`."""
    names = [one.name for one in block]
    return np.asarray(
        process.cdist([names[row] for row in rows], names, scorer=fuzz.token_sort_ratio, dtype=np.float32), dtype=float
    )


def address_score(one: str, other: str) -> float:
    """Return the similarity of two addresses (:func:`address_key`), 0–100."""
    return float(fuzz.token_sort_ratio(one, other))


def _contradict(block: Sequence[Likened], rows: Sequence[int]) -> np.ndarray:
    """Pairs that can't be one, whatever their names."""
    house = _codes([one.house for one in block])
    form = _codes([one.form for one in block])
    travelling = np.array([one.is_travelling for one in block])
    chosen = list(rows)
    return np.asarray(
        _differ(house[chosen], house)
        | _differ(form[chosen], form)
        | (travelling[chosen][:, None] != travelling[None, :])
    )


def _differ(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return True where both are known and are not the same."""
    return np.asarray((left[:, None] != right[None, :]) & (left[:, None] >= 0) & (right[None, :] >= 0))


def _codes(values: Sequence[str | None]) -> np.ndarray:
    known = {value: code for code, value in enumerate(sorted({value for value in values if value is not None}))}
    return np.array([-1 if value is None else known[value] for value in values])


def _without(name: str, city: frozenset[str]) -> str:
    """Return a name without the words of its commune, or whole where nothing else would be left."""
    return " ".join(word for word in name.split() if word not in city) or name


def _words(text: object) -> list[str]:
    return slug(text).split("-") if isinstance(text, str) else []
