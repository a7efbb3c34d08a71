"""One band of a covering problem: its least cost under any costs of the sites, proved, with the sites that reach it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from observatory.siting.solvers.cover_sweep import WORD, Masks, masks, sweep
from observatory.siting.solvers.incidence import Incidence
from observatory.siting.solvers.milp import LinearModel, Model
from observatory.siting.solvers.solution import Floats, Indices

_WORDS_MAX = 16
"""Words of 64 units that a mask may have: a band whose columns reach further is not walked."""
_FIRST_LIMIT = 0.1
"""Least excess looked for at first (convention)."""
_STEP, _STEP_MAX = 0.02, 0.08
"""By how much the excess looked for is raised at first, then at most, until a cover is found (sites cost about 1)."""
_MARGIN = 0.02
"""By how much the first limit of a solve is above the excess found by the last (convention)."""
_BACK_SHARE = 0.6
"""Share of the limit to which the band is first walked backwards, for what the units ahead will cost."""


@dataclass(frozen=True, eq=False)
class BandCover:
    """A proved lower bound of the cost of any cover of the band, the columns of one that costs as much, if known."""

    bound: float
    columns: Indices
    is_exact: bool
    states: int


@dataclass(frozen=True, eq=False)
class _Way:
    """The incidence of a band in one of the two directions, in compressed form by unit; columns are groups."""

    row_start: Indices
    row_group: Indices
    row_mask: Masks
    row: Indices
    by_group: Indices
    """Positions of the pairs sorted by group, then by unit."""

    def cheapest_first(self, price: Floats, reduced: Floats, group_start: Indices) -> tuple[Indices, Masks, Floats]:
        """Return the pairs of each unit by what they cost at least: their columns, masks and excess.

        The excess is the reduced cost of the column plus the prices of its units before this one.
        """
        ordered = price[self.row[self.by_group]]
        before = np.cumsum(ordered) - ordered
        before -= np.repeat(before[group_start[:-1]], np.diff(group_start))
        out = np.empty(before.size)
        out[self.by_group] = before
        out += reduced[self.row_group]
        order = np.lexsort((out, self.row))
        return self.row_group[order], self.row_mask[order], out[order]


class Band:
    """Units in the order of the walk, and the columns that cover one of them at least.

    Attributes
    ----------
    columns
        Positions in the whole problem of the columns of the band.
    excess
        Excess of the last least cover over the linear bound, from which the next solve starts.
    """

    def __init__(self, incidence: Incidence, units: Indices, *, seed: int) -> None:
        part = sparse.csc_array(incidence[units])
        part.sort_indices()
        self.columns = np.flatnonzero(np.diff(part.indptr) > 0)
        part = part[:, self.columns]
        # Columns that cover the same units of the band are one, at the cost of the cheapest.
        packed = np.packbits(part.toarray().T > 0, axis=1)
        _, first, group = np.unique(packed, axis=0, return_index=True, return_inverse=True)
        part = sparse.csc_array(part[:, first])
        part.sort_indices()
        self.units, self.excess = units, 0.0
        self._last: tuple[Floats, BandCover] | None = None
        self._order = np.argsort(group.ravel(), kind="stable")
        self._order_start = np.searchsorted(group.ravel()[self._order], np.arange(first.size + 1))
        self._group_start = part.indptr.astype(np.int64)
        row = part.indices.astype(np.int64)
        span = int((row[self._group_start[1:] - 1] - row[self._group_start[:-1]]).max()) + 1
        self.words = -(-span // WORD)
        if self.words > _WORDS_MAX:
            return
        self._forwards = self._way(row)
        self._backwards = self._way(units.size - 1 - row)
        lines = sparse.csr_array(part).astype(np.float64)
        self._transposed = sparse.csr_array(lines.T)
        n, m = lines.shape
        self._linear = LinearModel(
            Model(
                cost=np.ones(m),
                matrix=lines,
                row_lower=np.ones(n),
                row_upper=np.full(n, np.inf),
                lower=np.zeros(m),
                upper=np.full(m, np.inf),
                whole=np.zeros(m, np.bool_),
            ),
            seed=seed,
        )

    @property
    def is_narrow(self) -> bool:
        """Tell whether the masks of the walk fit; the band cannot be solved otherwise."""
        return self.words <= _WORDS_MAX

    def _way(self, row: Indices) -> _Way:
        group = np.repeat(np.arange(self._group_start.size - 1), np.diff(self._group_start))
        pairs = np.lexsort((group, row))
        row_start = np.searchsorted(row[pairs], np.arange(self.units.size + 1))
        by_group = np.lexsort((row[pairs], group[pairs]))
        rising = row[pairs][by_group]
        return _Way(
            row_start,
            group[pairs],
            masks(row_start, group[pairs], self._group_start, rising, self.words),
            row[pairs],
            by_group,
        )

    def least_cost(self, cost: Floats, *, most_states: int) -> BandCover:
        """Return the least cost of a cover of the band.

        Parameters
        ----------
        cost
            ``(columns.size,)``, not negative.
        most_states
            States of the walk after which the excess not yet ruled out is left at that.
        """
        if self._last is not None and np.array_equal(self._last[0], cost):
            return self._last[1]
        found = self._least_cost(cost, most_states)
        self._last = (cost.copy(), found) if found.is_exact else None
        return found

    def _least_cost(self, cost: Floats, most_states: int) -> BandCover:
        ordered = cost[self._order]
        least = np.minimum.reduceat(ordered, self._order_start[:-1])
        price = self._prices(least)
        reduced = least - self._transposed @ price
        linear = float(price.sum() + np.minimum(reduced, 0.0).sum())
        reduced = np.maximum(reduced, 0.0)
        found = self._walk(price, reduced, most_states)
        if not found.is_exact:
            return BandCover(linear + found.bound, found.columns, is_exact=False, states=found.states)
        self.excess = found.bound
        start = self._order_start
        chosen = [self._order[start[g] + np.argmin(ordered[start[g] : start[g + 1]])] for g in found.columns]
        return BandCover(linear + found.bound, np.array(chosen, np.int64), is_exact=True, states=found.states)

    def _prices(self, cost: Floats) -> Floats:
        self._linear.reprice(cost)
        answer = self._linear.solve(time_limit_s=60)
        if answer.row_dual is None:
            return np.zeros(self.units.size)
        return np.maximum(answer.row_dual, 0.0)

    def _walk(self, price: Floats, reduced: Floats, most_states: int) -> BandCover:
        """Raise the excess looked for until a cover is found; columns are groups here, and the bound is an excess."""
        n, mirrored = self.units.size, price[::-1].copy()
        forth = self._forwards.cheapest_first(price, reduced, self._group_start)
        behind = self._backwards.cheapest_first(mirrored, reduced, self._group_start)
        reached, chosen, unknown, looked_at = np.empty(n + 1), np.empty(n, np.int64), np.zeros(n + 1), 0
        ruled_out, step, limit = 0.0, _STEP, max(self.excess + _MARGIN, _FIRST_LIMIT)
        while True:
            so_far = _BACK_SHARE * limit
            found = sweep(
                self._backwards.row_start, *behind, mirrored, so_far, unknown, most_states - looked_at, reached, chosen
            )
            if np.isinf(found[0]) and found[2] >= 0:
                looked_at += found[2]
                # What the units from v on cost at least: all ways to have covered them, walking backwards.
                least = np.minimum(np.minimum.accumulate(reached[::-1]), so_far)
                rest = np.append(least[:n], 0.0)
                found = sweep(
                    self._forwards.row_start, *forth, price, limit, rest, most_states - looked_at, reached, chosen
                )
            if found[2] < 0:
                return BandCover(ruled_out, np.empty(0, np.int64), is_exact=False, states=most_states)
            looked_at += found[2]
            if np.isfinite(found[0]):
                return BandCover(found[0], chosen[: found[1]].copy(), is_exact=True, states=looked_at)
            ruled_out, limit, step = limit, limit + step, min(2 * step, _STEP_MAX)
