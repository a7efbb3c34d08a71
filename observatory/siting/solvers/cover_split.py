"""Smallest cover by bands: each is solved exactly, the cost of a site being shared between the bands that it touches.

A Lagrangian decomposition (Guignard and Kim 1987): whatever the shares, the sum of the least costs of the bands bounds
the number of sites of any cover from below. The shares move by a proximal bundle; then neighbouring bands become one,
which never lowers the bound and makes the walk longer. One band left is the whole problem. Beside the bands, strips of
the smallest cover known are covered anew.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from observatory.siting.solvers import interruption
from observatory.siting.solvers.cover_band import Band, BandCover
from observatory.siting.solvers.cover_bound import least_whole
from observatory.siting.solvers.cover_order import places
from observatory.siting.solvers.cover_shares import Shares, shared_out
from observatory.siting.solvers.cover_windows import Windows
from observatory.siting.solvers.effort import USUAL, BandEffort
from observatory.siting.solvers.incidence import Incidence
from observatory.siting.solvers.solution import Booleans, Floats, Indices

_THREADS = 2
"""Bands solved together; the answer does not depend on it."""
_EFFORT_OF_A_STATE = 10
"""What a state of a first walk costs, besides 1 for each column that covers a unit on average (convention)."""
_MORE_STATES = 3
"""Factor by which more states are allowed where no two bands can be joined."""
_STATES_A_SECOND = 400_000
"""States that a second surely sees."""
_RISE, _PATIENCE = 1e-3, 15
"""Bands are joined after so many steps in a row that rise by less (convention)."""
_STRIPS_QUIET = 6_000_000
"""States of the strips that halve their share if they bring no smaller cover (convention)."""


@dataclass(frozen=True, eq=False)
class Split:
    """A proved lower bound of the number of columns, and the columns of the smallest cover known."""

    bound: float
    cover: Booleans


def split_bound(
    incidence: Incidence,
    price: Floats,
    cover: Booleans,
    *,
    deadline: float,
    seed: int,
    enough: int = 2**31,
    effort: BandEffort = USUAL.bands,
) -> Split:
    """Return the bound by bands, 0 where the units make no bands that can be walked along, and a cover.

    Parameters
    ----------
    incidence
        Every unit must have a column.
    price
        ``(n_units,)`` prices of the linear cover, by which the costs are first shared.
    cover
        ``(n_columns,)`` a cover, made smaller where that succeeds.
    deadline
        Value of :func:`time.perf_counter` after which the best bound is returned.
    seed
        Of the map of the units, and of the strips covered anew.
    enough
        Stop as soon as the bound proves so many columns, or the cover.
    effort
        What the walks and the strips may take.
    """
    where = places(incidence, seed=seed)
    if where is None:
        return Split(0.0, cover)
    windows = Windows(incidence, where, cover, seed=seed)
    with ThreadPoolExecutor(_THREADS) as pool:
        bands, shares = _widest(incidence, where, price, pool, deadline=deadline, seed=seed, effort=effort)
        if not all(band.is_narrow for band in bands):
            return Split(0.0, cover)
        search = _Search(
            incidence, where, bands, shares, windows, pool, deadline=deadline, seed=seed, enough=enough, effort=effort
        )
        search.run()
    return Split(search.bound, windows.cover)


def _widest(
    incidence: Incidence,
    where: Floats,
    price: Floats,
    pool: ThreadPoolExecutor,
    *,
    deadline: float,
    seed: int,
    effort: BandEffort,
) -> tuple[list[Band], Floats]:
    """Return the fewest bands of as many units each that are quickly walked, and the shares that the prices say."""
    units = incidence.shape[0]
    count = max(round(float(price.sum()) / effort.sites_of_a_band), -(-units // effort.units_of_a_band), 1)
    of_a_state = _EFFORT_OF_A_STATE + incidence.nnz / units
    rank, found = np.argsort(np.argsort(where[:, 0], kind="stable")), None
    while True:
        interruption.check()
        number = rank * count // units
        bands = [_band(incidence, where, np.flatnonzero(number == k), seed=seed) for k in range(count)]
        shares = np.array([incidence[band.units].T @ price[band.units] for band in bands])
        if not all(band.is_narrow for band in bands):
            return found or (bands, shares)
        inside = _inside(bands, incidence.shape[1])
        costs = [share[band.columns] for band, share in zip(bands, shared_out(shares, inside), strict=True)]
        walks = list(pool.map(lambda band, cost: band.least_cost(cost, most_states=effort.first_states), bands, costs))
        looked_at = sum(walk.states for walk in walks)
        is_short = all(walk.is_exact for walk in walks) and looked_at * of_a_state <= effort.widening
        if found is not None and not is_short:
            return found
        found = bands, shares
        if count == 1 or not is_short or time.perf_counter() > deadline:
            return found
        count -= 1


def _inside(bands: list[Band], columns: int) -> Booleans:
    inside = np.zeros((len(bands), columns), np.bool_)
    for row, band in zip(inside, bands, strict=True):
        row[band.columns] = True
    return inside


def _band(incidence: Incidence, where: Floats, units: Indices, *, seed: int) -> Band:
    return Band(incidence, units[np.argsort(where[units, 1], kind="stable")], seed=seed)


class _Search:
    def __init__(
        self,
        incidence: Incidence,
        where: Floats,
        bands: list[Band],
        shares: Floats,
        windows: Windows,
        pool: ThreadPoolExecutor,
        *,
        deadline: float,
        seed: int,
        enough: int,
        effort: BandEffort,
    ) -> None:
        self.bound = 0.0
        self._incidence, self._where, self._windows, self._pool = incidence, where, windows, pool
        self._deadline, self._seed, self._enough, self._bands = deadline, seed, enough, bands
        self._effort = effort
        self._shares = Shares(shares, _inside(bands, incidence.shape[1]))
        self._looked_at = [0] * len(bands)

    def run(self) -> None:
        """Move the shares and join bands in turn, until the cover is proved, one band is left or nothing more helps."""
        states = self._effort.joined_states
        while self._move() and self._effort.is_joining:
            while not self._join(states):
                states *= _MORE_STATES
                if states > self._effort.states_max or self._is_over():
                    return

    def _is_over(self) -> bool:
        least = min(self._enough, int(self._windows.cover.sum()))
        return time.perf_counter() > self._deadline or least_whole(self.bound) >= least

    def _move(self) -> bool:
        """Move the shares until little gain is in sight; tell whether there is reason to go on."""
        shares = self._shares.best if self._shares.value < 0.0 else self._shares.following()[0]
        quiet = 0
        while True:
            interruption.check()
            found = self._solve(shares)
            value = sum(one.bound for one in found)
            self.bound = max(self.bound, value)
            if not all(one.is_exact for one in found):
                return False
            covers = np.zeros(shares.shape)
            for row, band, one in zip(covers, self._bands, found, strict=True):
                row[band.columns[one.columns]] = 1.0
            if len(self._bands) == 1:
                self._windows.offer(covers[0] > 0.0)
                return False
            quiet = 0 if value > self._shares.value + _RISE else quiet + 1
            self._shares.add(shares, value, covers)
            if self._is_over():
                return False
            shares, gain = self._shares.following()
            if gain < self._effort.least_gain or quiet == _PATIENCE:
                return True

    def _solve(self, shares: Floats) -> list[BandCover]:
        most = self._most_states(self._effort.states_max if self.bound > 0.0 else self._effort.joined_states)
        beside = self._cover_strips()
        # The longest walks first, so that the two threads end together.
        order = sorted(range(len(self._bands)), key=lambda k: -self._looked_at[k])
        costs = [shares[k][self._bands[k].columns] for k in order]
        walks = self._pool.map(lambda k, cost: self._bands[k].least_cost(cost, most_states=most), order, costs)
        by_band = dict(zip(order, walks, strict=True))
        beside.result()
        found = [by_band[k] for k in range(len(self._bands))]
        self._looked_at = [one.states for one in found]
        return found

    def _cover_strips(self) -> Future[None]:
        """Start covering strips anew, for a share of the time that the bands take, or for what they leave of it."""
        everywhere, most = sum(self._looked_at), max(self._looked_at)
        share = self._effort.strips_share / (1 + self._windows.quiet / _STRIPS_QUIET)
        states = max(int(share * everywhere), 2 * most - everywhere, 1) if share else 0
        least = least_whole(self.bound)
        return self._pool.submit(self._windows.improve, states, least=least, deadline=self._deadline)

    def _most_states(self, wanted: int) -> int:
        """Return so many states, or those that the time left allows."""
        return min(wanted, 1 + int(max(self._deadline - time.perf_counter(), 0.0) * _STATES_A_SECOND))

    def _join(self, states: int) -> bool:
        """Make one band of two neighbours wherever its walk stays within so many states; tell whether any were."""
        pairs: list[int] = []
        for k in sorted(range(len(self._bands) - 1), key=lambda k: self._looked_at[k] + self._looked_at[k + 1]):
            if not {k - 1, k, k + 1} & set(pairs):
                pairs.append(k)
        most = self._most_states(states)
        beside = self._cover_strips()
        joined = dict(zip(pairs, self._pool.map(lambda k: self._together(k, most), pairs), strict=True))
        beside.result()
        bands, groups, k = list[Band](), list[list[int]](), 0
        while k < len(self._bands):
            band = joined.get(k)
            bands.append(band or self._bands[k])
            groups.append([k, k + 1] if band else [k])
            k += len(groups[-1])
        if len(bands) == len(self._bands):
            return False
        self._bands, self._looked_at = bands, [sum(self._looked_at[k] for k in group) for group in groups]
        self._shares = self._shares.joined(groups, _inside(bands, self._incidence.shape[1]))
        return True

    def _together(self, k: int, states: int) -> Band | None:
        low, high = self._bands[k : k + 2]
        band = _band(self._incidence, self._where, np.concatenate([low.units, high.units]), seed=self._seed)
        if not band.is_narrow:
            return None
        band.excess = low.excess + high.excess
        shares = self._shares.best[k : k + 2].sum(axis=0)
        return band if band.least_cost(shares[band.columns], most_states=states).is_exact else None
