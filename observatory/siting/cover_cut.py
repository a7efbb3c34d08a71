"""Local cuts of a covering problem: ``coefficient @ x >= least``, true of every cover of a window of units.

A fractional point that is no mix of covers of the window (and more) is cut off by a price on the columns under which
every cover of the window costs more than the point does: Boyd's (1994) Fenchel cuts, or the local cuts of Applegate,
Bixby, Chvátal and Cook (2001). The price comes out of the packing ``max sum(mix)`` with ``covers @ mix <= x``, whose
columns are found one by one; it is then rounded to whole numbers, and the least cost of a cover proved again with them,
so that the cut is true whatever the rounding of the packing.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from observatory.siting.cover_exact import least_cover
from observatory.siting.rows import Columns
from observatory.siting.solution import Booleans, Floats, Indices

_LEAST_VIOLATION = 0.01
_SHARE_CUT_OFF = 0.6
"""The packing is left once the price cuts off this share of what a longer search could (convention)."""
_PERTURBATION = 1e-4
"""The point is moved by this much, without which the packing stalls on ties; the cut does not depend on it."""
_WHOLE_SCALES = 40
_FINE_SCALE = 1000.0


@njit(cache=True, nogil=True)
def _cheap_cover(
    row_start: Indices,
    row_column: Columns,
    column_start: Indices,
    column_row: Columns,
    cost: Floats,
    pick: Booleans,
) -> float:
    """Fill ``pick`` with a greedy cover without useless columns; return its cost."""
    n, m = row_start.size - 1, column_start.size - 1
    covers = np.zeros(n, np.int32)
    gain = column_start[1:] - column_start[:-1]
    pick[:] = False
    left = n
    while left > 0:
        best, least = -1, np.inf
        for g in range(m):
            if gain[g] > 0 and (cost[g] + 0.02) < least * gain[g]:
                best, least = g, (cost[g] + 0.02) / gain[g]
        pick[best] = True
        for a in range(column_start[best], column_start[best + 1]):
            i = column_row[a]
            covers[i] += 1
            if covers[i] == 1:
                left -= 1
                for b in range(row_start[i], row_start[i + 1]):
                    gain[row_column[b]] -= 1
    total = 0.0
    for g in np.argsort(-cost):
        if not pick[g]:
            continue
        useless = True
        for a in range(column_start[g], column_start[g + 1]):
            useless = useless and covers[column_row[a]] > 1
        if useless:
            pick[g] = False
            for a in range(column_start[g], column_start[g + 1]):
                covers[column_row[a]] -= 1
        else:
            total += cost[g]
    return total


@njit(cache=True, nogil=True)
def _pivot(inverse: Floats, level: Floats, worth: Floats, column: Floats, value: float) -> bool:
    """Enter a column (given in the present basis) worth ``value``; false if it could enter without end."""
    m = level.size
    leaves, least = -1, np.inf
    for r in range(m):
        if column[r] > 1e-9 and level[r] < least * column[r]:
            leaves, least = r, level[r] / column[r]
    if leaves < 0:
        return False
    pivot = column[leaves]
    for g in range(m):
        inverse[leaves, g] /= pivot
    for r in range(m):
        factor = column[r]
        if r == leaves or factor == 0.0:
            continue
        for g in range(m):
            inverse[r, g] -= factor * inverse[leaves, g]
        level[r] = max(level[r] - factor * least, 0.0)
    level[leaves], worth[leaves] = least, value
    return True


@njit(cache=True, nogil=True)
def separating_price(
    row_start: Indices,
    row_column: Columns,
    column_start: Indices,
    column_row: Columns,
    point: Floats,
    most_pivots: int,
    most_nodes: int,
    price: Floats,
) -> float:
    """Fill ``price`` so that every cover costs about 1 or more; return what the point costs, 1 if nothing was found.

    Parameters
    ----------
    row_start, row_column, column_start, column_row
        The window, in compressed form; its columns are those where the point is positive.
    point
        ``(n_columns,)`` positive values that cover every unit once.
    most_pivots, most_nodes
        Steps of the packing and nodes of each least cover after which the search is given up.
    """
    n, m = row_start.size - 1, column_start.size - 1
    inverse, worth, now, cost = np.eye(m), np.zeros(m), np.zeros(m), np.zeros(m)
    level, entering = np.empty(m), np.empty(m)
    for g in range(m):
        level[g] = point[g] + _PERTURBATION * (0.05 + point[g]) * (1.0 + ((g * 7919) % 101) / 101.0)
    nothing, pick, best = np.zeros(n, np.bool_), np.zeros(m, np.bool_), 1.0
    for _ in range(most_pivots):
        now[:] = 0.0
        packed = 0.0
        for r in range(m):
            if worth[r] != 0.0:
                packed += level[r]
                for g in range(m):
                    now[g] += inverse[r, g]
        if packed >= 1.0 - _LEAST_VIOLATION:
            break
        slack = np.argmin(now)
        if now[slack] < -1e-9:
            entering[:] = inverse[:, slack]
            if not _pivot(inverse, level, worth, entering, 0.0):
                break
            continue
        for g in range(m):
            cost[g] = max(now[g], 0.0)
        least = _cheap_cover(row_start, row_column, column_start, column_row, cost, pick)
        if least >= 0.999:
            least, is_proved = least_cover(
                row_start, row_column, column_start, column_row, cost, nothing, least + 1e-9, 0.0, most_nodes, pick
            )
            if not is_proved:
                break
            costs = 0.0
            for g in range(m):
                costs += cost[g] * point[g]
            if costs < best * least:
                best = costs / least
                for g in range(m):
                    price[g] = cost[g] / least
            if 1.0 - best >= _SHARE_CUT_OFF * (1.0 - packed) or least >= 1.0 - 1e-7:
                break
        entering[:] = 0.0
        for g in range(m):
            if pick[g]:
                for r in range(m):
                    entering[r] += inverse[r, g]
        if not _pivot(inverse, level, worth, entering, 1.0):
            break
    return best


@njit(cache=True, nogil=True)
def _whole_scale(price: Floats) -> float:
    """Return the least factor that makes all prices nearly whole, a fine one if no small factor does."""
    for scale in range(1, _WHOLE_SCALES + 1):
        if np.abs(price * scale - np.rint(price * scale)).max() < 2e-3:
            return float(scale)
    return _FINE_SCALE


@njit(cache=True, nogil=True)
def whole_cut(
    row_start: Indices,
    row_column: Columns,
    column_start: Indices,
    column_row: Columns,
    price: Floats,
    point: Floats,
    most_nodes: int,
    coefficient: Floats,
) -> float:
    """Fill whole ``coefficient`` and return the proved least cost of a cover with them; 0 if there is no cut.

    Parameters
    ----------
    row_start, row_column, column_start, column_row
        The window with all its columns.
    price
        Of the first columns, those where the point is positive; the others are lifted one after the other: each takes
        the least coefficient that leaves the cut true (Padberg 1973).
    point
        ``(price.size,)`` what must be cut off.
    """
    n, m, positive = row_start.size - 1, column_start.size - 1, price.size
    scale = _whole_scale(price)
    ceiling = scale * positive + scale
    cost = np.full(m, ceiling)
    cost[:positive] = np.rint(np.minimum(price, 1.0) * scale)  # a column that costs 1 pays a cover alone
    covered, pick = np.zeros(n, np.bool_), np.zeros(m, np.bool_)
    least, is_proved = least_cover(
        row_start, row_column, column_start, column_row, cost, covered, ceiling, 1.0, most_nodes, pick
    )
    if not is_proved or (cost[:positive] * point).sum() > least * (1.0 - 0.5 * _LEAST_VIOLATION):
        return 0.0
    for g in range(positive, m):
        covered[:] = False
        for a in range(column_start[g], column_start[g + 1]):
            covered[column_row[a]] = True
        rest, is_proved = least_cover(
            row_start, row_column, column_start, column_row, cost, covered, least, 1.0, most_nodes, pick
        )
        cost[g] = least - rest if is_proved else least
    coefficient[:] = cost
    return float(least)
