"""Greedy opening and fast interchange for the p-median, on sorted rows (Whitaker 1983; Resende and Werneck 2007).

A swap's profit is ``gain(in) - loss(out) + extra(in, out)``; after a swap only the units that it touches are worked
out again. Best improvement, ties to the lowest positions, so the same start gives the same end.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from observatory.siting.solvers.solution import Booleans, Floats, Indices
from observatory.siting.solvers.sorted_rows import Columns, Rows

_EXTRA_CELLS_MAX = 40_000_000
"""Largest table of ``extra`` (8 bytes a cell, 320 MB); beyond it the interchange is not run (convention)."""

_ROUNDING = 1e-11
"""A swap must gain more than this share of the value: below it, rounding could make the search cycle."""


@njit(cache=True, nogil=True)
def _value(start: Indices, column: Columns, cost: Floats, base: Floats, is_open: Booleans) -> float:
    total = 0.0
    for i in range(base.size):
        nearest = base[i]
        for k in range(start[i], start[i + 1]):
            if is_open[column[k]]:
                nearest = cost[k]
                break
        total += nearest
    return total


@njit(cache=True, nogil=True)
def _greedy(start: Indices, column: Columns, cost: Floats, base: Floats, is_open: Booleans, p: int) -> None:
    nearest = base.copy()
    for i in range(base.size):
        for k in range(start[i], start[i + 1]):
            if is_open[column[k]]:
                nearest[i] = cost[k]
                break
    gain = np.empty(is_open.size)
    for _ in range(p):
        gain[:] = 0.0
        for i in range(base.size):
            for k in range(start[i], start[i + 1]):
                if cost[k] >= nearest[i]:
                    break
                gain[column[k]] += nearest[i] - cost[k]
        best = -1
        for j in range(is_open.size):
            if not is_open[j] and (best < 0 or gain[j] > gain[best]):
                best = j
        is_open[best] = True
        for i in range(base.size):
            for k in range(start[i], start[i + 1]):
                if cost[k] >= nearest[i]:
                    break
                if column[k] == best:
                    nearest[i] = cost[k]
                    break


@njit(cache=True, nogil=True, inline="always")
def _two_nearest(
    start: Indices,
    column: Columns,
    cost: Floats,
    base: Floats,
    is_open: Booleans,
    i: int,
    near: Indices,
    d1: Floats,
    d2: Floats,
    second: Indices,
) -> None:
    near[i] = -1
    second[i] = -1
    d1[i] = base[i]
    d2[i] = base[i]
    for k in range(start[i], start[i + 1]):
        if is_open[column[k]]:
            if near[i] < 0:
                near[i] = column[k]
                d1[i] = cost[k]
            else:
                second[i] = column[k]
                d2[i] = cost[k]
                break


@njit(cache=True, nogil=True, inline="always")
def _contribute(
    start: Indices,
    column: Columns,
    cost: Floats,
    i: int,
    near: Indices,
    d1: Floats,
    d2: Floats,
    slot: Indices,
    gain: Floats,
    loss: Floats,
    extra: Floats,
    sign: float,
) -> None:
    served = near[i] >= 0
    at = 0
    if served:
        at = slot[near[i]]
        loss[at] += sign * (d2[i] - d1[i])
    for k in range(start[i], start[i + 1]):
        c = cost[k]
        if c >= d2[i]:
            break
        u = column[k]
        if u == near[i]:
            continue
        if c < d1[i]:
            gain[u] += sign * (d1[i] - c)
            if served:
                extra[u, at] += sign * (d2[i] - d1[i])
        elif served:
            extra[u, at] += sign * (d2[i] - c)


@njit(cache=True, nogil=True)
def _interchange(
    start: Indices, column: Columns, cost: Floats, base: Floats, is_open: Booleans, max_swaps: int, rounding: float
) -> int:
    n, m = base.size, is_open.size
    sites = np.flatnonzero(is_open)
    p = sites.size
    slot = np.full(m, -1, np.int64)
    for s in range(p):
        slot[sites[s]] = s
    near, second = np.empty(n, np.int64), np.empty(n, np.int64)
    d1, d2 = np.empty(n), np.empty(n)
    gain, loss, extra = np.zeros(m), np.zeros(p), np.zeros((m, p))
    value = 0.0
    for i in range(n):
        _two_nearest(start, column, cost, base, is_open, i, near, d1, d2, second)
        value += d1[i]
        _contribute(start, column, cost, i, near, d1, d2, slot, gain, loss, extra, 1.0)
    swaps = 0
    while swaps < max_swaps:
        best, enters, leaves = rounding * abs(value), -1, -1
        for u in range(m):
            if is_open[u] or gain[u] <= 0.0:
                # Nobody would be nearer: the swap can't pay.
                continue
            for s in range(p):
                profit = gain[u] - loss[s] + extra[u, s]
                if profit > best:
                    best, enters, leaves = profit, u, s
        if enters < 0:
            break
        out = sites[leaves]
        for i in range(n):
            touched = near[i] == out or second[i] == out
            if not touched:
                for k in range(start[i], start[i + 1]):
                    if cost[k] >= d2[i]:
                        break
                    if column[k] == enters:
                        touched = True
                        break
            if touched:
                _contribute(start, column, cost, i, near, d1, d2, slot, gain, loss, extra, -1.0)
                # Marked by a value that no cost takes, and worked out again once the sites have changed.
                d1[i] = -1.0
        is_open[out], is_open[enters] = False, True
        slot[out], slot[enters] = -1, leaves
        sites[leaves] = enters
        for i in range(n):
            if d1[i] < 0.0:
                _two_nearest(start, column, cost, base, is_open, i, near, d1, d2, second)
                _contribute(start, column, cost, i, near, d1, d2, slot, gain, loss, extra, 1.0)
        value -= best
        swaps += 1
    return swaps


def value(rows: Rows, is_open: Booleans) -> float:
    """Return the total cost when each unit goes to its nearest open column, or keeps its base."""
    return float(_value(rows.start, rows.column, rows.cost, rows.base, is_open))


def greedy(rows: Rows, p: int, *, is_open: Booleans | None = None) -> Booleans:
    """Return the columns open once ``p`` have been added one by one, each time the one that gains most."""
    opened = np.zeros(rows.n_columns, np.bool_) if is_open is None else is_open.copy()
    _greedy(rows.start, rows.column, rows.cost, rows.base, opened, min(p, int((~opened).sum())))
    return opened


def interchange(rows: Rows, is_open: Booleans, *, max_swaps: int = 10_000) -> tuple[Booleans, float]:
    """Return the local optimum reached by best-improvement swaps from ``is_open``, and its value."""
    opened = is_open.copy()
    if 0 < int(opened.sum()) < rows.n_columns and rows.n_columns * int(opened.sum()) <= _EXTRA_CELLS_MAX:
        _interchange(rows.start, rows.column, rows.cost, rows.base, opened, max_swaps, _ROUNDING)
    return opened, value(rows, opened)
