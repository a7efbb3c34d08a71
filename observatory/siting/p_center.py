"""p-center: open p new sites so that the unit farthest from its nearest open site is as near as possible."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from observatory.siting.cover import smallest_cover
from observatory.siting.incidence import Incidence
from observatory.siting.inputs import (
    Cost,
    as_allowed,
    as_cost,
    as_count,
    as_sites,
    assign,
    fill,
    nearest_cost,
    too_many,
)
from observatory.siting.lscp import out_of_reach
from observatory.siting.p_median import TOLERANCE
from observatory.siting.solution import Booleans, Floats, Indices, Solution, infeasible, solved


def p_center(
    cost: Any,  # noqa: ANN401 - dense or any scipy.sparse matrix
    p: int,
    *,
    existing: Iterable[int] = (),
    allowed: Iterable[int] | None = None,
    time_limit_s: float = 60,
    tolerance: float = TOLERANCE,
    seed: int = 0,
) -> Solution:
    """Open ``p`` new sites, besides the existing ones, so that the greatest cost to the nearest open site is least.

    Parameters
    ----------
    cost
        ``(n_demand, n_candidates)``, as in :func:`observatory.siting.p_median`. Every unit counts, whatever its demand:
        leave out the rows that should not.
    p
        Number of **new** sites; the existing ones are kept open in addition. Exactly ``p`` are opened.
    existing, allowed, time_limit_s, tolerance, seed
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
    found = _search(pairs, base, free.size, p, deadline=began + time_limit_s, seed=seed)
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
        part = cost[:, free]
        row, column = np.nonzero((part < base[:, None]) & np.isfinite(part))
        return _Pairs(row.astype(np.int64), column.astype(np.int64), part[row, column])
    part = sparse.coo_array(cost[:, free])
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


def _search(pairs: _Pairs, base: Floats, n_columns: int, p: int, *, deadline: float, seed: int) -> _Found:
    """Search the distinct costs by halves; ``low`` is the last index refused for sure, ``high`` the last reached."""
    levels = _levels(pairs, base)
    best: Booleans | None = None
    low, high, undecided = -1, levels.size, levels.size
    while low + 1 < min(high, undecided):
        middle = (low + min(high, undecided)) // 2
        incidence, coverable = _within(pairs, base, n_columns, levels[middle])
        columns, bound = np.empty(0, np.int64), p + 1
        if coverable:
            left = deadline - time.perf_counter()
            until = time.perf_counter() + max(left, 0.0) / 2
            cover = smallest_cover(incidence, deadline=until, seed=seed, enough=p, hopeless=p + 1)
            columns, bound = cover.columns, cover.bound
        if bound > p:
            low = middle
        elif columns.size <= p:
            high, best = middle, np.isin(np.arange(n_columns), columns)
        else:
            undecided = middle
    # Between the last proved refusal and the first undecided level nothing is known: try for a better site set above.
    if undecided < high:
        high, best = _from_above(pairs, base, n_columns, p, levels, undecided, high, best, deadline, seed)
    bound = float(levels[low + 1]) if low + 1 < levels.size else np.inf
    return _Found(best, bound, is_proved=low + 1 == levels.size)


def _levels(pairs: _Pairs, base: Floats) -> Floats:
    """Return the costs that may be the answer: at least every unit's least, at most the greatest of the fallbacks."""
    floor = base.copy()
    np.minimum.at(floor, pairs.row, pairs.cost)
    least = floor.max(initial=0.0)
    values = np.unique(np.concatenate([pairs.cost, base[np.isfinite(base)]]))
    return values[values >= least]


def _from_above(
    pairs: _Pairs,
    base: Floats,
    n_columns: int,
    p: int,
    levels: Floats,
    low: int,
    high: int,
    best: Booleans | None,
    deadline: float,
    seed: int,
) -> tuple[int, Booleans | None]:
    """Look, between an undecided level and one that works, for the lowest that a quick search reaches."""
    while low + 1 < high:
        middle = (low + high) // 2
        incidence, coverable = _within(pairs, base, n_columns, levels[middle])
        left = max(deadline - time.perf_counter(), 0.5)
        cover = (
            smallest_cover(incidence, deadline=time.perf_counter() + left / 4, seed=seed, enough=p, hopeless=p + 1)
            if coverable
            else None
        )
        if cover is not None and cover.columns.size <= p:
            high, best = middle, np.isin(np.arange(n_columns), cover.columns)
        else:
            low = middle
    return high, best


def _refused(found: _Found, p: int) -> str:
    if found.is_proved:
        return (
            f"Avec {p} nouveau(x) pôle(s), des unités restent hors de portée quels que soient les sites choisis : "
            "demandez plus de pôles, élargissez les candidats ou autorisez plus de liaisons."
        )
    return (
        f"Aucune implantation de {p} nouveau(x) pôle(s) à portée de toutes les unités n'a été trouvée dans le temps "
        "donné, sans que l'impossibilité soit prouvée : allongez le temps ou demandez plus de pôles."
    )
