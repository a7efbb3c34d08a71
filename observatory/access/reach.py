"""What is nearest, and how much lies within a threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from observatory.access.pairs import Floats, Indices, as_floats, check_pairs, check_quantity
from observatory.errors import UsageError


def nearest(
    origin_idx: ArrayLike, destination_idx: ArrayLike, cost: ArrayLike, n_origins: int
) -> tuple[Floats, Indices]:
    """Return the cost and the position of the nearest destination of each origin.

    Parameters
    ----------
    origin_idx, destination_idx, cost
        Sparse pairs, ``(n_pairs,)``, in any order.
    n_origins
        Number of origins.

    Returns
    -------
    tuple
        Cost ``(n_origins,)``, ``inf`` where nothing is reached, and destination ``(n_origins,)``, −1 there.
        Between destinations at the same cost, the first in order is kept.

    Raises
    ------
    UsageError
        If the pairs are malformed.
    """
    pairs = check_pairs(origin_idx, destination_idx, cost, n_origins=n_origins, n_destinations=None)
    best = np.full(n_origins, np.inf)
    np.minimum.at(best, pairs.origin_idx, pairs.cost)
    winner = np.isfinite(pairs.cost) & (pairs.cost == best[pairs.origin_idx])
    none = np.iinfo(np.int64).max
    destination = np.full(n_origins, none, dtype=np.int64)
    np.minimum.at(destination, pairs.origin_idx[winner], pairs.destination_idx[winner])
    destination[destination == none] = -1
    return best, destination


def cumulative(
    origin_idx: ArrayLike,
    destination_idx: ArrayLike,
    cost: ArrayLike,
    supply: ArrayLike,
    *,
    thresholds: Sequence[float],
    n_origins: int,
) -> Floats:
    """Return how much supply each origin reaches within each threshold, bounds included.

    Swap the two index arrays and give the population as ``supply`` to count who can reach a site.

    Parameters
    ----------
    origin_idx, destination_idx, cost
        Sparse pairs, ``(n_pairs,)``.
    supply
        Quantity at each destination, ``(n_destinations,)``, 0 or more.
    thresholds
        One or more costs, in the unit of ``cost``, in any order.
    n_origins
        Number of origins.

    Returns
    -------
    numpy.ndarray
        ``(n_origins, n_thresholds)``, columns in the order of ``thresholds``; 0 where nothing is reached.

    Raises
    ------
    UsageError
        If the pairs, the quantities or the thresholds are malformed.
    """
    bounds = as_floats(thresholds, "Seuils")
    if bounds.ndim != 1 or not bounds.size or np.isnan(bounds).any():
        raise UsageError("Donnez au moins un seuil, sous forme d’une liste de nombres.")
    units = check_quantity(supply, "Offre")
    pairs = check_pairs(origin_idx, destination_idx, cost, n_origins=n_origins, n_destinations=units.size)
    reached = units[pairs.destination_idx]
    columns = [
        np.bincount(pairs.origin_idx, weights=np.where(pairs.cost <= bound, reached, 0.0), minlength=n_origins)
        for bound in bounds
    ]
    return np.column_stack(columns).astype(np.float64, copy=False)
