"""Whether durations are in the unit that they are taken for, by the speed that they make as the crow flies."""

from __future__ import annotations

from typing import Final

import numpy as np

from observatory.access.pairs import Floats
from observatory.errors import UsageError
from observatory.words.numbers import decimal

LIKELY_KMH: Final = (2.0, 150.0)
"""Median speeds, as the crow flies, outside which durations are likely to be in another unit (convention de
l'observatoire)."""


def unit_doubt(distance_m: Floats, duration_min: Floats) -> str | None:
    """Return a French sentence if trips are so slow or so fast that the unit must be wrong, else None.

    Parameters
    ----------
    distance_m, duration_min
        Straight line and duration of each trip, ``(n,)``; a trip without distance or without duration is left out.
    """
    fine = np.isfinite(distance_m) & np.isfinite(duration_min) & (distance_m > 0) & (duration_min > 0)
    if not fine.any():
        return None
    speed_kmh = float(np.median(distance_m[fine] / duration_min[fine])) * 60.0 / 1000.0
    low, high = LIKELY_KMH
    if low <= speed_kmh <= high:
        return None
    cause = "sont-ce des secondes (« --unit s ») ?" if speed_kmh < low else "vérifiez leur unité et les points."
    return f"Ces durées font une vitesse médiane de {decimal(speed_kmh)} km/h à vol d’oiseau ; {cause}"


def require_likely(distance_m: Floats, duration_min: Floats, *, is_unit_said: bool) -> str | None:
    """Refuse durations whose unit is in doubt, unless the user says it; the doubt is then returned, to be told.

    Raises
    ------
    UsageError
        If nobody said the unit and the speed is not likely.
    """
    doubt = unit_doubt(distance_m, duration_min)
    if doubt is not None and not is_unit_said:
        raise UsageError(f"{doubt} Dites leur unité : « --unit min » ou « --unit s ».")
    return doubt
