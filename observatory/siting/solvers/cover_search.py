"""Local search for the smallest cover: row weighting with configuration checking (Gao, Weise and Li 2015, RWLS).

Whenever everything is covered, a site is taken away; then one site leaves and one that covers a still uncovered unit,
drawn at random, enters, the units that stay uncovered weighing more and more. Seeded: the same seed, the same moves.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from observatory.siting.solvers.solution import Booleans, Indices
from observatory.siting.solvers.sorted_rows import Columns


@njit(cache=True, nogil=True, inline="always")
def _add(
    j: int,
    row_start: Indices,
    row_column: Columns,
    column_start: Indices,
    column_row: Columns,
    chosen: Booleans,
    covers: Indices,
    weight: Indices,
    score: Indices,
) -> None:
    score[j] = -score[j]
    chosen[j] = True
    for a in range(column_start[j], column_start[j + 1]):
        i = column_row[a]
        covers[i] += 1
        if covers[i] == 1:
            for b in range(row_start[i], row_start[i + 1]):
                k = row_column[b]
                if k != j:
                    score[k] -= weight[i]
        elif covers[i] == 2:
            for b in range(row_start[i], row_start[i + 1]):
                k = row_column[b]
                if k != j and chosen[k]:
                    score[k] += weight[i]
                    break


@njit(cache=True, nogil=True, inline="always")
def _remove(
    j: int,
    row_start: Indices,
    row_column: Columns,
    column_start: Indices,
    column_row: Columns,
    chosen: Booleans,
    covers: Indices,
    weight: Indices,
    score: Indices,
    may_enter: Booleans,
) -> None:
    score[j] = -score[j]
    chosen[j] = False
    may_enter[j] = False
    for a in range(column_start[j], column_start[j + 1]):
        i = column_row[a]
        covers[i] -= 1
        if covers[i] == 0:
            for b in range(row_start[i], row_start[i + 1]):
                k = row_column[b]
                if k != j:
                    score[k] += weight[i]
                    may_enter[k] = True
        elif covers[i] == 1:
            for b in range(row_start[i], row_start[i + 1]):
                k = row_column[b]
                may_enter[k] = may_enter[k] or k != j
                if k != j and chosen[k]:
                    score[k] -= weight[i]


@njit(cache=True, nogil=True)
def _pick_out(chosen_list: Indices, n_chosen: int, score: Indices, stamp: Indices, tabu: int) -> int:
    best = -1
    for s in range(n_chosen):
        j = chosen_list[s]
        if j == tabu:
            continue
        if best < 0:
            best = s
            continue
        k = chosen_list[best]
        if score[j] > score[k] or (score[j] == score[k] and stamp[j] < stamp[k]):
            best = s
    return best


@njit(cache=True, nogil=True)
def first_cover_found(row_start: Indices, row_column: Columns, column_start: Indices, column_row: Columns) -> Booleans:
    """Return a greedy cover: each time the column that covers most units not yet covered, ties to the lowest."""
    n, m = row_start.size - 1, column_start.size - 1
    chosen, covered = np.zeros(m, np.bool_), np.zeros(n, np.bool_)
    gain = np.empty(m, np.int64)
    for j in range(m):
        gain[j] = column_start[j + 1] - column_start[j]
    left = n
    while left > 0:
        best = np.argmax(gain)
        if gain[best] <= 0:
            break
        chosen[best] = True
        for a in range(column_start[best], column_start[best + 1]):
            i = column_row[a]
            if not covered[i]:
                covered[i] = True
                left -= 1
                for b in range(row_start[i], row_start[i + 1]):
                    gain[row_column[b]] -= 1
    return chosen


@njit(cache=True, nogil=True)
def local_cover(
    row_start: Indices,
    row_column: Columns,
    column_start: Indices,
    column_row: Columns,
    start: Booleans,
    steps: int,
    target: int,
    seed: int,
    weight: Indices,
) -> Booleans:
    """Return the smallest cover met in ``steps`` moves, or as soon as one has ``target`` sites.

    Parameters
    ----------
    row_start, row_column, column_start, column_row
        The incidence by unit and by site, in compressed form.
    start
        ``(n_sites,)`` a cover to start from.
    weight
        ``(n_units,)`` row weights, all one at first; changed in place so that a search can be resumed.
    """
    np.random.seed(seed)
    n, m = row_start.size - 1, column_start.size - 1
    chosen = np.zeros(m, np.bool_)
    covers = np.zeros(n, np.int64)
    score = np.zeros(m, np.int64)
    stamp = np.zeros(m, np.int64)
    may_enter = np.ones(m, np.bool_)
    for j in range(m):
        for a in range(column_start[j], column_start[j + 1]):
            score[j] += weight[column_row[a]]
    chosen_list, place = np.empty(m, np.int64), np.empty(m, np.int64)
    size = 0
    for j in range(m):
        if start[j]:
            _add(j, row_start, row_column, column_start, column_row, chosen, covers, weight, score)
            chosen_list[size], place[j] = j, size
            size += 1
    open_rows, row_place, n_open = np.empty(n, np.int64), np.full(n, -1, np.int64), 0
    best = chosen.copy()
    tabu = -1
    for step in range(steps):
        while n_open == 0:
            best[:] = chosen
            if size <= target or size == 0:
                return best
            s = _pick_out(chosen_list, size, score, stamp, -1)
            j = chosen_list[s]
            _remove(j, row_start, row_column, column_start, column_row, chosen, covers, weight, score, may_enter)
            size -= 1
            chosen_list[s] = chosen_list[size]
            place[chosen_list[s]] = s
            for a in range(column_start[j], column_start[j + 1]):
                i = column_row[a]
                if covers[i] == 0:
                    open_rows[n_open], row_place[i] = i, n_open
                    n_open += 1
        if size > 0:
            s = _pick_out(chosen_list, size, score, stamp, tabu)
            if s >= 0:
                j = chosen_list[s]
                _remove(j, row_start, row_column, column_start, column_row, chosen, covers, weight, score, may_enter)
                stamp[j] = step
                size -= 1
                chosen_list[s] = chosen_list[size]
                place[chosen_list[s]] = s
                for a in range(column_start[j], column_start[j + 1]):
                    i = column_row[a]
                    if covers[i] == 0:
                        open_rows[n_open], row_place[i] = i, n_open
                        n_open += 1
        i = open_rows[np.random.randint(n_open)]
        enters = -1
        for b in range(row_start[i], row_start[i + 1]):
            k = row_column[b]
            if may_enter[k] and (
                enters < 0 or score[k] > score[enters] or (score[k] == score[enters] and stamp[k] < stamp[enters])
            ):
                enters = k
        if enters < 0:
            enters = row_column[row_start[i] + np.random.randint(row_start[i + 1] - row_start[i])]
        _add(enters, row_start, row_column, column_start, column_row, chosen, covers, weight, score)
        stamp[enters] = step
        tabu = enters
        chosen_list[size], place[enters] = enters, size
        size += 1
        for a in range(column_start[enters], column_start[enters + 1]):
            i = column_row[a]
            if covers[i] == 1:
                last = open_rows[n_open - 1]
                open_rows[row_place[i]], row_place[last] = last, row_place[i]
                row_place[i] = -1
                n_open -= 1
            for b in range(row_start[i], row_start[i + 1]):
                may_enter[row_column[b]] = True
        for r in range(n_open):
            i = open_rows[r]
            weight[i] += 1
            for b in range(row_start[i], row_start[i + 1]):
                score[row_column[b]] += 1
    if n_open == 0:
        best[:] = chosen
    return best
