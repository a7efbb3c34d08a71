"""How old a source's figures are, against the rhythm at which its producer renews them."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Final

RHYTHM_DAYS: Final = {
    "quotidien": 1,
    "hebdomadaire": 7,
    "mensuel": 31,
    "trimestriel": 92,
    "semestriel": 183,
    "annuel": 366,
    "tous les deux ans": 731,
    "tous les trois ans": 1096,
}
"""Words of the catalogue → days between two editions."""
FRESH_RHYTHMS: Final = 2
"""Up to so many rhythms old, figures are up to date: an edition is published well after the date that it speaks of
(convention de l'observatoire)."""
STALE_RHYTHMS: Final = 4
"""Beyond so many rhythms, they are out of date (convention de l'observatoire)."""
LEAST_DAYS: Final = 92
"""Whatever the rhythm, figures under three months old are up to date (convention de l'observatoire)."""
STATES: Final = ("à jour", "ancien", "périmé", "rythme inconnu", "date inconnue")
MONTHS: Final = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)
_DAY: Final = re.compile(r"\b(\d{2})/(\d{2})/(\d{4})\b")
_MONTH: Final = re.compile(rf"\b({'|'.join(MONTHS)}) (\d{{4}})\b", re.IGNORECASE)
_QUARTER: Final = re.compile(r"\b(\d{4})-T([1-4])\b")
_YEAR: Final = re.compile(r"\b(?:19|20)\d{2}\b")
_OF_THE_DAY: Final = re.compile(r"\b(?:téléchargement|lecture)\b", re.IGNORECASE)
"""How the vintage is worded of a source that speaks of the day on which it is fetched."""


@dataclass(frozen=True)
class Freshness:
    """Age of a source: ``state`` is one of ``STATES``; ``age_days`` is None where no date is known."""

    state: str
    age_days: int | None
    since: str
    """What the age runs from, one of ``SINCE``; ``"load"`` is the least that it can be."""


def freshness(
    *,
    vintage: str,
    published_date: str | None,
    rhythm: str | None,
    today: date,
    fetched: date | None = None,
    loaded: date | None = None,
) -> Freshness:
    """Compare the age of a source with its rhythm.

    Parameters
    ----------
    vintage
        As the catalogue words it; its last date counts where the publication isn't dated.
    published_date
        ISO date, or its beginning (``2018-10``).
    rhythm
        One of ``RHYTHM_DAYS``; anything else is no known rhythm.
    today
        Day to count from.
    fetched
        Day on which the loaded file was fetched; it dates a source whose vintage is « jour du téléchargement ».
    loaded
        Day of the load. Where nothing else dates the figures, they are at least as old: enough to say that they are
        out of date, never that they aren't.
    """
    reference, since = _reference(vintage, published_date, fetched, loaded)
    if reference is None:
        return Freshness("date inconnue", None, since)
    age_days = max(0, (today - reference).days)
    state = _state(age_days, rhythm)
    if since == "load" and state != "périmé":
        state = "date inconnue"
    return Freshness(state, age_days, since)


def last_date(vintage: str) -> date | None:
    """Return the last day of the latest period that a vintage names, parentheses left out; None if it names none."""
    plain = re.sub(r"\([^)]*\)", "", vintage)
    days = [date(int(year), int(month), int(day)) for day, month, year in _DAY.findall(plain)]
    days += [_end(int(year), MONTHS.index(month.lower()) + 1) for month, year in _MONTH.findall(plain)]
    days += [_end(int(year), 3 * int(quarter)) for year, quarter in _QUARTER.findall(plain)]
    rest = _QUARTER.sub("", _MONTH.sub("", _DAY.sub("", plain)))
    days += [_end(int(year), 12) for year in _YEAR.findall(rest)]
    return max(days, default=None)


def _reference(
    vintage: str, published_date: str | None, fetched: date | None, loaded: date | None
) -> tuple[date | None, str]:
    """Return the day that an age runs from, and what it is the day of."""
    published = None if published_date is None else _iso(published_date)
    told = last_date(vintage)
    if published is not None:
        return published, "publication"
    if told is not None:
        return told, "period"
    if _OF_THE_DAY.search(vintage) and (fetched or loaded):
        return fetched or loaded, "fetch"
    return loaded, "load"


def _state(age_days: int, rhythm: str | None) -> str:
    days = RHYTHM_DAYS.get(rhythm or "")
    if days is None:
        return "rythme inconnu"
    if age_days <= max(FRESH_RHYTHMS * days, LEAST_DAYS):
        return "à jour"
    return "ancien" if age_days <= max(STALE_RHYTHMS * days, LEAST_DAYS) else "périmé"


def _end(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])


def _iso(text: str) -> date | None:
    """Return the day of an ISO date; the last one of a month or a year."""
    found = re.fullmatch(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", text)
    if found is None:
        return None
    year, month = int(found[1]), int(found[2] or 12)
    return date(year, month, int(found[3])) if found[3] else _end(year, month)
