"""Every compromise worth showing between two aims: the exact front of two p-medians on the same candidates.

Any aim that is a sum over units of demand × cost to the nearest open site fits: minutes travelled by all, by the
inhabitants of QPV, or persons in need left out of reach (cost 0 within the threshold, 1 beyond).
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from observatory.errors import UsageError
from observatory.siting.question.checked_inputs import (
    Cost,
    as_allowed,
    as_cost,
    as_count,
    as_deadline,
    as_demand,
    as_sites,
    assign,
    nearest_cost,
    rows_below,
    too_many,
)
from observatory.siting.solvers.branch import solve
from observatory.siting.solvers.k_best import ranked
from observatory.siting.solvers.p_median import ceilings, unreachable
from observatory.siting.solvers.solution import Booleans, Floats, Indices
from observatory.siting.solvers.sorted_rows import Rows

_EXACT = 1e-10
_SAME = 1e-9
"""Two values within this share of each other are one (rounding of sums)."""


@dataclass(frozen=True, eq=False)
class Aim:
    """A sum to keep small: ``sum(demand * cost to the nearest open site)``.

    ``cost`` and ``demand`` as in :func:`observatory.siting.p_median`; the candidates are the same for both aims, the
    units need not be. ``uncovered_cost`` is what a unit without a site pays per unit of demand, ``None`` if it must
    have one.
    """

    cost: Any
    demand: Any
    uncovered_cost: float | None = None


@dataclass(frozen=True)
class Compromise:
    """Sites (existing first) that no other choice beats on both aims, and what each aim is worth there."""

    sites: tuple[int, ...]
    values: tuple[float, float]


@dataclass(frozen=True)
class Front:
    """Compromises by rising first aim; ``is_complete`` if it is proved that none is missing.

    Every compromise listed is a true choice; where the front is not complete, another one may beat it, and ``reason``
    says so in French.
    """

    compromises: tuple[Compromise, ...]
    is_complete: bool
    seed: int
    elapsed_s: float
    reason: str | None = None


@dataclass(frozen=True, eq=False)
class _Part:
    """One aim made ready: checked inputs, fallback cost per unit, sorted rows."""

    cost: Cost
    weight: Floats
    limit: float | None
    rows: Rows

    def value(self, sites: tuple[int, ...]) -> float:
        _, least = assign(self.cost, sites)
        if self.limit is not None:
            least = np.minimum(least, self.limit)
        return float((self.weight[self.weight > 0] * least[self.weight > 0]).sum())


@dataclass(eq=False)
class _Search:
    """State of one search; private to :func:`pareto`."""

    parts: tuple[_Part, _Part]
    existing: tuple[int, ...]
    free: Indices
    p: int
    deadline: float
    is_complete: bool = True

    def compromise(self, is_open: Booleans) -> Compromise:
        sites = self.existing + tuple(int(j) for j in self.free[is_open])
        return Compromise(sites, (self.parts[0].value(sites), self.parts[1].value(sites)))

    def rows(self, first: float, second: float) -> Rows:
        """Return the rows of ``first × aim one + second × aim two``: a p-median of both sets of units."""
        one, two = self.parts[0].rows, self.parts[1].rows
        return Rows(
            np.concatenate([one.start, one.start[-1] + two.start[1:]]),
            np.concatenate([one.column, two.column]),
            np.concatenate([one.cost * first, two.cost * second]),
            np.concatenate([one.base * first, two.base * second]),
            one.n_columns,
        )


def pareto(
    first: Aim,
    second: Aim,
    p: int,
    *,
    existing: Iterable[int] = (),
    allowed: Iterable[int] | None = None,
    time_limit_s: float = 60,
    seed: int = 0,
) -> Front:
    """Return every choice of ``p`` new sites that no other beats on both aims (one choice for each pair of values).

    Parameters
    ----------
    first, second
        The two aims, both to keep small.
    p, existing, allowed, seed
        As in :func:`observatory.siting.p_median`.
    time_limit_s
        Wall time after which what is found is returned, said incomplete.

    Returns
    -------
    Front
        Empty, with its reason, when no choice is possible.

    Raises
    ------
    UsageError
        If the arguments don't fit together.

    Notes
    -----
    The best of each aim, then of the weighted sums that two neighbours define, until none is new (Aneja and Nair 1979);
    then, between neighbours, the choices of that weighted sum by rising value up to the corner that they leave free
    (Visée and others 1998). The result is that of the ε-constraint method for every ε.
    """
    began = time.perf_counter()
    search = _prepare(first, second, p, existing, allowed, as_deadline(began, time_limit_s))
    if isinstance(search, str):
        return Front((), is_complete=True, seed=seed, elapsed_s=time.perf_counter() - began, reason=search)
    supported = _supported(search)
    found = list(supported)
    for left, right in itertools.pairwise(supported):
        found.extend(_between(search, left, right))
    reason = None if search.is_complete else "Le temps donné n’a pas suffi à explorer tous les compromis : allongez-le."
    elapsed = time.perf_counter() - began
    return Front(tuple(undominated(found)), search.is_complete, seed, elapsed, reason)


def undominated(compromises: Iterable[Compromise]) -> list[Compromise]:
    """Return those that no other equals or beats on both aims, by rising first aim; of equals, the first by sites."""
    kept: list[Compromise] = []
    for each in sorted(compromises, key=lambda one: (one.values, one.sites)):
        if not kept or each.values[1] < kept[-1].values[1] - _SAME * abs(kept[-1].values[1]):
            if kept and _close(kept[-1].values[0], each.values[0]):
                kept.pop()
            kept.append(each)
    return kept


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= _SAME * max(abs(one), abs(other))


def _prepare(
    first: Aim, second: Aim, p: int, existing: Iterable[int], allowed: Iterable[int] | None, deadline: float
) -> _Search | str:
    costs = (as_cost(first.cost), as_cost(second.cost))
    n_candidates = costs[0].shape[1]
    if costs[1].shape[1] != n_candidates:
        raise UsageError("Les deux objectifs doivent porter sur les mêmes sites candidats.")
    sites, count = as_sites(existing, n_candidates), as_count(p)
    free = as_allowed(allowed, sites, n_candidates)
    if (refusal := too_many(count, free.size)) is not None:
        return refusal
    parts = []
    for aim, cost in zip((first, second), costs, strict=True):
        weight = as_demand(aim.demand, cost.shape[0])
        limit = np.inf if aim.uncovered_cost is None else float(aim.uncovered_cost)
        fallback = np.minimum(nearest_cost(cost, sites), limit)
        if (refusal := unreachable(cost, weight, free, fallback)) is not None:
            return refusal
        picked, ceiling, penalty = ceilings(cost, weight, free, fallback)
        if np.isfinite(penalty) and not _always_served(cost, picked[np.isinf(fallback[picked])], free, count):
            return (
                "Selon les sites choisis, des unités pourraient rester sans desserte : donnez un coût aux unités non "
                "desservies pour comparer les compromis."
            )
        rows = rows_below(cost, picked, free, ceiling, weight[picked])
        parts.append(_Part(cost, weight, aim.uncovered_cost, rows))
    return _Search((parts[0], parts[1]), sites, free, count, deadline)


def _always_served(cost: Cost, needy: Indices, free: Indices, p: int) -> bool:
    """Tell whether any ``p`` candidates serve all the units that no existing site serves."""
    part = cost[needy][:, free]
    reached = np.isfinite(part).sum(axis=1) if isinstance(part, np.ndarray) else np.diff(part.indptr)
    return p > 0 and bool((free.size - np.asarray(reached) < p).all())


def _best(search: _Search, first: float, second: float) -> Compromise:
    outcome = solve(search.rows(first, second), search.p, deadline=search.deadline, tolerance=_EXACT)
    if outcome.bound < outcome.value * (1 - 2 * _EXACT):
        search.is_complete = False
    chosen = outcome.is_open.copy()
    chosen[np.flatnonzero(~chosen)[: search.p - int(chosen.sum())]] = True
    return search.compromise(chosen)


def _end(search: _Search, aim: int) -> Compromise:
    """Return the best of one aim that is best on the other among its equals."""
    alone = _best(search, 1.0 - aim, float(aim))
    other = 1 - aim
    # A weight small enough that no loss on the aim can be made up for, and large enough to tell equals apart.
    scale = max(abs(alone.values[aim]), 1.0) * 1e-7 / max(abs(alone.values[other]), 1.0)
    tied = _best(search, *((1.0, scale) if aim == 0 else (scale, 1.0)))
    return tied if _close(tied.values[aim], alone.values[aim]) else alone


def _supported(search: _Search) -> list[Compromise]:
    """Return the compromises that are best for some weighted sum, by rising first aim."""
    found = undominated([_end(search, 0), _end(search, 1)])
    pending = list(itertools.pairwise(found))
    while pending and time.perf_counter() < search.deadline:
        left, right = pending.pop()
        weights = _weights(left, right)
        middle = _best(search, *weights)
        if _sum(middle, weights) < _sum(left, weights) * (1 - _SAME):
            found.append(middle)
            pending += [(left, middle), (middle, right)]
    search.is_complete &= not pending
    return undominated(found)


def _weights(left: Compromise, right: Compromise) -> tuple[float, float]:
    """Return the weights for which two compromises are worth the same, of unit size."""
    rise, fall = right.values[0] - left.values[0], left.values[1] - right.values[1]
    size = rise + fall
    return fall / size, rise / size


def _sum(compromise: Compromise, weights: tuple[float, float]) -> float:
    return weights[0] * compromise.values[0] + weights[1] * compromise.values[1]


def _between(search: _Search, left: Compromise, right: Compromise) -> list[Compromise]:
    """Return the compromises between two neighbours, by ranking the weighted sum for which they are equal."""
    weights = _weights(left, right)
    found = [left, right]
    for choice in ranked(search.rows(*weights), search.p, deadline=search.deadline):
        corner = max(
            weights[0] * after.values[0] + weights[1] * before.values[1] for before, after in itertools.pairwise(found)
        )
        if choice.is_proved and choice.value > corner * (1 + _SAME):
            return found[1:-1]
        each = search.compromise(choice.is_open)
        if left.values[0] < each.values[0] < right.values[0]:
            found = undominated([*found, each])
        if not choice.is_proved or time.perf_counter() > search.deadline:
            search.is_complete = False
            break
    return found[1:-1]
