"""The k best p-medians, each proved: the space is split around every solution found (Lawler 1972)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
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
    is_whole,
    nearest_cost,
    rows_below,
    too_many,
)
from observatory.siting.solvers.effort import USUAL, Effort
from observatory.siting.solvers.p_median import ceilings, unreachable
from observatory.siting.solvers.ranked_partition import by_value
from observatory.siting.solvers.solution import Booleans, Indices, Solution, infeasible, solved
from observatory.siting.solvers.sorted_rows import Rows

_EXACT = 1e-10
"""Relative gap asked of each solution, so that near ties come in the right order."""


def k_best_p_median(
    cost: Any,  # noqa: ANN401 - dense or any scipy.sparse matrix
    demand: Any,  # noqa: ANN401 - anything numpy can read
    p: int,
    k: int,
    *,
    existing: Iterable[int] = (),
    allowed: Iterable[int] | None = None,
    time_limit_s: float = 60,
    seed: int = 0,
    effort: Effort = USUAL,
) -> list[Solution]:
    """Return the ``k`` best choices of ``p`` new sites, best first; fewer if there are fewer or the time runs out.

    Parameters
    ----------
    cost, demand, p, existing, allowed, seed, effort
        As in :func:`observatory.siting.p_median`.
    k
        Number of choices wanted, at least 1. Two choices differ by at least one site, even at equal cost.
    time_limit_s
        Wall time for all of them; when it runs out, the choices proved so far are returned (at least one is tried).

    Returns
    -------
    list of Solution
        Every choice returned is proved to be the best of those not returned before it (``optimal``), except, when the
        time runs out on the first, a single ``feasible`` one. A single ``infeasible`` one when there is none.

    Raises
    ------
    UsageError
        If the arguments don't fit together.

    Notes
    -----
    Around a solution ``{s1, …, sp}`` the rest is split in ``p`` parts: ``s1 … s(t-1)`` open and ``st`` closed. Each
    part is a smaller p-median, solved exactly.
    """
    began = time.perf_counter()
    matrix = as_cost(cost)
    weight = as_demand(demand, matrix.shape[0])
    sites, p = as_sites(existing, matrix.shape[1]), as_count(p)
    free = as_allowed(allowed, sites, matrix.shape[1])
    if k < 1:
        raise UsageError("Le nombre de solutions demandées doit être d’au moins une.")
    fallback = nearest_cost(matrix, sites)
    refusal = too_many(p, free.size) or unreachable(matrix, weight, free, fallback)
    if refusal is not None:
        return [infeasible(weight.size, refusal, seed=seed, elapsed_s=time.perf_counter() - began)]
    picked, ceiling, penalty = ceilings(matrix, weight, free, fallback)
    rows = rows_below(matrix, picked, free, ceiling, weight[picked])
    found = _enumerate(rows, p, k, deadline=as_deadline(began, time_limit_s), penalty=penalty, effort=effort)
    if not found:
        reason = f"Aucun choix de {p} nouveau(x) pôle(s) ne dessert toutes les unités : demandez plus de pôles."
        return [infeasible(weight.size, reason, seed=seed, elapsed_s=time.perf_counter() - began)]
    return [_solution(matrix, weight, sites, free, part, seed=seed, began=began) for part in found]


@dataclass(frozen=True, eq=False)
class Choice:
    """The best choice of a part of the space, and whether it is proved the next best of all."""

    is_open: Booleans
    value: float
    bound: float
    is_proved: bool = False


def _best_of(
    rows: Rows, p: int, opened: Booleans, closed: Booleans, *, deadline: float, unit: float, effort: Effort
) -> Choice | None:
    if rows.n_columns - int(closed.sum()) < p:
        return None
    outcome = effort.tree(rows, p, deadline=deadline, tolerance=_EXACT, unit=unit, opened=opened, closed=closed)
    # Sites that serve nobody may be missing from the answer: complete it inside the part.
    chosen = outcome.is_open.copy()
    spare = np.flatnonzero(~chosen & ~closed)
    chosen[spare[: p - int(chosen.sum())]] = True
    return Choice(chosen, outcome.value, outcome.bound)


def ranked(rows: Rows, p: int, *, deadline: float, unit: float = 0.0, effort: Effort = USUAL) -> Iterator[Choice]:
    """Yield the choices of ``p`` columns by rising value; the last one may be unproved, when the time runs out."""

    def best_of(held: tuple[int, ...], left_out: tuple[int, ...]) -> Choice | None:
        opened, closed = np.zeros(rows.n_columns, np.bool_), np.zeros(rows.n_columns, np.bool_)
        opened[list(held)], closed[list(left_out)] = True, True
        return _best_of(rows, p, opened, closed, deadline=deadline, unit=unit, effort=effort)

    found = by_value(
        best_of,
        chosen=lambda choice: [int(site) for site in np.flatnonzero(choice.is_open)],
        key=lambda choice: choice.value,
        bound=lambda choice: choice.bound,
    )
    for one in found:
        proved = one.least_bound >= one.choice.value * (1 - 2 * _EXACT)
        yield replace(one.choice, is_proved=proved)
        if not proved or time.perf_counter() > deadline:
            return


def _enumerate(rows: Rows, p: int, k: int, *, deadline: float, penalty: float, effort: Effort) -> list[Choice]:
    unit = 1.0 if is_whole(rows.cost) and is_whole(rows.base) else 0.0
    out: list[Choice] = []
    for choice in ranked(rows, p, deadline=deadline, unit=unit, effort=effort):
        if choice.value >= penalty or (out and not choice.is_proved):
            break
        out.append(choice)
        if len(out) == k:
            break
    return out


def _solution(
    cost: Cost,
    weight: np.ndarray,
    existing: tuple[int, ...],
    free: Indices,
    part: Choice,
    *,
    seed: int,
    began: float,
) -> Solution:
    sites = existing + tuple(int(j) for j in free[part.is_open])
    assignment, least = assign(cost, sites)
    objective = float((weight[weight > 0] * least[weight > 0]).sum())
    proved = part.bound >= part.value * (1 - 2 * _EXACT)
    bound = objective if proved else min(part.bound, objective)
    elapsed = time.perf_counter() - began
    return solved(sites, assignment, objective, bound, seed=seed, elapsed_s=elapsed, tolerance=2 * _EXACT)
