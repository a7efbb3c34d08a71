"""Sorted rows: for each demand unit, the candidates that could serve it better than its fallback, nearest first.

The form that every large model works on. A row holds only pairs cheaper than ``base``, the unit's cost if nothing new
opens (nearest existing site, or a penalty), so existing sites shorten the rows instead of lengthening the search.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from observatory.siting.solvers.solution import Booleans, Floats, Indices

Columns = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Rows:
    """Sparse cost rows in compressed form, sorted by cost, ties by column.

    ``cost[start[i]:start[i + 1]]`` are the costs of unit ``i`` towards ``column[start[i]:start[i + 1]]``, all below
    ``base[i]``. Costs are already multiplied by the weight of the unit.
    """

    start: Indices
    column: Columns
    cost: Floats
    base: Floats
    n_columns: int

    @property
    def n_rows(self) -> int:
        """Number of demand units."""
        return int(self.base.size)


@njit(cache=True, nogil=True)
def _count_dense(cost: Floats, picked: Indices, columns: Indices, ceiling: Floats) -> Indices:
    """Count, per picked row, the columns whose cost is below its ceiling."""
    start = np.zeros(picked.size + 1, np.int64)
    for r in range(picked.size):
        row = cost[picked[r]]
        n = 0
        for j in columns:
            if row[j] < ceiling[r]:
                n += 1
        start[r + 1] = start[r] + n
    return start


@njit(cache=True, nogil=True)
def _fill_dense(
    cost: Floats,
    picked: Indices,
    columns: Indices,
    ceiling: Floats,
    weight: Floats,
    start: Indices,
    out_column: Columns,
    out_cost: Floats,
) -> None:
    """Write the pairs below the ceiling, sorted by cost; a stable sort keeps ties in the order of the columns."""
    for r in range(picked.size):
        row = cost[picked[r]]
        n = start[r + 1] - start[r]
        found = np.empty(n, np.int32)
        price = np.empty(n, np.float64)
        k = 0
        for position in range(columns.size):
            value = row[columns[position]]
            if value < ceiling[r]:
                found[k] = position
                price[k] = value
                k += 1
        order = np.argsort(price, kind="mergesort")
        for k in range(n):
            out_column[start[r] + k] = found[order[k]]
            out_cost[start[r] + k] = price[order[k]] * weight[r]


def dense_rows(cost: Floats, picked: Indices, columns: Indices, ceiling: Floats, weight: Floats) -> Rows:
    """Return the rows of a dense matrix.

    Parameters
    ----------
    cost
        ``(n_demand, n_candidates)``, not negative; infinite where the pair is forbidden.
    picked, columns
        Rows and columns to keep; column ``k`` of the result is candidate ``columns[k]``.
    ceiling
        ``(picked.size,)`` unweighted cost from which a pair is of no use; also the fallback cost of the unit.
    weight
        ``(picked.size,)`` positive weights.
    """
    start = _count_dense(cost, picked, columns, ceiling)
    column = np.empty(start[-1], np.int32)
    price = np.empty(start[-1], np.float64)
    _fill_dense(cost, picked, columns, ceiling, weight, start, column, price)
    return Rows(start, column, price, ceiling * weight, int(columns.size))


def sorted_rows(row: Indices, column: Columns, cost: Floats, base: Floats, n_columns: int) -> Rows:
    """Return the rows of pairs given in any order; only those below ``base[row]`` are kept (costs weighted)."""
    keep = cost < base[row]
    row, column, cost = row[keep], column[keep], cost[keep]
    order = np.lexsort((column, cost, row))
    start = np.zeros(base.size + 1, np.int64)
    np.cumsum(np.bincount(row, minlength=base.size), out=start[1:])
    return Rows(start, column[order].astype(np.int32, copy=False), cost[order], base, n_columns)


@njit(cache=True, nogil=True)
def _narrow(
    start: Indices, column: Columns, cost: Floats, base: Floats, keep: Booleans, opened: Booleans
) -> tuple[Indices, Columns, Floats, Floats, Indices]:
    renumber = np.full(keep.size, -1, np.int64)
    names = np.empty(keep.size, np.int64)
    n = 0
    for j in range(keep.size):
        if keep[j] and not opened[j]:
            renumber[j] = n
            names[n] = j
            n += 1
    new_base = base.copy()
    new_start = np.zeros(base.size + 1, np.int64)
    for i in range(base.size):
        size = 0
        for k in range(start[i], start[i + 1]):
            if cost[k] >= new_base[i]:
                break
            j = column[k]
            if opened[j]:
                new_base[i] = cost[k]
                break
            if keep[j]:
                size += 1
        new_start[i + 1] = new_start[i] + size
    new_column = np.empty(new_start[-1], np.int32)
    new_cost = np.empty(new_start[-1], np.float64)
    for i in range(base.size):
        at = new_start[i]
        for k in range(start[i], start[i + 1]):
            # A pair that ties with the opened one was counted if it stands before it: the count decides, not the cost.
            if at == new_start[i + 1]:
                break
            j = column[k]
            if keep[j] and not opened[j]:
                new_column[at] = renumber[j]
                new_cost[at] = cost[k]
                at += 1
    return new_start, new_column, new_cost, new_base, names[:n].copy()


def narrow(rows: Rows, *, keep: Booleans, opened: Booleans) -> tuple[Rows, Indices]:
    """Return the rows once the ``opened`` columns are open for good and those not in ``keep`` closed for good.

    Opened columns lower the base of the rows that they serve and leave; the second result names the columns left.
    """
    start, column, cost, base, names = _narrow(rows.start, rows.column, rows.cost, rows.base, keep, opened)
    return Rows(start, column, cost, base, int(names.size)), names
