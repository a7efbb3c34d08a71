"""Places of the units of a covering problem, told from its incidence alone: those that share their sites are near.

The map that comes out knows neither metres nor north; it serves to cut the problem into bands and to walk along them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from observatory.siting.solvers.incidence import Incidence
from observatory.siting.solvers.solution import Floats

_NEIGHBOURS = 40
_LANDMARKS = 48
_LEAST_LENGTH = 1e-3
_DISTANCES = np.linspace(0.0, 1.0, 101)
_OVERLAPS = (2 / np.pi) * (np.arccos(_DISTANCES) - _DISTANCES * np.sqrt(1 - _DISTANCES**2))
"""Share of its area that a disc has in common with its equal, by distance (1: they touch)."""


def places(incidence: Incidence, *, seed: int) -> Floats | None:
    """Return ``(n_units, 2)`` coordinates, the longer side first; None if the units are no single piece.

    Two neighbours are as far apart as two equal discs that share as much of their area as the units share of their
    sites; those further off by the shortest way (Tenenbaum, de Silva and Langford 2000), and the coordinates come out
    of the distances to a few landmarks (de Silva and Tenenbaum 2004).

    Parameters
    ----------
    incidence
        Every unit must have a site.
    seed
        Of the choice of the landmarks.
    """
    n = incidence.shape[0]
    landmarks = np.random.default_rng(seed).permutation(n)[:_LANDMARKS]
    away = dijkstra(_neighbours(incidence), directed=False, indices=landmarks)
    if not np.isfinite(away).all():
        return None
    between = away[:, landmarks] ** 2
    centred = between - between.mean(axis=0) - between.mean(axis=1)[:, None] + between.mean()
    value, vector = np.linalg.eigh(-centred / 2)
    value, vector = value[::-1][:2], vector[:, ::-1][:, :2]
    if value.size < 2 or value[1] <= 1e-9 * max(value[0], 1e-9):
        return None
    return np.asarray(-(away**2 - between.mean(axis=0)[:, None]).T @ (vector / np.sqrt(value)) / 2, np.float64)


def _neighbours(incidence: Incidence) -> sparse.csr_array:
    """Return the lengths between each unit and those with which it shares the greatest part of its sites."""
    shared: Any = sparse.csr_array(incidence @ incidence.T)
    size = np.diff(incidence.indptr).astype(np.float64)
    row = np.repeat(np.arange(incidence.shape[0]), np.diff(shared.indptr))
    overlap = shared.data / np.sqrt(size[row] * size[shared.indices])
    length = np.interp(overlap, _OVERLAPS[::-1], _DISTANCES[::-1]) + _LEAST_LENGTH
    order = np.lexsort((length, row))
    kept = order[np.arange(order.size) - np.repeat(shared.indptr[:-1], np.diff(shared.indptr)) <= _NEIGHBOURS]
    return sparse.csr_array((length[kept], (row[kept], shared.indices[kept])), shape=shared.shape)
