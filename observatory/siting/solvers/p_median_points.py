"""p-median between points too many for a matrix: nearest lists only, and a bound that stays honest about them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from observatory.errors import UsageError
from observatory.siting.question.checked_inputs import (
    as_allowed,
    as_count,
    as_deadline,
    as_demand,
    as_sites,
    fill,
    too_many,
)
from observatory.siting.solvers.branch import solve
from observatory.siting.solvers.p_median import TOLERANCE
from observatory.siting.solvers.solution import UNCOVERED, Floats, Indices, Solution, infeasible, solved
from observatory.siting.solvers.sorted_rows import Rows

NEIGHBOURS_MAX = 2_000
"""Candidates listed at most per demand unit (convention: 34,741 units × 2,000 stay out of reach of 2 GiB, so the lists
are also held to :data:`PAIRS_MAX` in all)."""
PAIRS_MAX = 30_000_000
_CHUNK = 2_000


def p_median_points(
    demand_xy_m: Any,  # noqa: ANN401 - anything numpy can read
    candidate_xy_m: Any,  # noqa: ANN401 - anything numpy can read
    demand: Any,  # noqa: ANN401 - anything numpy can read
    p: int,
    *,
    existing: Iterable[int] = (),
    allowed: Iterable[int] | None = None,
    time_limit_s: float = 60,
    tolerance: float = TOLERANCE,
    seed: int = 0,
) -> Solution:
    """Solve :func:`observatory.siting.p_median` for straight-line distances, without ever building the matrix.

    Parameters
    ----------
    demand_xy_m, candidate_xy_m
        ``(n, 2)`` coordinates in a metric CRS, metres.
    demand, p, existing, allowed, time_limit_s, tolerance, seed
        As in :func:`observatory.siting.p_median`.

    Returns
    -------
    Solution
        ``objective`` in metres × demand, worked out on the true distances.

    Raises
    ------
    UsageError
        If the arguments don't fit together.

    Notes
    -----
    A unit's list stops at its nearest existing site: nothing farther can serve it better, so nothing is lost. Without
    an existing site nearby the list stops at the number of candidates that memory allows; the bound then takes the
    unit to pay no more than the length of its list, which keeps it valid, and the gap says what that costs.
    """
    began = time.perf_counter()
    demand_xy, candidate_xy = _points(demand_xy_m), _points(candidate_xy_m)
    weight = as_demand(demand, demand_xy.shape[0])
    sites, p = as_sites(existing, candidate_xy.shape[0]), as_count(p)
    free = as_allowed(allowed, sites, candidate_xy.shape[0])
    refusal = too_many(p, free.size)
    if refusal is None and not sites and p == 0 and (weight > 0).any():
        refusal = "Aucun site n’existe et aucun n’est demandé : demandez au moins un pôle."
    if refusal is not None:
        return infeasible(weight.size, refusal, seed=seed, elapsed_s=time.perf_counter() - began)
    picked = np.flatnonzero(weight > 0).astype(np.int64)
    fallback = np.full(picked.size, np.inf)
    if sites:
        fallback = np.asarray(cKDTree(candidate_xy[list(sites)]).query(demand_xy[picked])[0], np.float64)
    rows = _rows(demand_xy[picked], candidate_xy[free], fallback, weight[picked])
    outcome = solve(rows, min(p, free.size), deadline=as_deadline(began, time_limit_s), tolerance=tolerance / 2)
    chosen = sites + tuple(int(j) for j in free[fill(outcome.is_open, p)])
    assignment = np.full(weight.size, UNCOVERED, np.int64)
    objective = 0.0
    if chosen:
        distance, nearest = cKDTree(candidate_xy[list(chosen)]).query(demand_xy)
        assignment, objective = np.asarray(chosen, np.int64)[nearest], float((weight * distance).sum())
    return solved(
        chosen, assignment, objective, min(outcome.bound, objective), seed=seed,
        elapsed_s=time.perf_counter() - began, tolerance=tolerance,
    )  # fmt: skip


def _points(xy: Any) -> Floats:  # noqa: ANN401 - anything numpy can read
    points = np.ascontiguousarray(xy, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise UsageError(
            "Les coordonnées doivent être un tableau de deux colonnes, x et y en mètres, sans valeur absente."
        )
    return points


def _rows(demand_xy: Floats, candidate_xy: Floats, fallback: Floats, weight: Floats) -> Rows:
    """Return nearest lists up to each unit's fallback, or to what memory allows; the base is where the list stops."""
    n, m = fallback.size, candidate_xy.shape[0]
    longest = max(1, min(NEIGHBOURS_MAX, PAIRS_MAX // max(n, 1), m))
    tree = cKDTree(candidate_xy)
    reach = np.where(np.isfinite(fallback), fallback, 0.0)
    count = np.where(np.isfinite(fallback), tree.query_ball_point(demand_xy, reach, return_length=True), longest)
    truncated = np.where(np.isfinite(fallback), count > longest, longest < m)
    short = np.minimum(count, longest).astype(np.int64)
    base, lengths = fallback.copy(), np.zeros(n, np.int64)
    order = np.argsort(short, kind="stable")
    pieces: list[tuple[Indices, Floats]] = [(np.empty(0, np.int64), np.empty(0))] * n
    for first in range(0, n, _CHUNK):
        units = order[first : first + _CHUNK]
        k = int(min(short[units].max(), m))
        if k == 0:
            continue
        distance, nearest = _nearest(tree, demand_xy[units], k)
        for position, unit in enumerate(units):
            keep = int(np.searchsorted(distance[position], fallback[unit]))
            if truncated[unit]:
                base[unit] = min(base[unit], distance[position, -1])
                keep = int(np.searchsorted(distance[position], base[unit]))
            pieces[unit] = (nearest[position, :keep].astype(np.int32), distance[position, :keep] * weight[unit])
            lengths[unit] = keep
    unbounded = np.isinf(base)
    if unbounded.any():
        # Every candidate is listed: dearer than the farthest of them is enough.
        base[unbounded] = np.array([pieces[u][1][-1] / weight[u] for u in np.flatnonzero(unbounded)]) * 2 + 1
    column = np.concatenate([piece[0] for piece in pieces]) if n else np.empty(0, np.int32)
    cost = np.concatenate([piece[1] for piece in pieces]) if n else np.empty(0)
    start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Rows(start, column.astype(np.int32, copy=False), cost, base * weight, m)


def _nearest(tree: cKDTree, xy: Floats, k: int) -> tuple[Floats, Indices]:
    """Return distances and positions ``(n, k)`` of the k nearest, even when k is one."""
    distance, nearest = tree.query(xy, k=np.arange(1, k + 1))
    return np.asarray(distance, np.float64), np.asarray(nearest, np.int64)
