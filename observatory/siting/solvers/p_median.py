"""p-median: open p new sites so that the demand travels least, each unit to its nearest open site."""

from __future__ import annotations

import time
from collections.abc import Iterable
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
    fill,
    is_whole,
    nearest_cost,
    rows_below,
    too_many,
)
from observatory.siting.solvers.branch import Outcome
from observatory.siting.solvers.effort import USUAL, Effort
from observatory.siting.solvers.solution import Floats, Indices, Solution, infeasible, solved

TOLERANCE = 1e-6
"""Relative gap that counts as proved (convention de l'observatoire)."""


def p_median(
    cost: Any,  # noqa: ANN401 - dense or any scipy.sparse matrix
    demand: Any,  # noqa: ANN401 - anything numpy can read
    p: int,
    *,
    existing: Iterable[int] = (),
    capacity: Any = None,  # noqa: ANN401 - anything numpy can read
    allowed: Iterable[int] | None = None,
    uncovered_cost: float | None = None,
    time_limit_s: float = 60,
    tolerance: float = TOLERANCE,
    seed: int = 0,
    effort: Effort = USUAL,
) -> Solution:
    """Open ``p`` new sites, besides the existing ones, so that demand × cost to the nearest open site is least in all.

    Parameters
    ----------
    cost
        ``(n_demand, n_candidates)``, not negative (metres, minutes…). Dense: ``inf`` forbids the pair. Sparse: an
        absent pair is forbidden, a stored zero is a cost of zero.
    demand
        ``(n_demand,)`` weights, zero allowed: such a unit is assigned but counts for nothing and may stay uncovered.
    p
        Number of **new** sites; the existing ones are kept open in addition. Exactly ``p`` are opened.
    existing
        Candidate positions already open; they stay open and come first in ``sites``.
    capacity
        ``(n_candidates,)`` demand that each site can take. Each unit is then served whole by one site.
    allowed
        Positions where a new site may open; all when ``None``.
    uncovered_cost
        Cost charged per unit of demand that is left without a site. ``None``: every unit with demand must be served,
        and the problem is infeasible if that can't be.
    time_limit_s
        Wall time after which the best found is returned with its bound (checked between blocks of work).
    tolerance
        Relative gap within which the proposal is called optimal.
    seed
        Kept in the solution; the search draws nothing at random without capacity, so any seed gives the same answer.
    effort
        How far each stage goes, and what the exact ones are done by; tests and benchmarks narrow it.

    Returns
    -------
    Solution
        ``objective`` and ``bound`` in cost × demand, summed over units; the bound is a lower bound.

    Raises
    ------
    UsageError
        If the arguments don't fit together. An unsatisfiable question is an answer: ``status == "infeasible"``.

    Notes
    -----
    Lagrangian relaxation with deflected subgradient, fast interchange, reduced-cost fixing, branch and bound
    (:mod:`observatory.siting.solvers.branch`); with capacity, :mod:`observatory.siting.solvers.capacitated`.
    """
    began = time.perf_counter()
    matrix = as_cost(cost)
    weight = as_demand(demand, matrix.shape[0])
    sites, p = as_sites(existing, matrix.shape[1]), as_count(p)
    free = as_allowed(allowed, sites, matrix.shape[1])
    if uncovered_cost is not None and not 0 <= uncovered_cost < np.inf:
        raise UsageError("Le coût d’une demande non desservie doit être un nombre positif ou nul.")
    if (refusal := too_many(p, free.size)) is not None:
        return infeasible(weight.size, refusal, seed=seed, elapsed_s=time.perf_counter() - began)
    if capacity is not None:
        from observatory.siting.solvers.capacitated import capacitated_p_median

        return capacitated_p_median(
            matrix, weight, p, sites, free, capacity, uncovered_cost=uncovered_cost, began=began,
            time_limit_s=time_limit_s, tolerance=tolerance, seed=seed, effort=effort,
        )  # fmt: skip
    return _uncapacitated(
        matrix,
        weight,
        p,
        sites,
        free,
        uncovered_cost,
        began,
        deadline=as_deadline(began, time_limit_s),
        tolerance=tolerance,
        seed=seed,
        effort=effort,
    )


