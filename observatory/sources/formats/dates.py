"""Dates as people and their spreadsheets write them, in ISO form; what may be read two ways is asked, never guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

from observatory.sources.formats.cell_text import heading

MONTHS: Final = {
    **dict.fromkeys(("janvier", "janv", "jan", "january"), 1),
    **dict.fromkeys(("fevrier", "fevr", "fev", "feb", "february"), 2),
    **dict.fromkeys(("mars", "mar", "march"), 3),
    **dict.fromkeys(("avril", "avr", "apr", "april"), 4),
    **dict.fromkeys(("mai", "may"), 5),
    **dict.fromkeys(("juin", "jun", "june"), 6),
    **dict.fromkeys(("juillet", "juil", "jul", "july"), 7),
    **dict.fromkeys(("aout", "aou", "aug", "august"), 8),
    **dict.fromkeys(("septembre", "sept", "sep", "september"), 9),
    **dict.fromkeys(("octobre", "oct", "october"), 10),
    **dict.fromkeys(("novembre", "nov", "november"), 11),
    **dict.fromkeys(("decembre", "dec", "december"), 12),
}
"""What French and English spreadsheets make of a month, without accents nor point."""
WRITTEN: Final = "AAAA-MM-JJ, AAAA-MM ou AAAA"
ISO: Final = re.compile(r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?")
TURNED: Final = re.compile(r"(?:(\d{1,2})[-/.])?(\d{1,2})[-/.](\d{4})")
"""Day, month, year, as the French write them; or month, year."""
SHORT_YEAR: Final = re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.]\d{2}")
NAMED: Final = re.compile(r"(?:(\d{1,2})(?:er)?[ -/]+)?([a-z]+)\.?[ -/]+(\d{4}|\d{2})")
"""``oct.-18``: what a French Excel shows of 2018-10."""
YEARLESS: Final = re.compile(r"(\d{1,2})[ -/]+([a-z]+)\.?")
SERIAL: Final = re.compile(r"\d{5}(?:[.,]\d+)?")
FIRST_SERIAL_DAY: Final = date(1899, 12, 30)
"""Day 0 of spreadsheets' count of days."""
CLOCK: Final = re.compile(r"[ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$", re.IGNORECASE)
LAST_MONTH: Final = 12


class UnclearDateError(ValueError):
    """A date that can't be read for certain; the text is the reason, in French, and what to write."""


def iso(text: str, *, is_month_first: bool = False) -> str:
    """Return a date, its month or its year, in ISO form, as precise as it is written.

    Parameters
    ----------
    text
        Of the cell.
    is_month_first
        Whether other dates of the file put the month first (:func:`has_month_first`): those that may be read both
        ways are then refused.

    Raises
    ------
    UnclearDateError
        If it is no date, or may be several.

    Examples
    --------
    >>> iso("oct.-18"), iso("05/10/2018"), iso("10/2018"), iso("2018-10-05 00:00:00")
    ('2018-10', '2018-10-05', '2018-10', '2018-10-05')
    """
    plain = CLOCK.sub("", heading(text))
    if found := ISO.fullmatch(plain):
        return _joined(text, found[1], found[2], found[3])
    if found := TURNED.fullmatch(plain):
        return _turned(text, found, is_month_first=is_month_first)
    if (found := NAMED.fullmatch(plain)) and found[2] in MONTHS:
        year = found[3] if len(found[3]) > 2 else f"20{found[3]}"  # noqa: PLR2004 - nothing here is of the 20th century
        return _joined(text, year, str(MONTHS[found[2]]), found[1])
    raise UnclearDateError(f"date « {text} » {_doubt(plain)}")


def has_month_first(texts: Iterable[str | None]) -> bool:
    """Tell whether one of ``texts`` can only be a date with its month first (``12/31/2024``)."""
    found = [TURNED.fullmatch(CLOCK.sub("", (text or "").strip())) for text in texts]
    return any(one and one[1] and int(one[1]) <= LAST_MONTH < int(one[2]) for one in found)


def is_less_told(text: str, known: str) -> bool:
    """Tell whether ``text`` is the first day that a spreadsheet gives to the month or the year ``known``."""
    return bool(known) and text == (known + "-01-01"[len(known) - 4 :])[:10] and text != known


def _turned(text: str, found: re.Match[str], *, is_month_first: bool) -> str:
    day, month, year = found[1], found[2], found[3]
    if day and int(day) <= LAST_MONTH < int(month):
        raise UnclearDateError(
            f"date « {text} » écrite mois d’abord, à l’américaine : écrivez {year}-{int(day):02}-{int(month):02} si "
            "c’est cela"
        )
    if day and is_month_first and int(day) <= LAST_MONTH and day != month:
        raise UnclearDateError(
            f"date « {text} » à lever : d’autres dates du fichier mettent le mois d’abord ; écrivez AAAA-MM-JJ"
        )
    return _joined(text, year, month, day)


def _joined(text: str, year: str, month: str | None, day: str | None) -> str:
    parts = (int(year), int(month or 1), int(day or 1))
    try:
        whole = date(*parts).isoformat()
    except ValueError as error:
        raise UnclearDateError(f"date « {text} » illisible : écrivez {WRITTEN}") from error
    return whole if day else whole[:7] if month else whole[:4]


def _doubt(plain: str) -> str:
    if SHORT_YEAR.fullmatch(plain):
        return f"à lever : l’année a deux chiffres, et l’ordre n’est pas certain ; écrivez {WRITTEN}"
    if SERIAL.fullmatch(plain):
        day = FIRST_SERIAL_DAY + timedelta(days=int(plain[:5]))
        return f"est un nombre de jours de tableur : écrivez {day.isoformat()} si c’est cela"
    if (found := YEARLESS.fullmatch(plain)) and found[2] in MONTHS:
        return f"sans année : écrivez {WRITTEN}"
    return f"illisible : écrivez {WRITTEN}"
