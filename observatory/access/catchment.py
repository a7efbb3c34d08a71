"""Floating catchments: how much supply is left to each inhabitant once everyone who can come has come."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from observatory.access.pairs import Floats, Indices, Pairs, check_pairs, check_quantity
from observatory.access.weights import Steps, Weights, check_steps, weight_of

_MANY_PAIRS = 500_000
"""Pairs from which a compiled loop is worth loading; it gives the same result to the last bit."""


def e2sfca(
    origin_idx: ArrayLike,
    destination_idx: ArrayLike,
    cost_min: ArrayLike,
    demand: ArrayLike,
    supply: ArrayLike,
    *,
    weights: Weights,
) -> Floats:
    """Return the enhanced two-step floating catchment index of each demand point.

    ``R_j = S_j / Σ_i P_i w(t_ij)`` then ``A_i = Σ_j R_j w(t_ij)``.

    Parameters
    ----------
    origin_idx, destination_idx
        Positions in ``demand`` and in ``supply`` of each pair, ``(n_pairs,)``. A pair given twice counts twice.
    cost_min
        Cost of each pair, ``(n_pairs,)``, in the unit of the weights (minutes, or metres with bounds in metres).
        It is the cost of going from the origin to the destination, in both steps.
    demand
        Persons concerned at each demand point, ``(n_demand,)``, 0 or more.
    supply
        Units of supply at each site, ``(n_supply,)``, 0 or more.
    weights
        ``[(upper_cost, weight), …]`` with upper bounds included and 0 beyond the last, or a vectorised callable.

    Returns
    -------
    numpy.ndarray
        Units of supply per person, ``(n_demand,)``. A point that reaches nothing gets 0, and so does a point that
        only reaches sites whose weighted demand is 0 (their ratio is not defined).

    Raises
    ------
    UsageError
        If indices, costs, quantities or weights are malformed.

    References
    ----------
    Luo & Qi (2009), « An enhanced two-step floating catchment area (E2SFCA) method for measuring spatial
    accessibility to primary care physicians », Health & Place 15(4), 1100–1107.
    """
    people, units, pairs = _checked(origin_idx, destination_idx, cost_min, demand, supply)
    if not callable(weights) and pairs.cost.size >= _MANY_PAIRS:
        return _two_steps_compiled(pairs, people, units, weights)
    weight = weight_of(pairs.cost, weights)
    return _two_steps(pairs, people, units, weight, weight)


def _checked(
    origin_idx: ArrayLike, destination_idx: ArrayLike, cost: ArrayLike, demand: ArrayLike, supply: ArrayLike
) -> tuple[Floats, Floats, Pairs]:
    people, units = check_quantity(demand, "Demande"), check_quantity(supply, "Offre")
    pairs = check_pairs(origin_idx, destination_idx, cost, n_origins=people.size, n_destinations=units.size)
    return people, units, pairs


def _two_steps(pairs: Pairs, people: Floats, units: Floats, coming: Floats, served: Floats) -> Floats:
    """Return ``A_i`` when demand is weighted by ``coming`` and supply by ``served``, each ``(n_pairs,)``."""
    asked = np.bincount(pairs.destination_idx, weights=people[pairs.origin_idx] * coming, minlength=units.size)
    ratio = np.divide(units, asked, out=np.zeros_like(units), where=asked > 0)
    index = np.bincount(pairs.origin_idx, weights=ratio[pairs.destination_idx] * served, minlength=people.size)
    return index.astype(np.float64, copy=False)


def _two_steps_compiled(pairs: Pairs, people: Floats, units: Floats, steps: Steps) -> Floats:
    """Return what :func:`_two_steps` does, weights worked out on the way so that no array of pairs is made."""
    from observatory.access import kernels

    uppers, levels = check_steps(steps)
    origin, destination = np.ascontiguousarray(pairs.origin_idx), np.ascontiguousarray(pairs.destination_idx)
    cost, levels = np.ascontiguousarray(pairs.cost), np.append(levels, 0.0)
    asked, index = np.zeros(units.size), np.zeros(people.size)
    kernels.ask(origin, destination, cost, uppers, levels, np.ascontiguousarray(people), asked)
    ratio = np.divide(units, asked, out=np.zeros_like(units), where=asked > 0)
    kernels.share_out(origin, destination, cost, uppers, levels, np.ascontiguousarray(ratio), index)
    return index


def _share(weight: Floats, group: Indices, size: int) -> Floats:
    """Return each weight divided by the sum over its group; 0 where the sum is 0."""
    total = np.bincount(group, weights=weight, minlength=size)[group]
    share: Floats = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
    return share
