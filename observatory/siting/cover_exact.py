"""Least-cost cover of a few units, exactly: depth-first branch and bound on a bound by dual ascent.

The problem is an incidence in compressed form, both ways, as everywhere in the covering modules. It serves windows of
some tens of units, whose optima prove the cuts of :mod:`observatory.siting.cover_cut`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from observatory.siting.rows import Columns
from observatory.siting.solution import Booleans, Floats, Indices

_ROUNDING = 1e-9
_NEVER = 1e300


@njit(cache=True, nogil=True)
def rows_by_degree(row_start: Indices) -> Indices:
    """Return the units, those with the fewest columns first."""
    return np.argsort(row_start[1:] - row_start[:-1], kind="mergesort")


@njit(cache=True, nogil=True)
def _ascend(
    row_start: Indices,
    row_column: Columns,
    cost: Floats,
    order: Indices,
    covers: Columns,
    state: Columns,
    left: Floats,
    paid: float,
    enough: float,
) -> float:
    """Return a lower bound of any completion (``_NEVER`` if there is none), at least ``enough`` once it is passed.

    Each uncovered unit takes, in turn, all that its free columns have ``left`` of their cost.
    """
    left[:] = cost
    bound = paid
    for i in order:
        if covers[i] > 0:
            continue
        least = _NEVER
        for b in range(row_start[i], row_start[i + 1]):
            g = row_column[b]
            if state[g] == 0 and left[g] < least:
                least = left[g]
        if least == _NEVER:
            return _NEVER
        if least > 0.0:
            bound += least
            if bound >= enough:
                return bound
            for b in range(row_start[i], row_start[i + 1]):
                left[row_column[b]] -= least
    return bound


@njit(cache=True, nogil=True)
def _hardest(row_start: Indices, row_column: Columns, order: Indices, covers: Columns, state: Columns) -> int:
    """Return the uncovered unit with the fewest free columns; -1 if all are covered."""
    chosen, fewest = -1, 1 << 30
    for i in order:
        if covers[i] > 0:
            continue
        free = 0
        for b in range(row_start[i], row_start[i + 1]):
            if state[row_column[b]] == 0:
                free += 1
        if free < fewest:
            chosen, fewest = i, free
            if free <= 1:
                break
    return chosen


@njit(cache=True, nogil=True)
def least_cover(
    row_start: Indices,
    row_column: Columns,
    column_start: Indices,
    column_row: Columns,
    cost: Floats,
    covered: Booleans,
    cutoff: float,
    unit: float,
    most_nodes: int,
    pick: Booleans,
) -> tuple[float, bool]:
    """Return the least cost of a cover below ``cutoff`` (else ``cutoff``), and whether that is proved.

    Parameters
    ----------
    row_start, row_column, column_start, column_row
        The incidence by unit and by column, in compressed form.
    cost
        ``(n_columns,)``, not negative.
    covered
        ``(n_units,)`` units that need no column.
    cutoff
        Only cheaper covers are of interest.
    unit
        Every cost is a multiple of it, and then the answer is exact; 0 if unknown.
    most_nodes
        Nodes after which the proof is given up.
    pick
        ``(n_columns,)`` filled with the cheapest cover found, left alone if none is.
    """
    n, m = row_start.size - 1, column_start.size - 1
    order = rows_by_degree(row_start)
    covers, state = covered.astype(np.int32), np.zeros(m, np.int32)  # state: 0 free, 1 taken, -1 excluded
    left = np.empty(m)
    choices, first, last = np.empty(64 * (n + 2), np.int32), np.zeros(n + 2, np.int64), np.zeros(n + 2, np.int64)
    trail, mark, size = np.empty(m, np.int32), np.zeros(n + 2, np.int64), 0
    taken = np.full(n + 2, -1, np.int64)
    slack = max(unit - 1e-6, _ROUNDING)
    best, paid, depth, nodes, entering = cutoff, 0.0, 0, 0, True
    while depth >= 0:
        if entering:
            nodes += 1
            if nodes > most_nodes:
                return best, False
            entering = False
            bound = _ascend(row_start, row_column, cost, order, covers, state, left, paid, best - slack)
            if bound >= best - slack:
                depth -= 1
                continue
            mark[depth], taken[depth] = size, -1
            for g in range(m):
                if state[g] == 0 and bound + left[g] >= best - slack:
                    state[g] = -1
                    trail[size] = g
                    size += 1
            i = _hardest(row_start, row_column, order, covers, state)
            if i < 0:
                best = paid
                for g in range(m):
                    pick[g] = state[g] == 1
                while size > mark[depth]:
                    size -= 1
                    state[trail[size]] = 0
                depth -= 1
                continue
            begin = last[depth - 1] if depth else 0
            end = begin
            if begin + row_start[i + 1] - row_start[i] > choices.size:
                choices = np.concatenate((choices, np.empty(choices.size + row_start[i + 1] - row_start[i], np.int32)))
            for b in range(row_start[i], row_start[i + 1]):
                g = row_column[b]
                if state[g] != 0:
                    continue
                at = end
                while at > begin and left[choices[at - 1]] > left[g]:
                    choices[at] = choices[at - 1]
                    at -= 1
                choices[at] = g
                end += 1
            first[depth], last[depth] = begin, end
        g = taken[depth]
        if g >= 0:
            paid -= cost[g]
            for a in range(column_start[g], column_start[g + 1]):
                covers[column_row[a]] -= 1
            # All covers with it were looked at: its brothers do without.
            state[g], taken[depth] = -1, -1
            trail[size] = g
            size += 1
        if first[depth] == last[depth]:
            while size > mark[depth]:
                size -= 1
                state[trail[size]] = 0
            depth -= 1
            continue
        g = choices[first[depth]]
        first[depth] += 1
        if state[g] != 0 or paid + cost[g] >= best - slack:
            continue
        state[g], taken[depth] = 1, g
        paid += cost[g]
        for a in range(column_start[g], column_start[g + 1]):
            covers[column_row[a]] += 1
        depth += 1
        entering = True
    return best, True
