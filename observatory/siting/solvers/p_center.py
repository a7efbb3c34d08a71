"""p-center: open p new sites so that the unit farthest from its nearest open site is as near as possible."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from observatory.siting.question.checked_inputs import (
    Cost,
    as_allowed,
    as_cost,
    as_count,
    as_deadline,
    as_sites,
    assign,
    fill,
    nearest_cost,
    too_many,
)
from observatory.siting.solvers.cover import greedy_cover, smallest_cover
from observatory.siting.solvers.effort import USUAL, Effort
from observatory.siting.solvers.incidence import Incidence
from observatory.siting.solvers.lscp import out_of_reach
from observatory.siting.solvers.p_median import TOLERANCE
from observatory.siting.solvers.solution import Booleans, Floats, Indices, Solution, infeasible, solved

_WATCHED_AT_ONCE = 5
"""Units added at a time to those that the search asks to reach (convention)."""
_QUIET_BLOCKS = 2
"""Blocks without a smaller cover after which the local search of a level gives way (convention)."""


def p_center(
    cost: Any,  # noqa: ANN401 - dense or any scipy.sparse matrix
    p: int,
    *,
    existing: Iterable[int] = (),
    allowed: Iterable[int] | None = None,
    time_limit_s: float = 60,
    tolerance: float = TOLERANCE,
    seed: int = 0,
    effort: Effort = USUAL,
) -> Solution:
    """Open ``p`` new sites, besides the existing ones, so that the greatest cost to the nearest open site is least.

    Parameters
    ----------
    cost
        ``(n_demand, n_candidates)``, as in :func:`observatory.siting.p_median`. Every unit counts, whatever its demand:
        leave out the rows that should not.
    p
        Number of **new** sites; the existing ones are kept open in addition. Exactly ``p`` are opened.
    existing, allowed, time_limit_s, tolerance, seed, effort
        As in :func:`observatory.siting.p_median`; the seed drives the local search.

    Returns
    -------
    Solution
        ``objective`` is the greatest cost, one of the costs given; ``bound`` is a lower bound, one of them too.

    Raises
    ------
    UsageError
        If the arguments don't fit together.

    Notes
    -----
    Binary search over the distinct costs; at each, the smallest cover is searched and bounded (Minieka 1970; Daskin
    1995). A step that the time leaves undecided narrows neither side: the gap says so.
    """
    began = time.perf_counter()
    matrix = as_cost(cost)
    sites, p = as_sites(existing, matrix.shape[1]), as_count(p)
    free = as_allowed(allowed, sites, matrix.shape[1])
    if (refusal := too_many(p, free.size)) is not None:
        return infeasible(matrix.shape[0], refusal, seed=seed, elapsed_s=time.perf_counter() - began)
    base = nearest_cost(matrix, sites)
    pairs = _useful(matrix, free, base)
    lost = np.flatnonzero(np.isinf(base) & (np.bincount(pairs.row, minlength=base.size) == 0))
    if lost.size:
        return infeasible(base.size, out_of_reach(lost), seed=seed, elapsed_s=time.perf_counter() - began)
    found = _search(pairs, base, free.size, p, deadline=as_deadline(began, time_limit_s), seed=seed, effort=effort)
    elapsed = time.perf_counter() - began
    if found.columns is None:
        return infeasible(base.size, _refused(found, p), seed=seed, elapsed_s=elapsed)
    chosen = sites + tuple(int(j) for j in free[fill(found.columns, p)])
    assignment, least = assign(matrix, chosen)
    objective = float(least.max(initial=0.0))
    return solved(
        chosen, assignment, objective, min(found.bound, objective), seed=seed, elapsed_s=elapsed, tolerance=tolerance
    )


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Pairs cheaper than the nearest existing site of the unit."""

    row: Indices
    column: Indices
    cost: Floats


@dataclass(frozen=True, eq=False)
class _Found:
    columns: Booleans | None
    bound: float
    is_proved: bool


def _useful(cost: Cost, free: Indices, base: Floats) -> _Pairs:
    if isinstance(cost, np.ndarray):
        near = cost[:, free]
        at, to = np.nonzero((near < base[:, None]) & np.isfinite(near))
        return _Pairs(at.astype(np.int64), to.astype(np.int64), near[at, to])
    part: Any = sparse.coo_array(cost[:, free])
    row, column = (np.asarray(axis, np.int64) for axis in part.coords)
    keep = (part.data < base[row]) & np.isfinite(part.data)
    return _Pairs(row[keep], column[keep], part.data[keep])


def _within(pairs: _Pairs, base: Floats, n_columns: int, radius: float) -> tuple[Incidence, bool]:
    """Return the incidence of the units beyond ``radius`` of every existing site, and whether each has a site."""
    rank = np.cumsum(base > radius) - 1
    keep = (pairs.cost <= radius) & (base[pairs.row] > radius)
    n = int((base > radius).sum())
    row, column = rank[pairs.row[keep]], pairs.column[keep]
    incidence = sparse.csr_array((np.ones(row.size, np.int32), (row, column)), shape=(n, n_columns))
    incidence.sort_indices()
    return incidence, bool((np.diff(incidence.indptr) > 0).all())


