"""Every compromise between several aims: mean time, the worst served, the défis, QPV, rural communes, cost.

Where the choices are few enough each is weighed, which is the ε-constraint front for every ε; where they are not, exact
fronts of two aims (:mod:`observatory.siting.pareto`) are put together and the result is said to be partial.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from observatory.siting.question.arrays import SitingModel
from observatory.siting.solvers.pareto import Aim, pareto
from observatory.siting.solvers.solution import Booleans, Floats

CHOICES_MAX: Final = 40_000
"""Most choices weighed one by one (convention de l'observatoire)."""
WORK_MAX: Final = 1.5e8
"""Most unit × service × choice weighed (convention de l'observatoire)."""
DECILE: Final = 0.1
_BLOCK: Final = 2_000
_SAME: Final = 4
"""Decimals within which two values are one, and which are shown: minutes, persons, shares (convention)."""


@dataclass(frozen=True, eq=False)
class Targets:
    """What is weighed: the aims, all to keep small, and the units that some of them are about."""

    aims: tuple[str, ...]
    is_qpv: Booleans
    """Units of communes that hold a QPV, ``(n_units,)``."""
    is_rural: Booleans
    site_cost: Floats
    """Cost of each column, existing structures 0, ``(n_columns,)``."""
    farthest_min: float
    """Minutes that a unit counts for where no site is within reach."""


@dataclass(frozen=True)
class Balance:
    """New sites (columns) that no other choice equals or beats on every aim, and what each aim is worth there."""

    sites: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Balances:
    """Compromises, by rising first aim; ``reason`` says in French why some may be missing."""

    balances: tuple[Balance, ...]
    choice_count: int
    is_complete: bool
    reason: str | None = None


def balances(model: SitingModel, targets: Targets, *, deadline: float, choices_max: int = CHOICES_MAX) -> Balances:
    """Return every compromise between the aims.

    Parameters
    ----------
    deadline
        ``time.perf_counter()`` after which no other partial front is searched.
    choices_max
        Choices up to which each is weighed.

    Notes
    -----
    With ``cost`` among the aims, fewer poles than asked for are weighed too, none included; without, exactly the number
    asked for, as one more pole never makes anything worse.
    """
    count = sum(math.comb(model.candidate_min.shape[1], size) for size in _sizes(model, targets))
    own = int(model.is_counted.sum())
    if count <= choices_max and count * own * len(model.services) <= WORK_MAX:
        choices = [choice for size in _sizes(model, targets) for choice in _choices(model, size)]
        return Balances(tuple(_undominated(model, targets, choices)), len(choices), is_complete=True)
    choices = sorted(set(_from_pairs(model, targets, deadline)))
    reason = (
        f"{count} choix sont possibles : les compromis montrés sont exacts deux à deux (temps moyen et un autre but), "
        "d’autres peuvent exister. Demandez moins de pôles ou moins de candidats pour les avoir tous."
    )
    return Balances(tuple(_undominated(model, targets, choices)), len(choices), is_complete=False, reason=reason)


def _sizes(model: SitingModel, targets: Targets) -> Iterable[int]:
    return range(model.poles + 1) if "cost" in targets.aims else (model.poles,)


def _choices(model: SitingModel, size: int) -> Iterator[tuple[int, ...]]:
    """Yield the choices that the limits of the question let open."""
    columns = range(model.n_existing, model.n_existing + model.candidate_min.shape[1])
    for choice in itertools.combinations(columns, size):
        if _is_allowed(model, choice):
            yield choice


def _undominated(model: SitingModel, targets: Targets, choices: list[tuple[int, ...]]) -> list[Balance]:
    """Return the choices that no other equals or beats on every aim; of equals, the first by sites."""
    if not choices:
        return []
    values = np.round(weigh(model, targets, choices), _SAME)
    order = np.lexsort(values.T[::-1])
    kept = np.empty_like(values)
    found: list[Balance] = []
    for position in order:
        one = values[position]
        if found and bool((kept[: len(found)] <= one).all(axis=1).any()):
            continue
        kept[len(found)] = one
        found.append(Balance(choices[position], tuple(float(value) for value in one)))
    return found


def weigh(model: SitingModel, targets: Targets, choices: list[tuple[int, ...]]) -> NDArray[np.float64]:
    """Return what each aim is worth for each choice of new sites, ``(n_choices, n_aims)``."""
    own = model.is_counted
    none = model.candidate_min.shape[1]
    padded = np.hstack([model.candidate_min[own], np.full((int(own.sum()), 1), np.inf)])
    base = [least[own] for least in model.nearest_min(model.kept)]
    size = max((len(choice) for choice in choices), default=0)
    columns = np.full((len(choices), max(1, size)), none, dtype=np.int64)
    for row, choice in enumerate(choices):
        columns[row, : len(choice)] = [site - model.n_existing for site in choice]
    parts = []
    for start in range(0, len(choices), _BLOCK):
        block = columns[start : start + _BLOCK]
        best = padded[:, block].min(axis=2)  # (n_own, n_block)
        least = [np.minimum(np.minimum(best, today[:, None]), targets.farthest_min) for today in base]
        parts.append(np.column_stack([_value(model, targets, aim, least, block, none) for aim in targets.aims]))
    return np.vstack(parts)


def _value(
    model: SitingModel, targets: Targets, aim: str, least: list[Floats], block: NDArray[np.int64], none: int
) -> Floats:
    own = model.is_counted
    persons = model.population_count[own].astype(np.float64)
    if aim == "cost":
        costs = np.append(targets.site_cost[model.n_existing :], 0.0)
        spent: Floats = costs[np.where(block == none, len(costs) - 1, block)].sum(axis=1)
        return spent
    if aim == "mean_min":
        return _mean([persons @ one for one in least]) / float(persons.sum())
    if aim == "worst_decile_min":
        return _mean([_worst(one, persons) for one in least])
    if aim.startswith("uncovered_") and not aim.endswith("_share"):
        concerned = model.concerned_count[aim.removeprefix("uncovered_")][own].astype(np.float64)
        return len(least) * _mean([concerned @ (one > model.threshold_min) for one in least])
    among = (targets.is_qpv if aim == "uncovered_qpv_share" else targets.is_rural)[own]
    picked = np.where(among, persons, 0.0)
    left = _mean([picked @ (one > model.threshold_min) for one in least])
    return 100.0 * left / max(1.0, float(picked.sum()))


def _mean(services: list[Floats]) -> Floats:
    mean: Floats = np.mean(services, axis=0)
    return mean


def _worst(minutes: Floats, persons: Floats) -> Floats:
    """Return the mean minutes of the tenth of the persons that is farthest, for each column of ``minutes``."""
    order = np.argsort(-minutes, axis=0, kind="stable")
    sorted_min = np.take_along_axis(minutes, order, axis=0)
    before = np.cumsum(persons[order], axis=0) - persons[order]
    room = DECILE * persons.sum()
    taken = np.clip(room - before, 0.0, persons[order])
    worst: Floats = (taken * sorted_min).sum(axis=0) / room
    return worst


def _from_pairs(model: SitingModel, targets: Targets, deadline: float) -> Iterator[tuple[int, ...]]:
    """Yield the choices of the exact fronts of the mean time and each other aim that is a sum over units."""
    own, services = model.is_counted, range(len(model.services))
    minutes = np.vstack([np.minimum(model.minutes(service)[own], targets.farthest_min) for service in services])
    beyond = (minutes > model.threshold_min).astype(np.float64)
    persons = np.tile(model.population_count[own].astype(np.float64), len(model.services))
    first = Aim(minutes, persons)
    others = [_as_demand(model, targets, aim) for aim in targets.aims]
    demands = [demand for demand in others if demand is not None] or [persons]
    for size in _sizes(model, targets):
        for demand in demands:
            if size == 0 or time.perf_counter() > deadline:
                continue
            left = max(0.5, (deadline - time.perf_counter()) / len(demands))
            second = Aim(beyond, np.tile(demand, len(model.services)) if demand is not persons else persons)
            front = pareto(first, second, size, existing=model.kept, time_limit_s=left)
            for one in front.compromises:
                choice = tuple(sorted(site for site in one.sites if site >= model.n_existing))
                if _is_allowed(model, choice):
                    yield choice


def _as_demand(model: SitingModel, targets: Targets, aim: str) -> Floats | None:
    own = model.is_counted
    if aim.startswith("uncovered_") and not aim.endswith("_share"):
        return model.concerned_count[aim.removeprefix("uncovered_")][own].astype(np.float64)
    if aim in {"uncovered_qpv_share", "uncovered_rural_share"}:
        among = (targets.is_qpv if aim == "uncovered_qpv_share" else targets.is_rural)[own]
        return np.where(among, model.population_count[own], 0).astype(np.float64)
    return None


def _is_allowed(model: SitingModel, choice: tuple[int, ...]) -> bool:
    limits, held = model.limits, set(choice)
    if not held.issuperset(limits.required) or any(held.issuperset(pair) for pair in limits.incompatible):
        return False
    if limits.budget is None or limits.site_cost is None:
        return True
    return float(limits.site_cost[list(choice)].sum()) <= limits.budget


def picked(found: Balances, count: int) -> list[Balance]:
    """Return at most ``count`` compromises: the best of each aim, then each time the one least like those chosen."""
    every = list(found.balances)
    if len(every) <= count:
        return every
    values = np.array([one.values for one in every])
    spread = np.ptp(values, axis=0)
    scaled = (values - values.min(axis=0)) / np.where(spread > 0, spread, 1.0)
    chosen = list(dict.fromkeys(int(position) for position in scaled.argmin(axis=0)))[:count]
    apart = np.min([np.abs(scaled - scaled[one]).sum(axis=1) for one in chosen], axis=0)
    while len(chosen) < count:
        chosen.append(int(apart.argmax()))
        apart = np.minimum(apart, np.abs(scaled - scaled[chosen[-1]]).sum(axis=1))
    return [every[position] for position in sorted(chosen)]