def _uncapacitated(
    cost: Cost,
    weight: Floats,
    p: int,
    existing: tuple[int, ...],
    free: Indices,
    uncovered_cost: float | None,
    began: float,
    *,
    deadline: float,
    tolerance: float,
    seed: int,
    effort: Effort,
) -> Solution:
    fallback = np.full(weight.size, np.inf) if uncovered_cost is None else np.full(weight.size, float(uncovered_cost))
    fallback = np.minimum(fallback, nearest_cost(cost, existing))
    refusal = unreachable(cost, weight, free, fallback)
    if refusal is None and p == 0 and (stranded := int(((weight > 0) & np.isinf(fallback)).sum())):
        refusal = (
            f"{stranded} unité(s) de demande ne sont desservies par aucun site existant et aucun nouveau pôle n’est "
            "demandé : demandez au moins un pôle."
        )
    if refusal is not None:
        return infeasible(weight.size, refusal, seed=seed, elapsed_s=time.perf_counter() - began)
    picked, ceiling, penalty = ceilings(cost, weight, free, fallback)
    rows = rows_below(cost, picked, free, ceiling, weight[picked])
    unit = 1.0 if is_whole(rows.cost) and is_whole(rows.base) else 0.0
    outcome = effort.tree(rows, p, deadline=deadline, tolerance=tolerance / 2, unit=unit)
    elapsed = time.perf_counter() - began
    if np.isfinite(penalty) and outcome.value >= penalty:
        return _not_served(outcome, penalty, weight.size, p, seed=seed, elapsed_s=elapsed)
    new = tuple(int(j) for j in free[fill(outcome.is_open, p)])
    assignment, least = assign(cost, existing + new)
    if uncovered_cost is not None:
        assignment = np.where(least > uncovered_cost, -1, assignment)
        least = np.minimum(least, uncovered_cost)
    objective = float((weight[weight > 0] * least[weight > 0]).sum())
    # A unit may be left out of the rows only if its existing site is at no cost: the two sums differ by rounding alone.
    bound = min(outcome.bound, objective) if outcome.bound < outcome.value else objective
    return solved(existing + new, assignment, objective, bound, seed=seed, elapsed_s=elapsed, tolerance=tolerance)


def unreachable(cost: Cost, weight: Floats, free: Indices, fallback: Floats) -> str | None:
    """Return the French sentence that names how many units with demand nothing can ever serve, or ``None``."""
    lost = np.flatnonzero((weight > 0) & np.isinf(fallback))
    if lost.size == 0:
        return None
    part = cost[lost][:, free]
    if isinstance(part, np.ndarray):
        reached = np.isfinite(part).any(axis=1)
    else:
        finite = np.isfinite(part.data).astype(np.int64)
        row = np.repeat(np.arange(lost.size), np.diff(part.indptr))
        reached = np.bincount(row, weights=finite, minlength=lost.size) > 0
    stranded = lost[~reached]
    if stranded.size == 0:
        return None
    first = ", ".join(str(int(i)) for i in stranded[:5])
    return (
        f"{stranded.size} unité(s) de demande ne peuvent rejoindre aucun site, existant ou candidat (positions {first}"
        f"{'…' if stranded.size > 5 else ''}) : élargissez la liste des candidats ou autorisez plus de liaisons."
    )


def ceilings(cost: Cost, weight: Floats, free: Indices, fallback: Floats) -> tuple[Indices, Floats, float]:
    """Return the units that matter, the cost from which a new site is of no use to each, and the penalty level.

    A unit that must be served and has no fallback is given one dearer than serving everybody at their worst, so that a
    value under the penalty level proves that all are served; the level is infinite where no unit needs it.
    """
    picked = np.flatnonzero((weight > 0) & (fallback > 0)).astype(np.int64)
    ceiling = fallback[picked]
    needy = np.isinf(ceiling)
    if not needy.any():
        return picked, ceiling, np.inf
    part = cost[picked[needy]][:, free]
    if isinstance(part, np.ndarray):
        worst = np.where(np.isfinite(part), part, 0.0).max(axis=1, initial=0.0)
    else:
        worst = np.asarray(part.max(axis=1).todense()).ravel()
    total = float((weight[picked[~needy]] * ceiling[~needy]).sum() + (weight[picked[needy]] * worst).sum())
    level = np.ceil(total) + 1.0
    ceiling[needy] = np.ceil(level / weight[picked[needy]])
    return picked, ceiling, float(level)


def _not_served(outcome: Outcome, penalty: float, n_demand: int, p: int, *, seed: int, elapsed_s: float) -> Solution:
    """Tell apart what is proved impossible and what was not found in time."""
    if outcome.bound >= penalty * (1 - 1e-9):
        reason = (
            f"Avec {p} nouveau(x) pôle(s), des unités de demande restent hors de portée quels que soient les sites "
            "choisis : demandez plus de pôles, élargissez les candidats ou autorisez plus de liaisons."
        )
        return infeasible(n_demand, reason, seed=seed, elapsed_s=elapsed_s)
    reason = (
        f"Aucune implantation de {p} nouveau(x) pôle(s) desservant toutes les unités n’a été trouvée dans le temps "
        "donné, sans que l’impossibilité soit prouvée : allongez le temps ou demandez plus de pôles."
    )
    return infeasible(n_demand, reason, seed=seed, elapsed_s=elapsed_s)
