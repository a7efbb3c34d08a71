"""Lower bound of the smallest cover: prices on the units, moved by deflected subgradient; any prices are valid.

``bound = sum(u) + sum_j min(0, 1 - sum of u over the units that j covers)`` (Beasley 1987).
"""

from __future__ import annotations

import math
import time

import numpy as np
from numba import njit

from observatory.siting.solvers.solution import Floats, Indices
from observatory.siting.solvers.sorted_rows import Columns

_PATIENCE = 30
_DEFLECTION = 0.7
_LEAST_STEP = 1e-4
WHOLE = 1e-6
"""A bound this close above a whole number is not rounded up past it."""


def least_whole(bound: float) -> int:
    """Return the least whole number that a proved fractional bound allows."""
    return math.ceil(bound - WHOLE)


@njit(cache=True, nogil=True)
def _climb(
    row_start: Indices,
    row_column: Columns,
    column_start: Indices,
    column_row: Columns,
    price: Floats,
    best_price: Floats,
    direction: Floats,
    state: Floats,
    iterations: int,
    target: float,
    deflection: float,
    patience: int,
) -> int:
    """Run steps; ``state`` = best bound, step factor, failures since the last gain."""
    n, m = row_start.size - 1, column_start.size - 1
    reduced = np.empty(m)
    for iteration in range(iterations):
        bound = price.sum()
        for j in range(m):
            left = 1.0
            for a in range(column_start[j], column_start[j + 1]):
                left -= price[column_row[a]]
            reduced[j] = left
            bound += min(left, 0.0)
        if bound > state[0]:
            state[2] = 0.0 if bound > state[0] + 1e-6 * abs(state[0]) else state[2] + 1.0
            state[0] = bound
            best_price[:] = price
        else:
            state[2] += 1.0
        if state[0] >= target:
            return iteration + 1
        if state[2] >= patience:
            state[1] *= 0.7
            state[2] = 0.0
        norm = 0.0
        for i in range(n):
            slope = 1.0
            for b in range(row_start[i], row_start[i + 1]):
                if reduced[row_column[b]] < 0.0:
                    slope -= 1.0
            slope += deflection * direction[i]
            if slope < 0.0 and price[i] <= 0.0:
                slope = 0.0
            direction[i] = slope
            norm += slope * slope
        if norm < 1e-14:
            return iteration + 1
        step = state[1] * (target - bound) / norm
        for i in range(n):
            price[i] = min(max(price[i] + step * direction[i], 0.0), 1.0)
    return iterations


def cover_prices(
    row_start: Indices,
    row_column: Columns,
    column_start: Indices,
    column_row: Columns,
    *,
    upper: float,
    deadline: float,
    iterations: int,
) -> tuple[float, Floats]:
    """Return a proved lower bound on the number of sites of any cover, and the prices that prove it.

    Parameters
    ----------
    row_start, row_column, column_start, column_row
        The incidence by unit and by site, in compressed form.
    upper
        Number of sites of a known cover.
    deadline
        Value of :func:`time.perf_counter` after which the best bound is returned.
    iterations
        Most steps done; without any, nothing is proved and the bound is 0.
    """
    sizes = np.diff(column_start).astype(np.float64)
    share = 1.0 / np.maximum(sizes, 1.0)
    # Feasible from the start: no site's units are worth more than 1 together.
    price = np.minimum.reduceat(share[row_column], row_start[:-1]) if row_column.size else np.zeros(0)
    best, state = price.copy(), np.array([-np.inf, 0.3, 0.0])
    direction, done = np.zeros(price.size), 0
    while done < iterations and state[1] > _LEAST_STEP and state[0] < upper and time.perf_counter() < deadline:
        steps = _climb(
            row_start,
            row_column,
            column_start,
            column_row,
            price,
            best,
            direction,
            state,
            100,
            upper,
            _DEFLECTION,
            _PATIENCE,
        )
        done += 100
        if steps < 100:
            break
    return max(float(state[0]), 0.0), best
