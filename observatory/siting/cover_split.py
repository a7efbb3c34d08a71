"""Bound of the smallest cover by bands: each is solved exactly, the cost of a site being shared between its bands.

A Lagrangian decomposition (Guignard and Kim 1987): whatever the shares, the sum of the least costs of the bands bounds
the number of sites of any cover from below. The shares move by deflected subgradient; then neighbouring bands become
one, which never lowers the bound and makes the walk longer. One band left is the whole problem.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from observatory.siting import interruption
from observatory.siting.cover_band import Band, BandCover
from observatory.siting.cover_order import places
from observatory.siting.incidence import Incidence
from observatory.siting.solution import Booleans, Floats, Indices

_THREADS = 2
"""Bands solved together; the answer does not depend on it."""
_SITES_OF_A_BAND, _UNITS_OF_A_BAND = 12, 330
"""Sites that a band needs at first, about, and units that it has at most (convention)."""
_JOINED_STATES, _MORE_STATES = 300_000, 3
"""States allowed to a band that joins two others, and the factor by which more are allowed when all else stalls."""
_STATES_MAX, _STATES_A_SECOND = 4_000_000, 400_000
"""States allowed to any walk (memory: about 100 bytes each), and those that a second surely sees."""
_FIRST_STEP, _NEXT_STEP, _COARSE_STEP, _LEAST_STEP = 1.0, 0.3, 0.1, 0.01
"""Step at first, after bands were joined, under which bands are joined if that is cheap, under which they must be."""
_PATIENCE, _SHORTER, _DEFLECTION = 8, 0.6, 0.7
_AHEAD = 1.0
"""Sites above the best bound at which the steps aim, the smallest cover known being further off (convention)."""
_GAIN = 3e-3
"""Sites by which the bound must rise for a step not to have failed (convention)."""


@dataclass(frozen=True, eq=False)
class Split:
    """A proved lower bound of the number of columns, and the columns of a cover of as many, where one band was left."""

    bound: float
    columns: Indices | None


def split_bound(incidence: Incidence, price: Floats, *, deadline: float, seed: int, target: float) -> Split:
    """Return the bound by bands, 0 where the units make no bands that can be walked along.

    Parameters
    ----------
    incidence
        Every unit must have a column.
    price
        ``(n_units,)`` prices of the linear cover, by which the costs are first shared.
    deadline
        Value of :func:`time.perf_counter` after which the best bound is returned.
    seed
        Of the map of the units.
    target
        Stop as soon as the bound reaches this.
    """
    where = places(incidence, seed=seed)
    if where is None:
        return Split(0.0, None)
    count = max(round(float(price.sum()) / _SITES_OF_A_BAND), -(-incidence.shape[0] // _UNITS_OF_A_BAND), 1)
    number = np.empty(where.shape[0], np.int64)
    number[np.argsort(where[:, 0], kind="stable")] = np.arange(where.shape[0]) * count // where.shape[0]
    bands = [_band(incidence, where, np.flatnonzero(number == k), seed=seed) for k in range(count)]
    if not all(band.is_narrow for band in bands):
        return Split(0.0, None)
    shares = np.array([incidence[band.units].T @ price[band.units] for band in bands])
    with ThreadPoolExecutor(_THREADS) as pool:
        search = _Search(incidence, where, bands, shares, pool, deadline=deadline, seed=seed, target=target)
        search.run()
    return Split(search.bound, search.columns)


def _band(incidence: Incidence, where: Floats, units: Indices, *, seed: int) -> Band:
    return Band(incidence, units[np.argsort(where[units, 1], kind="stable")], seed=seed)


def shared_out(shares: Floats, inside: Booleans) -> Floats:
    """Return the shares nearest to these that are not negative, null outside, and sum to 1 for each column.

    Parameters
    ----------
    shares, inside
        ``(n_bands, n_columns)``; each column must be inside one band at least.
    """
    active, out = inside.copy(), np.where(inside, shares, 0.0)
    while True:
        lack = 1.0 - np.where(active, out, 0.0).sum(axis=0)
        out = np.where(active, out + lack / np.maximum(active.sum(axis=0), 1), 0.0)
        negative = out < 0.0
        if not negative.any():
            return out
        active &= ~negative
        out[negative] = 0.0


class _Search:
    def __init__(
        self,
        incidence: Incidence,
        where: Floats,
        bands: list[Band],
        shares: Floats,
        pool: ThreadPoolExecutor,
        *,
        deadline: float,
        seed: int,
        target: float,
    ) -> None:
        self.bound = 0.0
        self.columns: Indices | None = None
        self._incidence, self._where, self._pool, self._seed = incidence, where, pool, seed
        self._deadline, self._target, self._bands = deadline, target, bands
        self._shares = shared_out(shares, self._inside())
        self._step, self._looked_at = _FIRST_STEP, [0] * len(bands)

    def run(self) -> None:
        """Move the shares and join bands in turn, until the target is met, one band is left or nothing more helps."""
        while self._move(_COARSE_STEP):
            if self._join(_JOINED_STATES):
                continue
            if not self._move(_LEAST_STEP):
                return
            states = _JOINED_STATES * _MORE_STATES
            while not self._join(states):
                states *= _MORE_STATES
                if states > _STATES_MAX or self._is_over():
                    return

    def _is_over(self) -> bool:
        return time.perf_counter() > self._deadline or self.bound >= self._target

    def _inside(self) -> Booleans:
        inside = np.zeros((len(self._bands), self._incidence.shape[1]), np.bool_)
        for row, band in zip(inside, self._bands, strict=True):
            row[band.columns] = True
        return inside

    def _move(self, least_step: float) -> bool:
        """Move the shares until the steps are short; tell whether there is reason to go on."""
        inside, shares, failures = self._inside(), self._shares, 0
        direction, times = np.zeros(shares.shape), inside.sum(axis=0)
        while self._step > least_step:
            interruption.check()
            found = self._solve(shares)
            bound = sum(one.bound for one in found)
            failures = 0 if bound > self.bound + _GAIN else failures + 1
            if bound > self.bound:
                self.bound, self._shares = bound, shares
            if not all(one.is_exact for one in found):
                return False
            if len(self._bands) == 1:
                self.columns = self._bands[0].columns[found[0].columns]
                return False
            if self._is_over():
                return False
            if failures == _PATIENCE:
                self._step, failures = self._step * _SHORTER, 0
            taken = np.zeros(shares.shape)
            for row, band, one in zip(taken, self._bands, found, strict=True):
                row[band.columns[one.columns]] = 1.0
            direction = np.where(inside, taken - taken.sum(axis=0) / times, 0.0) + _DEFLECTION * direction
            length = float((direction**2).sum())
            if length == 0.0:
                return True
            ahead = min(self._target, self.bound + _AHEAD) - bound
            shares = shared_out(shares + self._step * ahead / length * direction, inside)
        return True

    def _solve(self, shares: Floats) -> list[BandCover]:
        most = self._most_states(_STATES_MAX if self.bound > 0.0 else _JOINED_STATES)
        costs = [share[band.columns] for share, band in zip(shares, self._bands, strict=True)]
        found = list(self._pool.map(lambda band, cost: band.least_cost(cost, most_states=most), self._bands, costs))
        self._looked_at = [one.states for one in found]
        return found

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
        joined = dict(zip(pairs, self._pool.map(lambda k: self._together(k, most), pairs), strict=True))
        bands, shares, k = list[Band](), list[Floats](), 0
        while k < len(self._bands):
            band = joined.get(k)
            bands.append(band or self._bands[k])
            shares.append(self._shares[k : k + (2 if band else 1)].sum(axis=0))
            k += 2 if band else 1
        if len(bands) == len(self._bands):
            return False
        self._bands, self._shares, self._step = bands, np.array(shares), _NEXT_STEP
        return True

    def _together(self, k: int, states: int) -> Band | None:
        low, high = self._bands[k : k + 2]
        band = _band(self._incidence, self._where, np.concatenate([low.units, high.units]), seed=self._seed)
        if not band.is_narrow:
            return None
        band.excess = low.excess + high.excess
        shares = self._shares[k : k + 2].sum(axis=0)
        return band if band.least_cost(shares[band.columns], most_states=states).is_exact else None