def _search(
    pairs: _Pairs, base: Floats, n_columns: int, p: int, *, deadline: float, seed: int, effort: Effort
) -> _Found:
    """Search the distinct costs by halves; ``low`` is the last index refused for sure, ``high`` the last reached."""
    if base.size == 0:
        return _Found(np.zeros(n_columns, np.bool_), 0.0, is_proved=True)
    levels = _levels(pairs, base)
    high, best = _by_greed(pairs, base, n_columns, p, levels)
    low, open_from, open_to = -1, levels.size, -1
    watched = np.zeros(base.size, np.bool_)
    below = True
    while time.perf_counter() < deadline:
        middle = _next_level(low, high, open_from, open_to, below=below)
        if middle is None:
            break
        now = time.perf_counter()
        verdict, columns = _decide(
            pairs,
            base,
            n_columns,
            p,
            levels[middle],
            watched,
            deadline=now + (deadline - now) / 4,
            seed=seed,
            effort=effort,
        )
        if verdict is False:
            low = middle
        elif columns is not None:
            high, best = middle, columns
        else:
            open_from, open_to = min(open_from, middle), max(open_to, middle)
        # What was undecided above a level since reached, or below one since refused, no longer matters.
        if open_from >= high or open_to <= low:
            open_from, open_to = levels.size, -1
        below = not below
    bound = float(levels[low + 1]) if low + 1 < levels.size else np.inf
    return _Found(best, bound, is_proved=low + 1 == levels.size)


def _next_level(low: int, high: int, open_from: int, open_to: int, *, below: bool) -> int | None:
    """Return the level to decide next: the middle, or beside the levels left undecided, on either side in turn."""
    if open_from > open_to:
        return (low + high) // 2 if low + 1 < high else None
    under = (low + open_from) // 2 if low + 1 < open_from else None
    over = (min(open_to, high - 1) + high) // 2 if open_to + 1 < high else None
    first, second = (under, over) if below else (over, under)
    return first if first is not None else second


def _decide(
    pairs: _Pairs,
    base: Floats,
    n_columns: int,
    p: int,
    radius: float,
    watched: Booleans,
    *,
    deadline: float,
    seed: int,
    effort: Effort,
) -> tuple[bool | None, Booleans | None]:
    """Tell whether ``p`` columns reach every unit within ``radius``: proved no, yes with the columns, or unknown.

    Only the ``watched`` units are asked for; those that the answer leaves out are watched from then on (Chen and Chen
    2009). Too few columns for some of the units are too few for all.
    """
    whole, coverable = _within(pairs, base, n_columns, radius)
    if not coverable:
        return False, None
    far, impatient = np.flatnonzero(base > radius), replace(effort, quiet_blocks=_QUIET_BLOCKS)
    while True:
        asked = np.flatnonzero(watched[far])
        part = sparse.csr_array(whole[asked])
        cover = smallest_cover(part, deadline=deadline, seed=seed, enough=p, hopeless=p + 1, effort=impatient)
        if cover.bound > p:
            return False, None
        if cover.columns.size > p:
            return None, None
        columns = np.isin(np.arange(n_columns), cover.columns)
        missed = np.flatnonzero((whole @ columns.astype(np.int32)) == 0)
        if missed.size == 0:
            return True, columns
        _watch(pairs, far[missed], columns, base, watched)


def _watch(pairs: _Pairs, missed: Indices, columns: Booleans, base: Floats, watched: Booleans) -> None:
    """Watch the missed units that are farthest from the columns."""
    reached = base.copy()
    chosen = columns[pairs.column]
    np.minimum.at(reached, pairs.row[chosen], pairs.cost[chosen])
    farthest = missed[np.argsort(-reached[missed], kind="stable")]
    watched[farthest[:_WATCHED_AT_ONCE]] = True


def _by_greed(pairs: _Pairs, base: Floats, n_columns: int, p: int, levels: Floats) -> tuple[int, Booleans | None]:
    """Return the index of a level that a greedy cover reaches with ``p`` columns, and those columns."""
    low, high, best = -1, levels.size, None
    while low + 1 < high:
        middle = (low + high) // 2
        incidence, coverable = _within(pairs, base, n_columns, levels[middle])
        columns = greedy_cover(incidence) if coverable else None
        if columns is not None and columns.sum() <= p:
            high, best = middle, columns
        else:
            low = middle
    return high, best


def _levels(pairs: _Pairs, base: Floats) -> Floats:
    """Return the costs that may be the answer: at least every unit's least, at most the greatest of the fallbacks."""
    floor = base.copy()
    np.minimum.at(floor, pairs.row, pairs.cost)
    least = floor.max(initial=0.0)
    values = np.unique(np.concatenate([pairs.cost, base[np.isfinite(base)]]))
    kept: Floats = values[values >= least]
    return kept


def _refused(found: _Found, p: int) -> str:
    if found.is_proved:
        return (
            f"Avec {p} nouveau(x) pôle(s), des unités restent hors de portée quels que soient les sites choisis : "
            "demandez plus de pôles, élargissez les candidats ou autorisez plus de liaisons."
        )
    return (
        f"Aucune implantation de {p} nouveau(x) pôle(s) à portée de toutes les unités n’a été trouvée dans le temps "
        "donné, sans que l’impossibilité soit prouvée : allongez le temps ou demandez plus de pôles."
    )
