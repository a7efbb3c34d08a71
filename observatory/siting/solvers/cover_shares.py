"""How the cost of a site is shared between the bands that it touches: a proximal bundle, one model for each band.

The least cost of a band is a concave function of its costs, which every cover known of the band bounds from above. The
next shares are those where the sum of these bounds, less the square of the way from the best shares so far, is
greatest (Kiwiel 1990; one set of cuts per band: Ruszczyński 1986).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from observatory.siting.solvers.solution import Booleans, Floats, Indices

_ROUNDS, _PRECISION = 400, 1e-5
"""Rounds of the accelerated gradient at most, and the change of the weights under which it ends (convention)."""
_REACH = 2.0
"""Weight of the gain against the square of the way: the first step is that of a subgradient aiming so far above."""
_UNUSED_MAX = 12
"""Steps after which a cover that no longer counts is forgotten (convention)."""
_COUNTS = 1e-6


def shared_out(shares: Floats, inside: Booleans) -> Floats:
    """Return the shares nearest to these that are not negative, null outside, and sum to 1 for each column.

    Parameters
    ----------
    shares, inside
        ``(n_bands, n_columns)``; each column must be inside one band at least.
    """
    column, band = np.nonzero(inside.T)
    start, flat, out = (
        np.searchsorted(column, np.arange(inside.shape[1] + 1)),
        np.empty(column.size),
        np.zeros(inside.shape),
    )
    _shared(shares[band, column], start, flat)
    out[band, column] = flat
    return out


@njit(cache=True, nogil=True)
def _onto_simplices(weight: Floats, owner: Indices, count: int) -> None:
    """Move the weights of each band to the nearest that are not negative and sum to 1 (Held, Wolfe, Crowder 1974)."""
    for k in range(count):
        mine = np.flatnonzero(owner == k)
        falling = np.sort(weight[mine])[::-1]
        total, level = 0.0, 0.0
        for r in range(falling.size):
            total += falling[r]
            if falling[r] > (total - 1.0) / (r + 1):
                level = (total - 1.0) / (r + 1)
        for i in mine:
            weight[i] = max(weight[i] - level, 0.0)


@njit(cache=True, nogil=True)
def _shared(wished: Floats, start: Indices, out: Floats) -> None:
    """Write the nearest to what is wished that is not negative and sums to 1 for each column, column after column."""
    for j in range(start.size - 1):
        first, after = start[j], start[j + 1]
        out[first:after] = wished[first:after]
        kept = np.ones(after - first, np.bool_)
        while True:
            lack = (1.0 - out[first:after][kept].sum()) / max(kept.sum(), 1)
            is_done = True
            for a in range(first, after):
                if kept[a - first]:
                    out[a] += lack
                    if out[a] < 0.0:
                        out[a], kept[a - first], is_done = 0.0, False, False
            if is_done:
                break


@njit(cache=True, nogil=True)
def _led_to(
    best: Floats, start: Indices, cover_start: Indices, cover: Indices, weight: Floats, reach: float, shares: Floats
) -> None:
    """Write the shares to which the best ones are led by a mix of covers."""
    wished = best.copy()
    for i in range(weight.size):
        for a in range(cover_start[i], cover_start[i + 1]):
            wished[cover[a]] += reach * weight[i]
    _shared(wished, start, shares)


@njit(cache=True, nogil=True)
def _least_weights(
    best: Floats,
    start: Indices,
    cover_start: Indices,
    cover: Indices,
    owner: Indices,
    weight: Floats,
    count: int,
    reach: float,
    slope: float,
) -> tuple[Floats, Floats]:
    """Return the weights of the covers that leave the least to gain, and the shares that gain as much (Nesterov 1983).

    Parameters
    ----------
    best
        Shares from which to leave, column after column, of the bands that the column touches.
    start
        Where those of each column begin.
    cover_start, cover
        The covers, each the positions of its columns' shares in its band.
    owner, weight
        Band of each cover, and weights to start from.
    count
        Number of bands.
    reach
        Weight of the gain against half the square of the way.
    slope
        No less than the Lipschitz constant of the gradient.
    """
    ahead, now, pace = weight.copy(), weight.copy(), 1.0
    shares, following = np.empty(best.size), np.empty(weight.size)
    for _ in range(_ROUNDS):
        _led_to(best, start, cover_start, cover, ahead, reach, shares)
        for i in range(owner.size):
            following[i] = ahead[i] - shares[cover[cover_start[i] : cover_start[i + 1]]].sum() / slope
        _onto_simplices(following, owner, count)
        change = following - now
        if (change * (ahead - following)).sum() > 0.0:  # the momentum leads uphill: start again from here
            pace = 1.0
        faster = (1.0 + np.sqrt(1.0 + 4.0 * pace * pace)) / 2.0
        ahead = following + (pace - 1.0) / faster * change
        now, pace = following.copy(), faster
        if np.abs(change).max() < _PRECISION:
            break
    _led_to(best, start, cover_start, cover, now, reach, shares)
    return now, shares


class Shares:
    """The best shares so far, and the covers of the bands that tell where better ones may be.

    Attributes
    ----------
    best
        ``(n_bands, n_columns)``.
    value
        Sum of the least costs of the bands at ``best``.
    """

    def __init__(self, first: Floats, inside: Booleans) -> None:
        self.best, self.value = shared_out(first, inside), -np.inf
        self._inside, self._times = inside, np.maximum(inside.sum(axis=0), 1).astype(np.float64)
        column, band = np.nonzero(inside.T)
        self._pairs, self._start = (band, column), np.searchsorted(column, np.arange(inside.shape[1] + 1))
        self._place = np.full(inside.shape, -1)
        self._place[band, column] = np.arange(band.size)
        self._cover, self._owner = np.empty((0, inside.shape[1]), np.bool_), np.empty(0, np.int64)
        self._weight, self._unused = np.empty(0), np.empty(0, np.int64)
        self._reach = 0.0

    def add(self, shares: Floats, value: float, covers: NDArray[np.float64]) -> None:
        """Learn the least cost of the bands at some shares, and the covers that reach it.

        Parameters
        ----------
        shares
            ``(n_bands, n_columns)``.
        value
            Sum of the least costs.
        covers
            ``(n_bands, n_columns)`` of 0 and 1: the columns of the cheapest cover of each band.
        """
        if value > self.value:
            self.best, self.value = shares, value
        if self._reach == 0.0:
            away = np.where(self._inside, covers - covers.sum(axis=0) / self._times, 0.0)
            self._reach = _REACH / max(float((away**2).sum()), 1.0)
        kept, bands = self._unused < _UNUSED_MAX, np.arange(covers.shape[0])
        owner = np.concatenate([self._owner[kept], bands])
        weight = np.concatenate([self._weight[kept], np.zeros(bands.size)])
        for k in bands:
            total = weight[owner == k].sum()
            weight[owner == k] /= total if total > 0.0 else 1.0
            weight[weight.size - bands.size + k] += float(total <= 0.0)
        self._cover, self._owner, self._weight = np.concatenate([self._cover[kept], covers > 0.0]), owner, weight
        self._unused = np.concatenate([self._unused[kept], np.zeros(bands.size, np.int64)])

    def joined(self, groups: list[list[int]], inside: Booleans) -> Shares:
        """Return the shares of fewer bands, each of which takes the place of a group of these.

        The covers of the bands that stay alone are kept.
        """
        out = Shares(np.array([self.best[group].sum(axis=0) for group in groups]), inside)
        place = np.full(self.best.shape[0], -1)
        for k, group in enumerate(groups):
            if len(group) == 1:
                place[group[0]] = k
        owner = place[self._owner]
        kept = owner >= 0
        out._cover, out._owner, out._weight = self._cover[kept], owner[kept], self._weight[kept]
        out._unused, out._reach = self._unused[kept], self._reach
        return out

    def following(self) -> tuple[Floats, float]:
        """Return the next shares to look at, and by how much the covers known let the sum of the least costs rise."""
        count = self.best.shape[0]
        each, column = np.nonzero(self._cover)
        cover = self._place[self._owner[each], column]
        cover_start = np.searchsorted(each, np.arange(self._owner.size + 1))
        slope = 1e-9
        for k in range(count):
            mine = self._cover[self._owner == k].astype(np.float64)
            slope = max(slope, self._reach * float(np.linalg.eigvalsh(mine @ mine.T)[-1]))
        self._weight, flat = _least_weights(
            self.best[self._pairs],
            self._start,
            cover_start,
            cover,
            self._owner,
            self._weight,
            count,
            self._reach,
            slope,
        )
        self._unused = np.where(self._weight > _COUNTS, 0, self._unused + 1)
        shares = np.zeros(self.best.shape)
        shares[self._pairs] = flat
        paid = np.bincount(each, weights=flat[cover], minlength=self._owner.size)
        return shares, float(self._weight @ paid) - self.value
