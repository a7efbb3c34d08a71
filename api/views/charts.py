"""Small line charts drawn on the server: coordinates of a series in a fixed frame, with the marks of its axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from observatory.gap.series import Series

WIDTH: Final = 320
HEIGHT: Final = 110
LEFT: Final = 4
TOP: Final = 16
BOTTOM: Final = 22
FEWEST: Final = 2
TONNAGES: Final = {"decheterie_": "decheterie_total_t", "dma_": "dma_total_t"}
"""Beginning of the name of tonnages by class → the one of all classes together."""


@dataclass(frozen=True)
class Chart:
    """A line in pixels; the axis starts at zero for counts, so that a small change looks small."""

    series: Series
    line: str
    low: float
    high: float
    first: tuple[float, float]
    last: tuple[float, float]


def chart(series: Series) -> Chart | None:
    """Return the drawing of a series; None where fewer than two values are known.

    The vertical axis goes from zero to the greatest value. Periods are evenly spaced, as producers publish them; an
    unknown value leaves the line straight between its neighbours, and the table says it is unknown.
    """
    known = [(place, point.value) for place, point in enumerate(series.points) if point.value is not None]
    if len(known) < FEWEST:
        return None
    high = max(value for _, value in known) or 1.0
    across = (WIDTH - 2 * LEFT) / max(1, len(series.points) - 1)
    marks = [
        (round(LEFT + place * across, 1), round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / high), 1))
        for place, value in known
    ]
    line = " ".join(f"{x:g},{y:g}" for x, y in marks)
    return Chart(series, line, min(value for _, value in known), high, marks[0], marks[-1])


def charts(found: Sequence[Series]) -> list[Chart]:
    """Return the drawings of a fiche; of the tonnages of a larger zone, the total alone."""
    kept = [one for one in found if one.basis != "around" or not _is_part(one.indicator)]
    return [drawing for one in kept if (drawing := chart(one)) is not None]


def _is_part(indicator: str) -> bool:
    return any(indicator.startswith(start) and indicator != total for start, total in TONNAGES.items())
