"""How published drives of a region compare with the fallback: one factor, its interval, and what it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from observatory.access.calibrate import BandError, band_error
from observatory.access.pairs import Floats
from observatory.errors import UsageError

INTERVAL: Final = (0.025, 0.975)
_DRAWS = 2_000


@dataclass(frozen=True, slots=True)
class Factor:
    """How many times as long as estimated real trips are, and what it is worth."""

    value: float
    """Median of real ÷ estimated."""
    low: float
    high: float
    """Interval at 95 %: groups drawn with replacement (bootstrap)."""
    count: int
    group_count: int
    held_out: BandError
    """Errors on the trips of each group, the factor being fitted on the others."""


def regional_factor(real_min: Floats, estimated_min: Floats, group: Sequence[Any], *, seed: int = 0) -> Factor:
    """Return how many times as long as estimated real trips are.

    Parameters
    ----------
    real_min, estimated_min
        Minutes of the same trips, ``(n,)``, above 0.
    group
        What trips have in common beyond the road, ``(n,)``: the page that publishes them. Groups are drawn, and held
        out, whole.
    seed
        How they are drawn.

    Raises
    ------
    UsageError
        If there are fewer than two groups.
    """
    names, at = np.unique(np.asarray(group), return_inverse=True)
    if names.size < 2:  # noqa: PLR2004
        raise UsageError("Il faut au moins deux pages pour mesurer l’erreur du facteur sur celle qu’il n’a pas vue.")
    ratio = real_min / estimated_min
    members = [np.flatnonzero(at == k) for k in range(names.size)]
    rng = np.random.default_rng(seed)
    draws = [
        float(np.median(ratio[np.concatenate([members[k] for k in rng.integers(0, names.size, names.size)])]))
        for _ in range(_DRAWS)
    ]
    held_out = np.empty(ratio.size)
    for k, own in enumerate(members):
        held_out[own] = float(np.median(ratio[at != k])) / ratio[own] - 1.0
    low, high = np.quantile(draws, INTERVAL)
    return Factor(
        value=float(np.median(ratio)),
        low=float(low),
        high=float(high),
        count=int(ratio.size),
        group_count=int(names.size),
        held_out=band_error(held_out, 0.0, np.inf),
    )
