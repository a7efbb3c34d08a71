"""What published totals say of the sums that were hidden: exact bounds, by elimination and linear programming."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from observatory.errors import NotComputedError

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Totals:
    """Sums over groups of blocks that anyone can work out: a published total less the published cells inside."""

    parent: IntArray
    """Group of each block, shape (block,)."""
    total: IntArray
    """Sum of the hidden cells of each group, shape (group,)."""
    is_published: npt.NDArray[np.bool_]
    """Whether it is known, shape (group,)."""


def block_bounds(low: IntArray, high: IntArray, totals: Sequence[Totals]) -> tuple[IntArray, IntArray]:
    """Bound the hidden sum of each block as tightly as the published totals allow.

    Parameters
    ----------
    low, high
        What is known of each block's sum beforehand, shape (block,).
    totals
        One per tree; the groups of a tree don't overlap.

    Returns
    -------
    tuple
        Whole lower and upper bounds, both reached, for one tree or two and the sum of all.

    Raises
    ------
    NotComputedError
        If no sums agree with the totals: the figures contradict each other.
    """
    lower, upper = low.copy(), high.copy()
    rows = _rows(totals)
    _eliminate(lower, upper, rows)
    free = np.flatnonzero(lower < upper)
    if free.size == 0:
        return lower, upper
    matrix, rest = _equations(rows, lower, free)
    for component in _components(matrix):
        columns = free[component]
        used = matrix[:, component].any(axis=1)
        for position, block in enumerate(columns):
            lower[block], upper[block] = _extremes(
                matrix[np.ix_(used, component)], rest[used], (low[columns], high[columns]), position
            )
    return lower, upper


def middle_sums(low: IntArray, high: IntArray, totals: Sequence[Totals]) -> IntArray:
    """Return whole sums true to every published total, each as near as can be to the middle of its bounds.

    Parameters and errors are those of `block_bounds`; the result depends on nothing else. Sums are settled one after
    the other, in the order of the blocks.
    """
    lower, upper = block_bounds(low, high, totals)
    while (lower < upper).any():
        block = int(np.flatnonzero(lower < upper)[0])
        lower[block] = upper[block] = (lower[block] + upper[block]) // 2
        lower, upper = block_bounds(lower, upper, totals)
    return lower


def _rows(totals: Sequence[Totals]) -> list[tuple[IntArray, int]]:
    """Return, for each published total, its blocks and its value."""
    return [
        (np.flatnonzero(one.parent == group).astype(np.int64), int(one.total[group]))
        for one in totals
        for group in np.flatnonzero(one.is_published)
    ]


def _eliminate(lower: IntArray, upper: IntArray, rows: Sequence[tuple[IntArray, int]]) -> None:
    """Settle, as long as there is one, a block that is alone unknown in a total; exact, and enough for most of them."""
    waiting = list(rows)
    while waiting:
        later = []
        for blocks, total in waiting:
            unknown = blocks[lower[blocks] < upper[blocks]]
            if unknown.size > 1:
                later.append((blocks, total))
                continue
            known = total - int(lower[blocks].sum()) + int(lower[unknown].sum())
            if unknown.size == 1:
                if not lower[unknown[0]] <= known <= upper[unknown[0]]:
                    raise _contradiction()
                lower[unknown] = upper[unknown] = known
            elif known != 0:
                raise _contradiction()
        if len(later) == len(waiting):
            return
        waiting = later


def _equations(rows: Sequence[tuple[IntArray, int]], lower: IntArray, free: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the equations left between the blocks that are not settled."""
    matrix, rest = [], []
    is_free = np.zeros(len(lower), dtype=bool)
    is_free[free] = True
    for blocks, total in rows:
        if is_free[blocks].any():
            matrix.append(np.isin(free, blocks).astype(float))
            rest.append(float(total - lower[blocks[~is_free[blocks]]].sum()))
    return np.array(matrix).reshape(len(matrix), len(free)), np.array(rest)


def _components(matrix: FloatArray) -> list[IntArray]:
    """Return the columns that are linked to each other by rows."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    linked = csr_array(matrix.T @ matrix)
    count, label = connected_components(linked, directed=False)
    return [np.flatnonzero(label == one).astype(np.int64) for one in range(count)]


def _extremes(
    matrix: FloatArray, rest: FloatArray, bounds: tuple[IntArray, IntArray], position: int
) -> tuple[int, int]:
    from scipy.optimize import linprog

    limits = list(zip(bounds[0].tolist(), bounds[1].tolist(), strict=True))
    found = []
    for sign in (1.0, -1.0):
        cost = np.zeros(matrix.shape[1])
        cost[position] = sign
        result = linprog(cost, A_eq=matrix, b_eq=rest, bounds=limits, method="highs")
        if result.status != 0 or result.fun is None:
            raise _contradiction()
        found.append(round(sign * result.fun))
    return found[0], found[1]


def _contradiction() -> NotComputedError:
    return NotComputedError("Les totaux publiés se contredisent : rechargez la source avant de protéger ses comptes.")
