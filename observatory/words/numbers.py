"""French figures: separators, unknown values, counts with their noun, percentages, ranks, dates.

Python formats them: Babel says the same (a test compares them) fifteen times slower, and tables have thousands of rows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final

from observatory.words.grammar import plural

NARROW_SPACE: Final = "\u202f"
"""Narrow no-break space: French thousands separator, and the space before « ; : ! ? % »."""
NO_BREAK_SPACE: Final = "\u00a0"
"""No-break space: between a figure and its unit."""
MINUS: Final = "\u2212"
UNKNOWN: Final = "–"


def count(value: float | None, *, unknown: str = UNKNOWN) -> str:
    """Return a whole number as French readers write it ("3 328 562"), or "–" where it is unknown."""
    return unknown if value is None else f"{value:,.0f}".replace(",", NARROW_SPACE)


def decimal(value: float | None, *, digits: int = 1, unknown: str = UNKNOWN) -> str:
    """Return a number with a decimal comma ("42,5"), or "–" where it is unknown."""
    return unknown if value is None else f"{value:,.{digits}f}".replace(",", NARROW_SPACE).replace(".", ",")


def figure(value: float | None) -> str:
    """Return a published figure: whole as it is ("3 110"), or with one decimal ("337 777,8"); "–" if unknown."""
    return count(value) if value is None or float(value).is_integer() else decimal(value)


def amount(value: float) -> str:
    """Return a number that somebody declared, as short as it was written: "20", "1,5"."""
    return f"{value:g}".replace(".", ",")


def with_minus(text: str) -> str:
    """Return a figure with the minus sign of typography in place of the hyphen."""
    return text.replace("-", MINUS)


def signed(value: float, *, digits: int = 1) -> str:
    """Return a change with its sign, "+1,5" or "−3"; nothing is put before zero."""
    sign = "+" if value > 0 else MINUS if value < 0 else ""
    return f"{sign}{decimal(abs(value), digits=digits)}"


def percent(share: float, *, digits: int = 1) -> str:
    """Return a share of 1 in percent: « 42,5 % », « 3 % »."""
    return f"{decimal(100.0 * share, digits=digits)}{NARROW_SPACE}%"


def counted(
    value: float,
    singular: str,
    several: str | None = None,
    *,
    written: Callable[[float], str] = count,
    space: str = " ",
) -> str:
    """Return a figure with its noun: « 1 habitant », « 1 204 habitants », « 1,9 minute »."""
    return f"{written(value)}{space}{plural(value, singular, several)}"


def rank(place: int, *, is_feminine: bool = False) -> str:
    """Return a rank in words or figures: « premier », « première », « 12ᵉ »."""
    if place == 1:
        return "première" if is_feminine else "premier"
    return f"{count(place)}ᵉ"


def rank_interval(low: int | None, high: int | None) -> str:
    """Return the interval of a rank: « 3 à 12 », « 1 », or "–" where it is unknown."""
    if low is None or high is None:
        return UNKNOWN
    return count(low) if low == high else f"{count(low)} à {count(high)}"


def day(when: str | date) -> str:
    """Return a day, or one written ``2025-03-31``, as the French do: ``31/03/2025``; another text stays as it is."""
    if isinstance(when, date):
        return f"{when:%d/%m/%Y}"
    parts = when.split("-")
    return "/".join(reversed(parts)) if len(parts) == len(("year", "month", "day")) else when
