"""Who can reach what, in how long, and is there room: pure functions, arrays in, arrays or frozen results out."""

from __future__ import annotations

from observatory.access.catchment import e2sfca
from observatory.access.grid import e2sfca_fft
from observatory.access.join import od_within
from observatory.access.reach import cumulative, nearest
from observatory.access.stream import e2sfca_within
from observatory.access.weights import Weights, apl_steps, gaussian, weight_of

__all__ = [
    "Weights",
    "apl_steps",
    "cumulative",
    "e2sfca",
    "e2sfca_fft",
    "e2sfca_within",
    "gaussian",
    "nearest",
    "od_within",
    "weight_of",
]
