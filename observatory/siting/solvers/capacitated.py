"""Capacitated p-median and MCLP: each unit is served whole by one site, and no site takes more than its capacity."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from observatory.errors import UsageError
from observatory.siting.question.checked_inputs import Cost, as_deadline, cost_to, fill, nearest_cost, rows_below
from observatory.siting.solvers.effort import Effort
from observatory.siting.solvers.incidence import Incidence
from observatory.siting.solvers.milp import Model
from observatory.siting.solvers.packing import Offer, improve_sites
from observatory.siting.solvers.solution import UNCOVERED, Booleans, Floats, Indices, Solution, infeasible, solved


@dataclass(frozen=True, eq=False)
class _Problem:
    """Pairs sorted by unit; ``site`` is a position in ``names``, where the existing sites come first."""

    unit: Indices
    site: Indices
    price: Floats
    weight: Floats
    capacity: Floats
    names: Indices
    n_existing: int
    p: int
    missing_price: Floats | None


def as_capacity(capacity: Any, n_candidates: int) -> Floats:  # noqa: ANN401 - anything numpy can read
    """Return capacities as float64 ``(n_candidates,)``, not negative; infinite means without limit."""
    room = np.ascontiguousarray(capacity, dtype=np.float64)
    if room.shape != (n_candidates,):
        raise UsageError(f"Donnez une capacité par candidat : {room.size} reçues pour {n_candidates} candidats.")
    if room.size and (np.isnan(room).any() or room.min() < 0):
        raise UsageError("Une capacité est négative ou indéfinie : donnez un nombre positif, ou l’infini.")
    return room


def capacitated_p_median(
    cost: Cost,
    weight: Floats,
    p: int,
    existing: tuple[int, ...],
    free: Indices,
    capacity: Any,  # noqa: ANN401 - anything numpy can read
    *,
    uncovered_cost: float | None,
    began: float,
    time_limit_s: float,
    tolerance: float,
    seed: int,
    effort: Effort,
) -> Solution:
    """Solve :func:`observatory.siting.p_median` with capacities; see there for the parameters.

    Up to ``effort.exact_pairs_max`` pairs by HiGHS on the whole single-source model. Beyond, sites come from a seeded
    local search, the assignment from HiGHS, and the bound is that of the problem without capacities: valid, not tight.
    """
    deadline = as_deadline(began, time_limit_s)
    room = as_capacity(capacity, cost.shape[1])
    problem = _problem(cost, weight, p, existing, free, room, uncovered_cost)
    reason = _impossible(problem)
    if reason is not None:
        return infeasible(weight.size, reason, seed=seed, elapsed_s=time.perf_counter() - began)
    if problem.unit.size <= effort.exact_pairs_max:
        plan = _exact(problem, deadline=deadline, tolerance=tolerance, seed=seed, effort=effort)
    else:
        plan = _searched(problem, cost, deadline=deadline, tolerance=tolerance, seed=seed, effort=effort)
    elapsed = time.perf_counter() - began
    if plan.assignment is None:
        return infeasible(weight.size, _no_plan(plan, p), seed=seed, elapsed_s=elapsed)
    new = problem.names[problem.n_existing :][plan.is_open[problem.n_existing :]]
    mask = fill(np.isin(free, new), p)
    sites = existing + tuple(int(j) for j in free[mask])
    assignment = _with_unweighted(cost, weight, sites, problem.names, plan.assignment)
    return solved(
        sites, assignment, plan.value, min(plan.bound, plan.value), seed=seed, elapsed_s=elapsed, tolerance=tolerance
    )


def capacitated_mclp(
    incidence: Incidence,
    weight: Floats,
    p: int,
    existing: tuple[int, ...],
    free: Indices,
    capacity: Any,  # noqa: ANN401 - anything numpy can read
    *,
    began: float,
    time_limit_s: float,
    tolerance: float,
    seed: int,
    effort: Effort,
) -> Solution:
    """Solve :func:`observatory.siting.mclp` with capacities, as a p-median: reach is free, being missed costs 1."""
    cost = sparse.csr_array(
        (np.zeros(incidence.nnz), incidence.indices, incidence.indptr), shape=incidence.shape, dtype=np.float64
    )
    missed = capacitated_p_median(
        cost, weight, p, existing, free, capacity, uncovered_cost=1.0, began=began, time_limit_s=time_limit_s,
        tolerance=tolerance * 1e-3, seed=seed, effort=effort,
    )  # fmt: skip
    if missed.status == "infeasible":
        return missed
    covered = float(weight[(missed.assignment != UNCOVERED) & (weight > 0)].sum())
    bound = covered + max(missed.objective - missed.bound, 0.0)
    return solved(
        missed.sites, missed.assignment, covered, bound, seed=seed, elapsed_s=missed.elapsed_s, tolerance=tolerance
    )


def _problem(
    cost: Cost,
    weight: Floats,
    p: int,
    existing: tuple[int, ...],
    free: Indices,
    room: Floats,
    uncovered_cost: float | None,
) -> _Problem:
    names = np.concatenate([np.asarray(existing, np.int64), free])
    picked = np.flatnonzero(weight > 0).astype(np.int64)
    ceiling = np.full(picked.size, np.inf if uncovered_cost is None else uncovered_cost)
    rows = rows_below(cost, picked, names, ceiling, np.ones(picked.size))
    unit = picked[np.repeat(np.arange(picked.size), np.diff(rows.start))]
    site = rows.column.astype(np.int64)
    fits = weight[unit] <= room[names[site]]
    unit, site, price = unit[fits], site[fits], rows.cost[fits]
    missing = None if uncovered_cost is None else weight * uncovered_cost
    return _Problem(unit, site, price * weight[unit], weight, room[names], names, len(existing), p, missing)


def _impossible(problem: _Problem) -> str | None:
    """Return the French sentence for what no choice of sites can satisfy, or ``None``."""
    if problem.missing_price is not None:
        return None
    needy = problem.weight > 0
    alone = np.flatnonzero(needy & (np.bincount(problem.unit, minlength=needy.size) == 0))
    if alone.size:
        return (
            f"{alone.size} unité(s) de demande ne peuvent être desservies par aucun site, par la distance ou parce "
            f"qu’aucun n’a la capacité de les accueillir entières (la première : position {int(alone[0])}) : "
            "relevez les capacités ou élargissez la liste des candidats."
        )
    new = np.sort(problem.capacity[problem.n_existing :])[::-1][: problem.p]
    total = float(problem.capacity[: problem.n_existing].sum() + new.sum())
    if total < problem.weight.sum():
        return (
            f"Les sites existants et les {problem.p} plus grands candidats offrent une capacité de {total:g} pour une "
            f"demande de {problem.weight.sum():g} : demandez plus de pôles ou relevez les capacités."
        )
    return None


@dataclass(frozen=True, eq=False)
class _Plan:
    """Open sites and, per unit, the position in ``names`` that serves it; ``None`` when no plan was found."""

    is_open: Booleans
    assignment: Indices | None
    value: float
    bound: float


def _model(problem: _Problem, units: Indices, *, sites_fixed: Booleans | None) -> Model:
    """Return the single-source model: variables are the pairs, then the sites, then the units left out if allowed."""
    pairs, sites, n = problem.unit.size, problem.names.size, units.size
    rank = np.zeros(problem.weight.size, np.int64)
    rank[units] = np.arange(n)
    k = np.arange(pairs)
    missing = n if problem.missing_price is not None else 0
    size = pairs + sites + missing
    one = np.ones(pairs)
    load = problem.weight[problem.unit]
    # A site takes at most what it can and at most all of the demand: an infinite capacity needs no infinite number.
    room = np.minimum(problem.capacity, problem.weight.sum())
    blocks = [
        sparse.csr_array((one, (rank[problem.unit], k)), shape=(n, size)),
        sparse.csr_array(
            (
                np.concatenate([load, -room]),
                (np.concatenate([problem.site, np.arange(sites)]), np.concatenate([k, pairs + np.arange(sites)])),
            ),
            shape=(sites, size),
        ),
        sparse.csr_array(
            (np.concatenate([one, -one]), (np.concatenate([k, k]), np.concatenate([k, pairs + problem.site]))),
            shape=(pairs, size),
        ),
        sparse.csr_array((np.ones(sites), (np.zeros(sites, np.int64), pairs + np.arange(sites))), shape=(1, size)),
    ]
    if missing:
        blocks[0] = sparse.csr_array(
            blocks[0] + sparse.csr_array((np.ones(n), (np.arange(n), pairs + sites + np.arange(n))), shape=(n, size))
        )
    lower, upper = np.zeros(size), np.ones(size)
    lower[pairs : pairs + problem.n_existing] = 1.0
    if sites_fixed is not None:
        lower[pairs : pairs + sites] = upper[pairs : pairs + sites] = sites_fixed
    left_out = problem.missing_price[units] if problem.missing_price is not None else np.empty(0)
    return Model(
        cost=np.concatenate([problem.price, np.zeros(sites), left_out]),
        matrix=sparse.csr_array(sparse.vstack(blocks, format="csr")),
        row_lower=np.concatenate([np.ones(n), np.full(sites + pairs + 1, -np.inf)]),
        row_upper=np.concatenate([np.ones(n), np.zeros(sites + pairs), [float(problem.n_existing + problem.p)]]),
        lower=lower,
        upper=upper,
        whole=np.concatenate([np.ones(pairs + sites, np.bool_), np.zeros(missing, np.bool_)]),
    )


def _exact(
    problem: _Problem,
    *,
    deadline: float,
    tolerance: float,
    seed: int,
    effort: Effort,
    sites_fixed: Booleans | None = None,
) -> _Plan:
    units = np.flatnonzero(problem.weight > 0)
    answer = effort.mixed_integer(
        _model(problem, units, sites_fixed=sites_fixed),
        time_limit_s=deadline - time.perf_counter(),
        tolerance=tolerance / 2,
        seed=seed,
    )
    none = np.zeros(problem.names.size, np.bool_)
    if answer.values is None:
        return _Plan(none, None, np.nan, np.inf if answer.is_infeasible else answer.bound)
    taken = np.flatnonzero(answer.values[: problem.unit.size] > 0.5)
    assignment = np.full(problem.weight.size, UNCOVERED, np.int64)
    assignment[problem.unit[taken]] = problem.site[taken]
    pairs = problem.unit.size
    is_open = answer.values[pairs : pairs + problem.names.size] > 0.5
    value = float(problem.price[taken].sum())
    if problem.missing_price is not None:
        left_out = (assignment == UNCOVERED) & (problem.weight > 0)
        value += float(problem.missing_price[left_out].sum())
    return _Plan(is_open, assignment, value, answer.bound)


def _searched(problem: _Problem, cost: Cost, *, deadline: float, tolerance: float, seed: int, effort: Effort) -> _Plan:
    """Bound without capacities, sites by local search with them."""
    bound, start = _without_capacity(problem, cost, deadline=deadline, tolerance=tolerance, effort=effort)
    offer = Offer(problem.unit, problem.site, problem.price, problem.weight, problem.capacity, problem.missing_price)
    is_open, assignment, value = improve_sites(
        offer, start, fixed=problem.n_existing, deadline=_share(deadline, 0.6), seed=seed
    )
    narrowed = _only(problem, is_open)
    if narrowed.unit.size <= effort.exact_pairs_max:
        fixed = _exact(narrowed, deadline=deadline, tolerance=tolerance, seed=seed, effort=effort, sites_fixed=is_open)
        if fixed.assignment is not None and (assignment is None or fixed.value < value):
            return _Plan(is_open, fixed.assignment, fixed.value, bound)
    return _Plan(is_open, assignment, value, bound)


def _share(deadline: float, share: float) -> float:
    now = time.perf_counter()
    return now + max(deadline - now, 0.0) * share


def _only(problem: _Problem, is_open: Booleans) -> _Problem:
    keep = is_open[problem.site]
    return _Problem(
        problem.unit[keep], problem.site[keep], problem.price[keep], problem.weight, problem.capacity, problem.names,
        problem.n_existing, problem.p, problem.missing_price,
    )  # fmt: skip


def _without_capacity(
    problem: _Problem, cost: Cost, *, deadline: float, tolerance: float, effort: Effort
) -> tuple[float, Booleans]:
    """Return the proved bound of the relaxation without capacities, and its sites."""
    picked = np.flatnonzero(problem.weight > 0).astype(np.int64)
    weight = problem.weight[picked]
    fallback = nearest_cost(cost, problem.names[: problem.n_existing])[picked]
    if problem.missing_price is not None:
        fallback = np.minimum(fallback, problem.missing_price[picked] / weight)
    needy = np.isinf(fallback)
    if needy.any():
        # Dearer than any pair: a unit left at this price in the relaxation only lowers the bound, which stays valid.
        fallback[needy] = float((problem.price / problem.weight[problem.unit]).max()) + 1.0
    free = problem.names[problem.n_existing :]
    rows = rows_below(cost, picked, free, fallback, weight)
    outcome = effort.tree(rows, min(problem.p, free.size), deadline=_share(deadline, 0.3), tolerance=tolerance)
    is_open = np.concatenate([np.ones(problem.n_existing, np.bool_), fill(outcome.is_open, problem.p)])
    return outcome.bound, is_open


def _with_unweighted(
    cost: Cost, weight: Floats, sites: tuple[int, ...], names: Indices, assignment: Indices
) -> Indices:
    """Return candidate positions per unit; a unit without demand goes to its nearest open site."""
    out = np.where(assignment == UNCOVERED, UNCOVERED, names[assignment])
    idle = np.flatnonzero(weight == 0)
    if idle.size and sites:
        towards = cost_to(cost, sites)[idle]
        first = towards.argmin(axis=1)
        reached = np.isfinite(towards[np.arange(idle.size), first])
        out[idle] = np.where(reached, np.asarray(sites, np.int64)[first], UNCOVERED)
    return out


def _no_plan(plan: _Plan, p: int) -> str:
    if plan.bound == np.inf:
        return (
            f"Avec {p} nouveau(x) pôle(s), aucune répartition ne sert toutes les unités entières sans dépasser une "
            "capacité : demandez plus de pôles ou relevez les capacités."
        )
    return (
        f"Aucune implantation de {p} nouveau(x) pôle(s) respectant les capacités n’a été trouvée dans le temps donné, "
        "sans que l’impossibilité soit prouvée : allongez le temps, demandez plus de pôles ou relevez les capacités."
    )
