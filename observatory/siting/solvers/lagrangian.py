"""Lagrangian bound of the p-median: assignments are relaxed, their prices moved by deflected subgradient.

With prices ``l`` capped at ``base``, ``bound = sum(l) + (the p smallest of rho)``, where ``rho[j]`` is the sum over
units of ``min(0, cost[i, j] - l[i])`` (Cornuejols, Fisher and Nemhauser 1977; Beasley 1993). Any ``l`` gives a valid
bound. A direction is the subgradient plus ``deflection`` times the one before (Camerini, Fratta and Maffioli 1975).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numba import njit

from observatory.siting.solvers.solution import Booleans, Floats, Indices
from observatory.siting.solvers.sorted_rows import Columns, Rows

_PATIENCE = 20
"""Iterations without a better bound before the step is shortened."""


@njit(cache=True, nogil=True)
def _dual(start: Indices, column: Columns, cost: Floats, price: Floats, p: int, rho: Floats, taken: Booleans) -> float:
    """Fill ``rho`` and ``taken`` (the ``p`` columns of least rho), return the bound."""
    rho[:] = 0.0
    total = 0.0
    for i in range(price.size):
        limit = price[i]
        total += limit
        for k in range(start[i], start[i + 1]):
            c = cost[k]
            if c >= limit:
                break
            rho[column[k]] += c - limit
    taken[:] = p >= rho.size
    if p >= rho.size:
        for j in range(rho.size):
            total += rho[j]
        return total
    if p == 0:
        return total
    level = np.partition(rho, p - 1)[p - 1]
    left = p
    for j in range(rho.size):
        if rho[j] < level:
            taken[j] = True
            left -= 1
            total += rho[j]
    for j in range(rho.size):
        if left == 0:
            break
        if rho[j] == level:
            taken[j] = True
            left -= 1
            total += rho[j]
    return total


@njit(cache=True, nogil=True)
def _serve(start: Indices, column: Columns, cost: Floats, base: Floats, taken: Booleans) -> float:
    total = 0.0
    for i in range(base.size):
        nearest = base[i]
        for k in range(start[i], start[i + 1]):
            if taken[column[k]]:
                nearest = cost[k]
                break
        total += nearest
    return total


@njit(cache=True, nogil=True)
def _move(
    start: Indices,
    column: Columns,
    cost: Floats,
    base: Floats,
    price: Floats,
    taken: Booleans,
    direction: Floats,
    deflection: float,
    gain: float,
) -> bool:
    """Move the prices along the deflected subgradient by a step that would gain ``gain``; false if it is null."""
    norm = 0.0
    for i in range(price.size):
        limit = price[i]
        slope = 1.0
        for k in range(start[i], start[i + 1]):
            if cost[k] >= limit:
                break
            if taken[column[k]]:
                slope -= 1.0
        slope += deflection * direction[i]
        if slope > 0.0 and limit >= base[i]:
            slope = 0.0
        direction[i] = slope
        norm += slope * slope
    if norm < 1e-14:
        return False
    step = gain / norm
    for i in range(price.size):
        price[i] = min(max(price[i] + step * direction[i], 0.0), base[i])
    return True


@njit(cache=True, nogil=True)
def _ascend(
    start: Indices,
    column: Columns,
    cost: Floats,
    base: Floats,
    p: int,
    price: Floats,
    direction: Floats,
    best_price: Floats,
    best_rho: Floats,
    best_taken: Booleans,
    share: Floats,
    heuristic: Booleans,
    state: Floats,
    iterations: int,
    deflection: float,
    shrink: float,
    patience: int,
    target: float,
) -> int:
    """Run up to ``iterations`` steps.

    ``state`` = best bound, best value known, step factor, failures since the last gain, best value met in this run.
    """
    rho = np.empty(best_rho.size)
    taken = np.empty(best_rho.size, np.bool_)
    for iteration in range(iterations):
        bound = _dual(start, column, cost, price, p, rho, taken)
        for j in range(rho.size):
            share[j] += 0.05 * ((1.0 if taken[j] else 0.0) - share[j])
        if bound > state[0]:
            state[3] = 0.0 if bound - state[0] > 1e-7 * abs(bound) else state[3] + 1.0
            state[0] = bound
            best_price[:] = price
            best_rho[:] = rho
            best_taken[:] = taken
        else:
            state[3] += 1.0
        if iteration % 5 == 0 or bound >= state[0]:
            served = _serve(start, column, cost, base, taken)
            if served < state[4]:
                state[4] = served
                heuristic[:] = taken
                state[1] = min(state[1], served)
        if state[0] >= min(target, state[1]):
            return iteration + 1
        if state[3] >= patience:
            state[2] *= shrink
            state[3] = 0.0
        if not _move(start, column, cost, base, price, taken, direction, deflection, state[2] * (state[1] - bound)):
            return iteration + 1
    return iterations


@dataclass(eq=False)
class Ascent:
    """A subgradient search that can be resumed: the only object here that changes, and private to the search.

    ``bound`` is proved whenever it is read. ``heuristic`` is the cheapest set of columns met in the last run;
    ``value`` the cheapest known; ``share`` is how often each column was taken of late.
    """

    rows: Rows
    p: int
    price: Floats
    value: float
    step: float
    deflection: float = 0.7
    shrink: float = 0.7
    bound: float = -np.inf
    failures: float = 0.0
    direction: Floats = field(init=False)
    best_price: Floats = field(init=False)
    rho: Floats = field(init=False)
    taken: Booleans = field(init=False)
    share: Floats = field(init=False)
    heuristic: Booleans | None = None

    def __post_init__(self) -> None:
        m = self.rows.n_columns
        self.price = np.minimum(self.price, self.rows.base)
        self.direction = np.zeros(self.rows.n_rows)
        self.best_price = self.price.copy()
        self.rho = np.zeros(m)
        self.taken = np.zeros(m, np.bool_)
        self.share = np.full(m, min(1.0, self.p / max(m, 1)))

    def run(self, iterations: int, *, target: float) -> int:
        """Go on for ``iterations`` steps or until the bound reaches ``target``; return the steps done."""
        rows, found = self.rows, np.zeros(self.rows.n_columns, np.bool_)
        state = np.array([self.bound, self.value, self.step, self.failures, np.inf])
        done = _ascend(
            rows.start, rows.column, rows.cost, rows.base, self.p, self.price, self.direction, self.best_price,
            self.rho, self.taken, self.share, found, state, iterations, self.deflection, self.shrink, _PATIENCE, target,
        )  # fmt: skip
        self.heuristic = found if state[4] < np.inf else None
        self.bound, self.value, self.step, self.failures = (float(x) for x in state[:4])
        return int(done)
