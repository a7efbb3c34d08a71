"""Smaller covers by large neighbourhoods: a strip of the map is covered anew, exactly, all else kept (Shaw 1998).

Of the covers of the strip that are equally small, one is drawn at random: the cover drifts, and a strip elsewhere may
then do with one site less.
"""

from __future__ import annotations

import time

import numpy as np
from scipy import sparse

from observatory.siting.solvers.cover_band import Band
from observatory.siting.solvers.incidence import Incidence, core
from observatory.siting.solvers.solution import Booleans, Floats, Indices

_UNITS_FIRST, _UNITS_LEAST = 300, 40
"""Units of a strip at first and at least (convention)."""
_STATES_AIM, _STATES_MAX = 6_000, 150_000
"""States that a strip should take, about (units are added or removed to that end), and may take (convention)."""
_STATES_OF_A_STRIP, _STATES_OF_A_PAIR = 8_000, 2.5
"""What a strip costs besides its states, told in states: by itself, and for each pair (unit, site) it is left with."""
_WIDER, _NARROWER = 1.02, 0.97
_DRAW = 0.5
"""Sum of what the draw may add to the costs of the sites of a strip: under 1, so that a smaller cover always wins."""


class Windows:
    """A cover made smaller, strip after strip.

    Attributes
    ----------
    cover
        ``(n_columns,)`` the smallest cover found.
    quiet
        What the strips covered anew since it was found have cost, told in states.
    """

    def __init__(self, incidence: Incidence, where: Floats, cover: Booleans, *, seed: int) -> None:
        self.cover, self.quiet = cover, 0
        self._now, self._incidence, self._where = cover.copy(), incidence, where
        self._transposed = sparse.csr_array(incidence.T)
        self._random, self._seed, self._size = np.random.default_rng(seed), seed, float(_UNITS_FIRST)

    def improve(self, states: int, *, least: int, deadline: float) -> None:
        """Cover strips anew until so many states were looked at, the cover has ``least`` columns, or time is up."""
        done = 0
        while done < states and self.cover.sum() > least and time.perf_counter() < deadline:
            done += self._step()

    def offer(self, cover: Booleans) -> None:
        """Take over a cover, if it is smaller."""
        if cover.sum() < self.cover.sum():
            self.cover, self._now, self.quiet = cover, cover.copy(), 0

    def _step(self) -> int:
        """Cover one strip anew; return what it cost, told in states."""
        angle = self._random.uniform(0.0, np.pi)
        turned = self._where @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        n, size = self._where.shape[0], max(int(self._size), _UNITS_LEAST)
        first = int(self._random.integers(-size // 2, max(n - size // 2, 1)))
        strip = np.argsort(turned[:, 0], kind="stable")[max(first, 0) : first + size]
        inside = np.zeros(n, np.int32)
        inside[strip] = 1
        removed = self._now & (self._transposed @ inside > 0)
        kept = self._now & ~removed
        bare = np.flatnonzero(self._incidence @ kept.astype(np.int32) == 0)
        columns, looked_at, besides = self._least(bare, turned[:, 1], int(removed.sum()))
        self._size *= _NARROWER if looked_at > _STATES_AIM else _WIDER
        self._size = min(self._size, float(n))
        self.quiet += looked_at + besides
        if columns is not None:  # never more than were removed
            self._now = kept
            self._now[columns] = True
            if self._now.sum() < self.cover.sum():
                self.cover, self.quiet = self._now.copy(), 0
        return looked_at + besides

    def _least(self, units: Indices, along: Floats, known: int) -> tuple[Indices | None, int, int]:
        """Return the fewest columns that cover the units (None if given up), the states, and what else it cost."""
        part = sparse.csr_array(self._incidence[units])
        columns = np.unique(part.indices).astype(np.int64)
        small = core(sparse.csr_array(part[:, columns]), columns)
        forced = np.array(small.forced, np.int64)
        if not small.units.size:
            return forced, 0, _STATES_OF_A_STRIP
        besides = _STATES_OF_A_STRIP + int(_STATES_OF_A_PAIR * small.incidence.nnz)
        band = Band(small.incidence, np.argsort(along[units[small.units]], kind="stable"), seed=self._seed)
        if not band.is_narrow:
            return None, _STATES_MAX, besides
        cost = 1.0 + _DRAW / max(known, 1) * self._random.random(band.columns.size)
        found = band.least_cost(cost, most_states=_STATES_MAX)
        if not found.is_exact:
            return None, found.states, besides
        return np.concatenate([forced, small.sites[band.columns[found.columns]]]), found.states, besides
