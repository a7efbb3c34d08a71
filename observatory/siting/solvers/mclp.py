"""MCLP: open p new sites so that as much demand as possible is covered (Church and ReVelle 1974)."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy import sparse

from observatory.siting.question.checked_inputs import (
    as_allowed,
    as_count,
    as_deadline,
    as_demand,
    as_sites,
    fill,
    is_whole,
    too_many,
)
from observatory.siting.solvers.branch import Outcome
from observatory.siting.solvers.effort import USUAL, Effort
from observatory.siting.solvers.incidence import Incidence, as_incidence, covered_by, dominated_sites, merge_units
from observatory.siting.solvers.milp import Model
from observatory.siting.solvers.p_median import TOLERANCE
from observatory.siting.solvers.solution import UNCOVERED, Booleans, Floats, Indices, Solution, infeasible, solved
from observatory.siting.solvers.sorted_rows import Rows

_FIRST_SHARE = 0.15
"""Share of the time given to the Lagrangian search before HiGHS is called with what it found (convention)."""


def mclp(
    covers: Any,  # noqa: ANN401 - dense or any scipy.sparse matrix
    demand: Any,  # noqa: ANN401 - anything numpy can read
    p: int,
    *,
    existing: Iterable[int] = (),
    capacity: Any = None,  # noqa: ANN401 - anything numpy can read
    allowed: Iterable[int] | None = None,
    time_limit_s: float = 60,
    tolerance: float = TOLERANCE,
    seed: int = 0,
    effort: Effort = USUAL,
) -> Solution:
    """Open ``p`` new sites, besides the existing ones, so that the demand covered is greatest.

    Parameters
    ----------
    covers
        Boolean ``(n_demand, n_candidates)``: the site is within reach of the unit. Dense, or sparse, where absent and
        stored false both mean out of reach.
    demand
        ``(n_demand,)`` weights, zero allowed.
    p
        Number of **new** sites; the existing ones are kept open in addition. Exactly ``p`` are opened.
    existing
        Candidate positions already open; what they cover counts in the objective.
    capacity
        ``(n_candidates,)`` demand that each site can take; each unit is then covered whole by one site, or not at all.
    allowed
        Positions where a new site may open; all when ``None``.
    time_limit_s, tolerance, seed, effort
        As in :func:`observatory.siting.p_median`.

    Returns
    -------
    Solution
        ``objective`` is the demand covered, by existing and new sites; ``bound`` is an upper bound. ``assignment`` is
        the first of ``sites`` that covers the unit (existing first), ``-1`` if none does.

    Raises
    ------
    UsageError
        If the arguments don't fit together.

    Notes
    -----
    Units covered by the same sites are merged, dominated sites dropped; then a p-median whose costs are 0 and 1 is
    searched with Lagrangian bounds, and HiGHS closes what is left on ``z_i <= sum of y_j``, when the size allows.
    """
    began = time.perf_counter()
    incidence = as_incidence(covers)
    weight = as_demand(demand, incidence.shape[0])
    sites, p = as_sites(existing, incidence.shape[1]), as_count(p)
    free = as_allowed(allowed, sites, incidence.shape[1])
    if (refusal := too_many(p, free.size)) is not None:
        return infeasible(weight.size, refusal, seed=seed, elapsed_s=time.perf_counter() - began)
    if capacity is not None:
        from observatory.siting.solvers.capacitated import capacitated_mclp

        return capacitated_mclp(
            incidence, weight, p, sites, free, capacity, began=began, time_limit_s=time_limit_s, tolerance=tolerance,
            seed=seed, effort=effort,
        )  # fmt: skip
    done = covered_by(incidence, sites)
    rest = (weight > 0) & ~done
    part, merged = merge_units(sparse.csr_array(incidence[rest][:, free]), weight[rest])
    keep = np.ones(free.size, np.bool_)
    keep[dominated_sites(part)] = False
    outcome = _least_missed(
        sparse.csr_array(part[:, keep]),
        merged,
        p,
        deadline=as_deadline(began, time_limit_s),
        tolerance=tolerance,
        seed=seed,
        effort=effort,
    )
    opened = np.zeros(free.size, np.bool_)
    opened[np.flatnonzero(keep)[outcome.is_open]] = True
    chosen = sites + tuple(int(j) for j in free[fill(opened, p)])
    assignment = first_cover(incidence, chosen)
    objective = float(weight[assignment != UNCOVERED].sum())
    bound = objective + max(outcome.value - outcome.bound, 0.0)
    elapsed = time.perf_counter() - began
    return solved(chosen, assignment, objective, bound, seed=seed, elapsed_s=elapsed, tolerance=tolerance)


def first_cover(incidence: Incidence, sites: tuple[int, ...]) -> Indices:
    """Return, for each unit, the first of the sites that covers it, ``-1`` if none does."""
    assignment = np.full(incidence.shape[0], UNCOVERED, np.int64)
    columns = sparse.csc_array(incidence)
    for site in reversed(sites):
        assignment[columns.indices[columns.indptr[site] : columns.indptr[site + 1]]] = site
    return assignment


def _least_missed(
    incidence: Incidence, weight: Floats, p: int, *, deadline: float, tolerance: float, seed: int, effort: Effort
) -> Outcome:
    """Return the columns that miss the least weight, with a proved lower bound on what is missed."""
    p = min(p, incidence.shape[1])
    unit = 1.0 if is_whole(weight) else 0.0
    rows = Rows(
        incidence.indptr.astype(np.int64), incidence.indices.astype(np.int32), np.zeros(incidence.nnz), weight,
        incidence.shape[1],
    )  # fmt: skip
    now = time.perf_counter()
    by_highs = incidence.nnz <= effort.highs_pairs_max
    first = now + _FIRST_SHARE * (deadline - now) if by_highs else deadline
    # What is missed may be a small part of the whole: the tolerance is on what is covered, hence exactness here.
    outcome = effort.tree(rows, p, deadline=first, tolerance=tolerance * 1e-3, unit=unit)
    if not by_highs or outcome.bound >= outcome.value * (1 - tolerance * 1e-3):
        return outcome
    return _by_highs(incidence, weight, p, outcome, deadline=deadline, seed=seed, unit=unit, effort=effort)


def _by_highs(
    incidence: Incidence,
    weight: Floats,
    p: int,
    searched: Outcome,
    *,
    deadline: float,
    seed: int,
    unit: float,
    effort: Effort,
) -> Outcome:
    """Close the gap with HiGHS: ``missed_i + sum(open_j) >= 1``, only the openings being whole."""
    n, m = incidence.shape
    lines = sparse.csr_array(
        sparse.block_array(
            [[incidence.astype(np.float64), sparse.eye_array(n)], [sparse.csr_array(np.ones((1, m))), None]],
            format="csr",
        )
    )
    model = Model(
        cost=np.concatenate([np.zeros(m), weight]),
        matrix=lines,
        row_lower=np.concatenate([np.ones(n), [0.0]]),
        row_upper=np.concatenate([np.full(n, np.inf), [float(p)]]),
        lower=np.zeros(m + n),
        upper=np.ones(m + n),
        whole=np.concatenate([np.ones(m, np.bool_), np.zeros(n, np.bool_)]),
    )
    missed = (incidence @ searched.is_open.astype(np.int32)) == 0
    answer = effort.mixed_integer(
        model,
        time_limit_s=deadline - time.perf_counter(),
        tolerance=0.0,
        seed=seed,
        start=np.concatenate([searched.is_open, missed]).astype(np.float64),
        absolute_gap=0.999 * unit,
    )
    is_open, least = searched.is_open, searched.value
    if answer.values is not None:
        offered: Booleans = answer.values[:m] > 0.5
        value = float(weight[(incidence @ offered.astype(np.int32)) == 0].sum())
        if value < least and int(offered.sum()) <= p:
            is_open, least = offered, value
    bound = max(searched.bound, answer.bound)
    if unit and np.ceil(bound - 1e-4) >= least:
        bound = least
    return Outcome(is_open, least, min(bound, least), searched.nodes)
