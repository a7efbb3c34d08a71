"""Who can reach what, in how long, and is there room: pure functions, arrays in, arrays or frozen results out."""

from __future__ import annotations

from observatory.access.catchment import balanced_fca, e2sfca, three_sfca, two_sfca
from observatory.access.grid import e2sfca_fft
from observatory.access.join import od_within
from observatory.access.reach import cumulative, nearest
from observatory.access.stream import e2sfca_within
from observatory.access.weights import Weights, apl_steps, exponential, gaussian, weight_of

__all__ = [
    "Weights",
    "apl_steps",
    "balanced_fca",
    "cumulative",
    "e2sfca",
    "e2sfca_fft",
    "e2sfca_within",
    "exponential",
    "gaussian",
    "nearest",
    "od_within",
    "three_sfca",
    "two_sfca",
    "weight_of",
]
