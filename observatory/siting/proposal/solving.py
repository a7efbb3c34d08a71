"""Proposals for a siting question: the solver of its objective, one mixed-integer model where there are limits."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from observatory.declared.siting_study import MAXIMISED
from observatory.siting.proposal.refusal import in_the_way
from observatory.siting.question.arrays import SitingModel, new_sites
from observatory.siting.solvers import interruption
from observatory.siting.solvers.effort import USUAL, Effort
from observatory.siting.solvers.joint_milp import MixQuestion, choose_mix, without_answer
from observatory.siting.solvers.lscp import lscp
from observatory.siting.solvers.mclp import mclp
from observatory.siting.solvers.p_center import p_center
from observatory.siting.solvers.p_median import TOLERANCE, p_median
from observatory.siting.solvers.ranked_partition import by_value
from observatory.siting.solvers.solution import Floats, Solution, infeasible, relative_gap, solved

_NOT_IN_TIME: Final = "Le temps donné n’a pas suffi à trouver une proposition : allongez-le."


def solve(
    model: SitingModel,
    *,
    forced: Iterable[int] = (),
    refused: Iterable[int] = (),
    time_limit_s: float = 60.0,
    effort: Effort = USUAL,
) -> Solution:
    """Open the poles of a model, some candidates forced open and others refused (positions of columns).

    Returns
    -------
    Solution
        ``sites``: the structures kept, then the new poles; a question without an answer says why in ``reason``.
        ``assignment``: one column per row of positive weight, services in turn.

    Raises
    ------
    GivenUpError
        If whoever asked gave the question up (:mod:`observatory.siting.solvers.interruption`).
    """
    interruption.check()
    began = time.perf_counter()
    held = tuple(dict.fromkeys((*model.limits.required, *forced)))
    refused = set(refused)
    reason = in_the_way(model)
    if reason is None and (set(held) & refused or (model.objective != "lscp" and len(held) > model.poles)):
        reason = "Les lieux imposés ne laissent pas de place à cette proposition."
    if reason is not None:
        n_rows = model.population_count.size * len(model.services)
        return infeasible(n_rows, reason, seed=0, elapsed_s=time.perf_counter() - began)
    if not model.limits.is_none:
        return _solve_limited(model, held, tuple(refused), time_limit_s, effort)
    return _solve_free(model, held, refused, time_limit_s, effort)


def _rows(model: SitingModel) -> tuple[Floats, Floats]:
    stacked = np.vstack([model.minutes(service) for service in range(len(model.services))])
    weight = np.tile(model.weight, len(model.services))
    return stacked[weight > 0], weight[weight > 0]


def _solve_free(
    model: SitingModel, held: tuple[int, ...], refused: set[int], time_limit_s: float, effort: Effort
) -> Solution:
    """Solve by the solver of the objective."""
    minutes, weight = _rows(model)
    allowed = [site for site in range(model.n_existing, minutes.shape[1]) if site not in refused]
    existing = (*model.kept, *held)
    poles = model.poles - len(held)
    if model.objective == "lscp":
        found = lscp(
            minutes <= model.threshold_min, existing=existing, allowed=allowed, time_limit_s=time_limit_s, effort=effort
        )
        if found.status == "infeasible":
            return found
        count = len(held)
        objective, bound = found.objective + count, found.bound + count
        return replace(found, objective=objective, bound=bound, gap=relative_gap(objective, bound))
    if model.objective == "p_center":
        return p_center(minutes, poles, existing=existing, allowed=allowed, time_limit_s=time_limit_s, effort=effort)
    capacity = None
    if model.capacity is not None:
        capacity = np.full(minutes.shape[1], np.inf)
        capacity[model.n_existing :] = model.capacity
    if model.objective == "mclp":
        return mclp(
            minutes <= model.threshold_min, weight, poles, existing=existing, allowed=allowed, capacity=capacity,
            time_limit_s=time_limit_s, effort=effort,
        )  # fmt: skip
    return p_median(
        minutes, weight, poles, existing=existing, allowed=allowed, capacity=capacity, time_limit_s=time_limit_s,
        effort=effort,
    )  # fmt: skip


def _solve_limited(
    model: SitingModel, held: tuple[int, ...], refused: tuple[int, ...], time_limit_s: float, effort: Effort
) -> Solution:
    """Solve with budgets, exclusions or closures: one mixed-integer model."""
    began = time.perf_counter()
    question = mix_question(model, held, refused)
    n_rows = int((model.weight > 0).sum()) * len(model.services)
    if model.objective == "p_center":
        return _least_farthest(model, question, time_limit_s, began, effort)
    found = choose_mix(question, time_limit_s=time_limit_s, effort=effort)
    elapsed = time.perf_counter() - began
    if found is None:
        return infeasible(n_rows, without_answer(question, effort=effort), seed=0, elapsed_s=elapsed)
    if not np.isfinite(found.objective):
        return infeasible(n_rows, _NOT_IN_TIME, seed=0, elapsed_s=elapsed)
    sites = _opened(model, tuple(found.opened), found.closed)
    objective = model.value(sites)
    bound = objective if found.status == "optimal" else found.bound
    return solved(
        sites, _nearest(model, sites), objective, bound, seed=0, elapsed_s=time.perf_counter() - began,
        tolerance=TOLERANCE,
    )  # fmt: skip


def mix_question(model: SitingModel, held: tuple[int, ...] = (), refused: tuple[int, ...] = ()) -> MixQuestion:
    """Return a model as the mixed-integer one asks it."""
    limits, services = model.limits, range(len(model.services))
    count = None if model.objective == "lscp" else model.poles
    return MixQuestion(
        minutes=[model.minutes(service) for service in services],
        weights=[model.weight for _ in services],
        n_existing=model.n_existing,
        is_kept=model.is_kept,
        aim="lscp" if model.objective == "p_center" else model.objective,
        threshold_min=model.threshold_min,
        poles=count,
        is_exact=count is not None and limits.budget is None,
        site_cost=limits.site_cost,
        closing_cost=limits.closing_cost,
        budget=limits.budget,
        forced=held,
        refused=refused,
        incompatible=limits.incompatible,
    )


def _opened(model: SitingModel, new: tuple[int, ...], closed: tuple[int, ...]) -> tuple[int, ...]:
    return (*(one for one in model.kept if one not in closed), *sorted(new))


def _nearest(model: SitingModel, sites: tuple[int, ...]) -> NDArray[np.int64]:
    minutes, _ = _rows(model)
    part = minutes[:, list(sites)]
    if not sites:
        return np.full(len(minutes), -1, dtype=np.int64)
    first = part.argmin(axis=1)
    reached = np.isfinite(part[np.arange(len(part)), first])
    return np.where(reached, np.asarray(sites, dtype=np.int64)[first], -1)


def _least_farthest(
    model: SitingModel, question: MixQuestion, time_limit_s: float, began: float, effort: Effort
) -> Solution:
    """Search the least threshold that the limits let everyone be within (Minieka 1970)."""
    minutes, _ = _rows(model)
    values = np.unique(minutes[np.isfinite(minutes)])
    low, high, floor, best = 0, values.size - 1, 0, None
    while low <= high:
        middle = (low + high) // 2
        left = time_limit_s - (time.perf_counter() - began)
        within = replace(question, threshold_min=float(values[middle]))
        found = choose_mix(within, time_limit_s=max(0.2, left), effort=effort)
        if found is None:
            low = floor = middle + 1
        elif not np.isfinite(found.objective):
            low = middle + 1  # the time ran out: nothing is known of this threshold
        else:
            best, high = found, middle - 1
    if best is None and floor < values.size:
        return infeasible(len(minutes), _NOT_IN_TIME, seed=0, elapsed_s=time.perf_counter() - began)
    if best is None:
        farthest = replace(question, threshold_min=float(values[-1]) if values.size else 0.0)
        return infeasible(
            len(minutes), without_answer(farthest, effort=effort), seed=0, elapsed_s=time.perf_counter() - began
        )
    sites = _opened(model, tuple(best.opened), best.closed)
    objective = model.value(sites)
    return solved(
        sites, _nearest(model, sites), objective, min(float(values[floor]), objective), seed=0,
        elapsed_s=time.perf_counter() - began, tolerance=TOLERANCE,
    )  # fmt: skip


def k_best(model: SitingModel, count: int, *, deadline: float) -> list[Solution]:
    """Return the best proposals in order, no two with the same poles.

    Parameters
    ----------
    count
        Most proposals wanted.
    deadline
        ``time.perf_counter()`` after which nothing more is searched; the first proposal is always there.
    """
    first = solve(model, time_limit_s=max(0.2, deadline - time.perf_counter()))
    if first.status == "infeasible":
        return [first]
    sign = -1.0 if model.objective in MAXIMISED else 1.0

    def best_of(held: tuple[int, ...], left_out: tuple[int, ...]) -> Solution | None:
        if not held and not left_out:
            return first
        if time.perf_counter() > deadline:
            return None
        other = solve(model, forced=held, refused=left_out, time_limit_s=max(0.1, deadline - time.perf_counter()))
        return None if other.status == "infeasible" else other

    found = by_value(
        best_of,
        chosen=lambda one: new_sites(model, one),
        key=lambda one: (sign * one.objective, one.sites),
        bound=lambda one: sign * one.bound,
    )
    return [one.choice for one in islice(found, count)]
