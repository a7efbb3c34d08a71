"""Local search for sites with capacities: swap sites at random, pack the units greedily, keep what is cheaper."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numba import njit

from observatory.siting.solvers.solution import UNCOVERED, Booleans, Floats, Indices

_TRIES = 50
"""Swaps tried between two looks at the clock."""


@dataclass(frozen=True, eq=False)
class Offer:
    """Pairs by unit, cheapest first: what each unit may use, at what price, and what each site can take."""

    unit: Indices
    site: Indices
    price: Floats
    weight: Floats
    capacity: Floats
    missing_price: Floats | None


@njit(cache=True, nogil=True)
def _pack(
    start: Indices,
    site: Indices,
    price: Floats,
    weight: Floats,
    capacity: Floats,
    missing: Floats,
    order: Indices,
    is_open: Booleans,
    assignment: Indices,
) -> float:
    """Serve the units in ``order`` by the cheapest open site with room left; return the cost, left out included."""
    room = capacity.copy()
    total = 0.0
    for i in order:
        assignment[i] = -1
        for k in range(start[i], start[i + 1]):
            j = site[k]
            if is_open[j] and room[j] >= weight[i]:
                assignment[i] = j
                room[j] -= weight[i]
                total += price[k]
                break
        if assignment[i] < 0:
            total += missing[i]
    return total


@njit(cache=True, nogil=True)
def _swap(
    start: Indices,
    site: Indices,
    price: Floats,
    weight: Floats,
    capacity: Floats,
    missing: Floats,
    order: Indices,
    is_open: Booleans,
    fixed: int,
    best: float,
    tries: int,
    seed: int,
) -> float:
    np.random.seed(seed)
    trial = np.empty(weight.size, np.int64)
    for _ in range(tries):
        movable, closed = np.flatnonzero(is_open[fixed:]) + fixed, np.flatnonzero(~is_open[fixed:]) + fixed
        if movable.size == 0 or closed.size == 0:
            break
        out, enters = movable[np.random.randint(movable.size)], closed[np.random.randint(closed.size)]
        is_open[out], is_open[enters] = False, True
        cost = _pack(start, site, price, weight, capacity, missing, order, is_open, trial)
        if cost < best:
            best = cost
        else:
            is_open[out], is_open[enters] = True, False
    return best


def improve_sites(
    offer: Offer, is_open: Booleans, *, fixed: int, deadline: float, seed: int
) -> tuple[Booleans, Indices | None, float]:
    """Return better open sites, the site of each unit (``None`` if some unit has no room) and the cost.

    Parameters
    ----------
    offer
        The pairs, sorted by unit then price.
    is_open
        Sites to start from; the first ``fixed`` stay open.
    deadline
        Value of :func:`time.perf_counter` after which the search ends; it also ends after a thousand idle swaps.
    seed
        Of the swaps.
    """
    n = offer.weight.size
    start = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(offer.unit, minlength=n), out=start[1:])
    # Without a price for being left out, it costs more than everything else, so that it is never preferred.
    missing = np.full(n, float(offer.price.sum()) + 1.0) if offer.missing_price is None else offer.missing_price
    order = np.argsort(-offer.weight, kind="stable")
    order = order[offer.weight[order] > 0]
    opened, assignment = is_open.copy(), np.full(n, UNCOVERED, np.int64)
    data = (start, offer.site, offer.price, offer.weight, offer.capacity, missing, order)
    cost, idle, block = _pack(*data, opened, assignment), 0, 0
    while time.perf_counter() < deadline and idle < 20:
        better = _swap(*data, opened, fixed, cost, _TRIES, (seed * 7919 + block) % 2**31)
        idle, cost, block = (0 if better < cost else idle + 1), better, block + 1
    cost = _pack(*data, opened, assignment)
    if offer.missing_price is None and (assignment[order] < 0).any():
        return opened, None, np.nan
    return opened, assignment, float(cost)
