"""Constants of method, each with its source or the words "convention de l'observatoire"; study files hold the rest."""

from __future__ import annotations

from typing import Final

from observatory.errors import UsageError

METHOD_VERSION: Final = "5"
"""Part of every run's hash: raised whenever a formula changes, so that stored results are worked out again."""

# --- Need -----------------------------------------------------------------------------------------------------------

GEOMETRIC_FLOOR: Final = 1.0
"""Lowest normalised score in a geometric mean (convention de l'observatoire): a zero would cancel the whole unit."""

TSCORE_MEAN: Final = 50.0
TSCORE_SPREAD: Final = 10.0
"""Standard T score: mean 50, standard deviation 10 (McCall, 1922), so that z-scores stay on the 0-100 scale."""

WEIGHT_TOLERANCE: Final = 1e-9
"""Sums of weights are compared to their threshold with this tolerance: 0.1 + 0.5 must reach 0.6."""

SIGNIFICANT_BITS: Final = 40
"""Bits of a value that ranks and standard deviations look at (twelve digits): sums spoil the last of a double's 53."""

VARIATION_TOLERANCE: Final = 1e-9
"""Scores from 0 to 100 whose range is under this do not vary: what differs is the noise of their sums."""

# --- Access ---------------------------------------------------------------------------------------------------------

SHORTEST_THRESHOLD_MIN: Final = 1.0
"""Shortest threshold that a form or a command lets one ask for, in minutes (convention de l'observatoire)."""
LONGEST_THRESHOLD_MIN: Final = 120.0
"""Longest threshold that may be declared or asked for, in minutes (convention de l'observatoire)."""


def require_threshold(minutes: float) -> float:
    """Return a threshold in minutes if it may be declared: over 0, the longest at most.

    Raises
    ------
    UsageError
        If it may not.
    """
    if not 0 < minutes <= LONGEST_THRESHOLD_MIN:
        raise UsageError(f"Le seuil doit être compris entre 0 et {LONGEST_THRESHOLD_MIN:g} minutes.")
    return minutes


# --- Display --------------------------------------------------------------------------------------------------------

SCORE_DECIMALS: Final = 1
"""Scores are rounded once, before they are stored (convention de l'observatoire)."""

MINUTES_DECIMALS: Final = 1
"""Minutes are rounded once, before they are stored (convention de l'observatoire)."""
