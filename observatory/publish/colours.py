"""Colours and classes of the maps and charts, the same on the page, in the drawing and on the map in a file."""

from __future__ import annotations

from typing import Any, Final

CLASS_BOUNDS: Final = (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)
"""Five equal parts of the 0-100 scale, so that two maps compare."""
SCALES: Final = {
    "priority_score": ("#ffffd4", "#fed98e", "#fe9929", "#d95f0e", "#993404"),
    "need_score": ("#fef0d9", "#fdcc8a", "#fc8d59", "#e34a33", "#b30000"),
    "access_score": ("#f1eef6", "#bdc9e1", "#74a9cf", "#2b8cbe", "#045a8d"),
}
"""ColorBrewer YlOrBr, OrRd and PuBu, five classes: readable by colour-blind readers and in grey print."""
SCALE_LABELS: Final = {
    "priority_score": "Lacune : priorité, sur 100",
    "need_score": "Besoin, sur 100",
    "access_score": "Accès au service, sur 100",
}
NO_DATA_COLOUR: Final = "#d9d9d9"
TYPOLOGY_COLOURS: Final = {
    "prioritaire": "#ca0020",
    "a_conforter": "#f4a582",
    "a_surveiller": "#92c5de",
    "couvert": "#0571b0",
    "indetermine": NO_DATA_COLOUR,
}
"""ColorBrewer RdBu 4, which colour-blind readers can tell apart."""


def class_of(value: float | None) -> int | None:
    """Return the class (0 to 4) of a 0-100 score: lower bounds included, and 100 in the last; None if unknown."""
    if value is None:
        return None
    return min(int(value // 20), len(CLASS_BOUNDS) - 2)


def classes(measure: str) -> list[dict[str, Any]]:
    """Return the legend of a measure: bounds and colour of each class."""
    return [
        {"low": low, "high": high, "colour": colour}
        for low, high, colour in zip(CLASS_BOUNDS[:-1], CLASS_BOUNDS[1:], SCALES[measure], strict=True)
    ]
