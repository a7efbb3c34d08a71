"""Rounds of local cuts: solve the linear cover, cut its point off window by window, solve again; a proved bound."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from observatory.siting import interruption
from observatory.siting.cover_cut import separating_price, whole_cut
from observatory.siting.incidence import Incidence
from observatory.siting.milp import GrowingModel, Model
from observatory.siting.rows import Columns
from observatory.siting.solution import Booleans, Floats, Indices

_THREADS = 2
"""Windows looked at together; the answer does not depend on it."""
_WINDOW_UNITS = (18, 18, 20, 22, 24, 26, 28, 30)
"""Units of a window by round, the last for all that follow: larger windows cut deeper and cost far more."""
_WINDOWS_MAX = 600
_AT_ONCE = 20
"""Windows between two looks at the clock."""
_GROUPS_MAX = 400
"""A window whose units tell more columns apart than this is left: its packing and its lifting would take seconds."""
_MOST_PIVOTS, _MOST_NODES = 6_000, 20_000
_LEAST_GAIN = 2e-4
"""Share of the bound that a round must gain for another to be worth it (convention)."""
_TIGHT = 1e-6
_SLACK = 1e-3
_POSITIVE = 1e-9


@dataclass(frozen=True, eq=False)
class Cut:
    """``coefficient @ x[columns] >= least``, true of every cover; whole numbers."""

    columns: Indices
    coefficient: Floats
    least: float


@dataclass(frozen=True, eq=False)
class Strengthened:
    """The proved lower bound, the cuts that prove it, and what each column adds to it if it is taken."""

    bound: float
    cuts: tuple[Cut, ...]
    reduced: Floats


def cut_rounds(incidence: Incidence, *, deadline: float, seed: int, target: float) -> Strengthened:
    """Return the bound of the linear cover strengthened by local cuts.

    Parameters
    ----------
    incidence
        Every unit must have a column.
    deadline
        Value of :func:`time.perf_counter` after which the best bound is returned.
    seed
        Of the windows.
    target
        Stop as soon as the bound reaches this.

    Notes
    -----
    The bound is computed from the prices alone, by weak duality, and so does not rest on what HiGHS says of itself.
    """
    windows = _Windows(incidence)
    model = GrowingModel(_linear(incidence), seed=seed)
    random, cuts = np.random.default_rng(seed), list[Cut]()
    best = Strengthened(0.0, (), np.ones(incidence.shape[1]))
    with ThreadPoolExecutor(_THREADS) as pool:
        for step in range(10**6):
            answer = model.solve(time_limit_s=deadline - time.perf_counter())
            if answer.values is None or answer.row_dual is None:
                break
            found = _proved(incidence, cuts, answer.row_dual)
            gained, best = found.bound - best.bound, found if found.bound > best.bound else best
            if best.bound >= target or time.perf_counter() > deadline:
                break
            if step >= len(_WINDOW_UNITS) and gained < _LEAST_GAIN * best.bound:
                break
            size = _WINDOW_UNITS[min(step, len(_WINDOW_UNITS) - 1)]
            new = _new_cuts(windows, answer.values, size, random, pool, deadline=deadline)
            if not new:
                break
            cuts = _replace(model, cuts, new, answer.values, answer.row_dual[incidence.shape[0] :])
    return best


def _linear(incidence: Incidence) -> Model:
    n, m = incidence.shape
    return Model(
        cost=np.ones(m),
        matrix=incidence.astype(np.float64),
        row_lower=np.ones(n),
        row_upper=np.full(n, np.inf),
        lower=np.zeros(m),
        upper=np.full(m, np.inf),
        whole=np.zeros(m, np.bool_),
    )


def _proved(incidence: Incidence, cuts: list[Cut], dual: Floats) -> Strengthened:
    """Return the bound that any prices, not negative, prove: ``prices @ least + sum of negative reduced costs``."""
    n = incidence.shape[0]
    price = np.maximum(dual, 0.0)
    reduced = 1.0 - np.asarray(incidence.T @ price[:n])
    least = float(price[:n].sum())
    for cut, worth in zip(cuts, price[n:], strict=True):
        if worth > 0.0:
            reduced[cut.columns] -= worth * cut.coefficient / cut.least
            least += float(worth)
    return Strengthened(least + float(np.minimum(reduced, 0.0).sum()), tuple(cuts), reduced)


def _replace(model: GrowingModel, cuts: list[Cut], new: list[Cut], point: Floats, dual: Floats) -> list[Cut]:
    """Drop the cuts that are slack, add the new ones; return those now in the model."""
    slack = np.array(
        [
            worth <= _POSITIVE and float(cut.coefficient @ point[cut.columns]) > cut.least * (1 + _SLACK)
            for cut, worth in zip(cuts, dual, strict=True)
        ],
        np.bool_,
    )
    model.drop(model.n_rows - slack.size + np.flatnonzero(slack))
    for cut in new:
        model.add(cut.columns, cut.coefficient / cut.least, 1.0)
    return [cut for cut, dropped in zip(cuts, slack, strict=True) if not dropped] + new


class _Windows:
    """Neighbourhoods of the units: two units are the nearer, the more of their columns they share."""

    def __init__(self, incidence: Incidence) -> None:
        self.incidence = incidence
        shared: Any = sparse.csr_array(incidence @ incidence.T)
        size = np.diff(incidence.indptr)
        row = np.repeat(np.arange(incidence.shape[0]), np.diff(shared.indptr))
        likeness = shared.data / np.minimum(size[row], size[shared.indices])
        self._start = shared.indptr
        self._near = shared.indices[np.lexsort((shared.indices, -likeness, row))]

    def around(self, unit: int, size: int, wanted: Booleans) -> Indices:
        """Return ``size`` wanted units: those nearest to a unit, then the nearest to each of these, and so on."""
        found: dict[int, None] = {}
        reached, turn = [unit], 0
        while len(found) < size and turn < len(reached):
            near = self._near[self._start[reached[turn]] : self._start[reached[turn] + 1]]
            kept = near[wanted[near]].tolist()
            reached.extend(other for other in kept if other not in found and other != unit)
            found.update(dict.fromkeys(kept))
            turn += 1
        return np.sort(np.fromiter(found, np.int64)[:size])


def _new_cuts(
    windows: _Windows,
    point: Floats,
    size: int,
    random: np.random.Generator,
    pool: ThreadPoolExecutor,
    *,
    deadline: float,
) -> list[Cut]:
    """Return cuts that the point breaks, around units drawn among those that it covers just once."""
    tight = np.asarray(windows.incidence @ point) < 1.0 + _TIGHT
    around = np.flatnonzero(tight)
    drawn = random.permutation(around)[:_WINDOWS_MAX]
    cuts: list[Cut] = []
    for k in range(0, drawn.size, _AT_ONCE):
        interruption.check()
        if time.perf_counter() > deadline:
            break
        rows = [windows.around(int(unit), size, tight) for unit in drawn[k : k + _AT_ONCE]]
        found = pool.map(lambda units: local_cut(windows.incidence, units, point), rows)
        cuts.extend(cut for cut in found if cut is not None)
    return cuts


def local_cut(incidence: Incidence, units: Indices, point: Floats) -> Cut | None:
    """Return a cut true of all covers of the units that the point breaks, or None if none was found.

    Parameters
    ----------
    incidence
        The whole problem.
    units
        Positions of the units of the window; the point must cover each.
    point
        ``(n_columns,)`` a solution of the linear cover.
    """
    part = sparse.csr_array(incidence[units])
    columns = np.unique(part.indices)
    covers = part[:, columns].toarray().T > 0
    # Columns that cover the same units of the window have the same coefficient: they are one.
    _, first, group = np.unique(np.packbits(covers, axis=1), axis=0, return_index=True, return_inverse=True)
    value = np.bincount(group.ravel(), weights=point[columns]).astype(np.float64)
    order = np.argsort(value <= _POSITIVE, kind="stable")
    rank = np.empty(order.size, np.int64)
    rank[order] = np.arange(order.size)
    covers, value = covers[first[order]], value[order]
    positive = int((value > _POSITIVE).sum())
    if order.size > _GROUPS_MAX or not covers[:positive].any(axis=0).all():
        return None
    price, coefficient = np.zeros(positive), np.zeros(order.size)
    by_unit, column, by_column, unit = _both_ways(covers[:positive])
    if separating_price(by_unit, column, by_column, unit, value[:positive], _MOST_PIVOTS, _MOST_NODES, price) >= 1.0:
        return None
    by_unit, column, by_column, unit = _both_ways(covers)
    least = whole_cut(by_unit, column, by_column, unit, price, value[:positive], _MOST_NODES, coefficient)
    if not (least > 0.0 and math.isfinite(least)):
        return None
    each = coefficient[rank[group.ravel()]]
    return Cut(columns[each > 0].astype(np.int64), each[each > 0], least)


def _both_ways(covers: Booleans) -> tuple[Indices, Columns, Indices, Columns]:
    """Return ``(n_columns, n_units)`` booleans in compressed form, by unit then by column."""
    column = np.nonzero(covers.T)[1]
    by_unit = np.concatenate([[0], np.cumsum(covers.sum(axis=0))]).astype(np.int64)
    by_column = np.concatenate([[0], np.cumsum(covers.sum(axis=1))]).astype(np.int64)
    return by_unit, column.astype(np.int32), by_column, np.nonzero(covers)[1].astype(np.int32)
