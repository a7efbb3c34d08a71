"""« Pourquoi ici ? »: what each pole brings, to whom, at whose expense, and what refusing it would cost; it adds up."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from observatory.declared.siting_study import ADDITIVE, MAXIMISED
from observatory.siting.proposal.solving import solve
from observatory.siting.question.arrays import SitingModel, new_sites
from observatory.siting.solvers.solution import Booleans, Floats, Indices, Solution

Without = Literal["found", "required", "none", "unsought"]
"""The best proposal without a pole: found, out of the question, impossible, or not looked for (no time, or another
proposal than the first)."""


@dataclass(frozen=True, eq=False)
class ServiceChange:
    """What a proposal changes for one service, unit by unit; arrays ``(n_units,)``."""

    before_min: Floats
    """Minutes to the nearest structure today, infinite where there is none."""
    after_min: Floats
    site_before: Indices
    """Column of the nearest structure today, -1 where there is none."""
    site_after: Indices
    newly_covered: Booleans
    """Within the threshold after and not before."""
    uncovered: Booleans
    """Beyond the threshold after."""


@dataclass(frozen=True, eq=False)
class Alternative:
    """The best proposal without one pole."""

    solution: Solution
    cost: float
    """What it loses on the objective, never negative when both are optimal."""


@dataclass(frozen=True, eq=False)
class Reasons:
    """Why one pole is proposed; arrays by service in turn."""

    site: int
    gain: float | None
    """Its part of the change of the objective; None where the objective is not a sum over persons."""
    served: tuple[Booleans, ...]
    """Units that go to it, ``(n_units,)`` by service."""
    newly_covered: tuple[Booleans, ...]
    losses: tuple[dict[int, int], ...]
    """Inhabitants of the territory that leave each existing structure (column) for it, by service."""
    leavers: dict[int, int]
    """Those that leave it for one service at least: a person who leaves for two is counted once."""
    alternative: Alternative | None
    without: Without
    """What came of looking for the best proposal without it."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """A proposal explained: ``objective == objective_before + sum of gains + closure_effect`` where it is a sum."""

    changes: tuple[ServiceChange, ...]
    reasons: tuple[Reasons, ...]
    objective_before: float | None
    """None where someone reaches no structure today and the objective counts minutes, or where it counts poles."""
    closure_effect: float | None
    """Change of the objective for the units that go to no new pole: nil unless structures close."""


def explain(model: SitingModel, solution: Solution, *, deadline: float | None = None) -> Explanation:
    """Explain a proposal.

    Parameters
    ----------
    deadline
        ``time.perf_counter()`` after which the best refused alternatives are no longer searched; None: all are, and
        no other proposal of the list is worth the search.

    Notes
    -----
    Each unit goes to its nearest open site, an existing one first where times are equal. A newly covered unit is so
    thanks to the pole that it goes to: gains of poles that overlap are shared without double count.
    """
    everything = range(model.n_existing)
    changes = tuple(_change(model, service, list(everything), solution) for service in range(len(model.services)))
    before = model.value(everything)
    reasons = tuple(_reasons(model, solution, changes, site, deadline) for site in new_sites(model, solution))
    known = bool(np.isfinite(before)) and model.objective != "lscp"
    if model.objective not in ADDITIVE:
        return Explanation(changes, reasons, before if known else None, None)
    gains = sum(one.gain or 0.0 for one in reasons)
    is_closing = len([site for site in solution.sites if site < model.n_existing]) < model.n_existing
    effect = solution.objective - before - gains if known and is_closing else 0.0
    return Explanation(changes, reasons, before if known else None, effect)


def _nearest(minutes: Floats, columns: list[int]) -> tuple[Floats, Indices]:
    if not columns:
        return np.full(len(minutes), np.inf), np.full(len(minutes), -1, dtype=np.int64)
    part = minutes[:, columns]
    first = part.argmin(axis=1)
    least = part[np.arange(len(part)), first]
    return least, np.where(np.isfinite(least), np.asarray(columns, dtype=np.int64)[first], -1)


def _assigned(model: SitingModel, solution: Solution, service: int) -> tuple[Floats, Indices]:
    """Return who goes where after the proposal: to the nearest open site, or where there is room for them."""
    minutes = model.minutes(service)
    after_min, site_after = _nearest(minutes, sorted(solution.sites))
    if model.capacity is None:
        return after_min, site_after
    useful = np.flatnonzero(model.weight > 0)
    given = solution.assignment[: useful.size]
    # A unit without room within the threshold keeps the structure that it has today.
    today, site_today = _nearest(minutes, list(model.kept))
    after_min, site_after = after_min.copy(), site_after.copy()
    after_min[useful] = np.where(given >= 0, minutes[useful, given], today[useful])
    site_after[useful] = np.where(given >= 0, given, site_today[useful])
    return after_min, site_after


def _change(model: SitingModel, service: int, before: list[int], solution: Solution) -> ServiceChange:
    before_min, site_before = _nearest(model.minutes(service), before)
    after_min, site_after = _assigned(model, solution, service)
    limit = model.threshold_min
    return ServiceChange(
        before_min=before_min,
        after_min=after_min,
        site_before=site_before,
        site_after=site_after,
        newly_covered=(after_min <= limit) & ~(before_min <= limit),
        uncovered=~(after_min <= limit),
    )


def _reasons(
    model: SitingModel, solution: Solution, changes: tuple[ServiceChange, ...], site: int, deadline: float | None
) -> Reasons:
    weight, gain = model.weight, 0.0
    staying = frozenset(solution.sites)
    served, newly, losses = [], [], []
    leaving: dict[int, Booleans] = {}
    for change in changes:
        goes = (change.site_after == site) & (change.before_min != change.after_min)
        new = goes & change.newly_covered
        if model.objective == "mclp":
            gain += float(weight[new].sum())
        else:
            counted = goes & (weight > 0)
            known = np.where(np.isfinite(change.before_min), change.before_min, 0.0)
            gain += float((weight * (change.after_min - known))[counted].sum())
        served.append(goes)
        newly.append(new)
        left = _losses(model, change, goes, staying)
        losses.append({structure: int(model.population_count[units].sum()) for structure, units in left.items()})
        for structure, units in left.items():
            leaving[structure] = leaving.get(structure, np.zeros_like(units)) | units
    leavers = {structure: int(model.population_count[units].sum()) for structure, units in leaving.items()}
    part = gain if model.objective in ADDITIVE else None
    other, without = _alternative(model, solution, site, deadline)
    return Reasons(site, part, tuple(served), tuple(newly), tuple(losses), leavers, other, without)


def _losses(model: SitingModel, change: ServiceChange, goes: Booleans, staying: frozenset[int]) -> dict[int, Booleans]:
    """Return the units of the territory that leave each structure that stays open."""
    lost: dict[int, Booleans] = {}
    own = goes & model.is_counted
    for structure in np.unique(change.site_before[own & (change.site_before >= 0)]):
        if int(structure) in staying:
            lost[int(structure)] = own & (change.site_before == structure)
    return lost


def _alternative(
    model: SitingModel, solution: Solution, site: int, deadline: float | None
) -> tuple[Alternative | None, Without]:
    """Return the best proposal that refuses a pole, or None and why there is none."""
    if site in model.limits.required:
        return None, "required"
    left = 30.0 if deadline is None else deadline - time.perf_counter()
    if left <= 0:
        return None, "unsought"
    other = solve(model, refused=[site], time_limit_s=left)
    if other.status == "infeasible":
        return None, "none"
    return Alternative(other, loss(model, solution, other)), "found"


def loss(model: SitingModel, solution: Solution, other: Solution) -> float:
    """Return what another proposal loses on the objective, 0 or more when ``solution`` is the best."""
    difference = solution.objective - other.objective
    return difference if model.objective in MAXIMISED else -difference


def with_named(model: SitingModel, solution: Solution, site: int, *, time_limit_s: float) -> Alternative | None:
    """Return the best proposal that holds a candidate, or None where there is none."""
    if site in solution.sites:
        return Alternative(solution, 0.0)
    other = solve(model, forced=[site], time_limit_s=time_limit_s)
    return None if other.status == "infeasible" else Alternative(other, loss(model, solution, other))


def covered(model: SitingModel, sites: Iterable[int], service: int) -> Booleans:
    """Return which units are within the threshold of an open site that offers a service."""
    found: NDArray[np.bool_] = model.minutes(service)[:, list(sites)].min(axis=1, initial=np.inf) <= model.threshold_min
    return found
