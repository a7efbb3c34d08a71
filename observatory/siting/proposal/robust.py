"""Does a proposal hold: other weights, travel times 20 % off, the persons of 2030 and 2040, a structure closed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from observatory.siting.proposal.solving import solve
from observatory.siting.question.arrays import SitingModel, new_sites
from observatory.siting.solvers.solution import Floats, Solution

TRAVEL_ERROR: Final = 0.2
"""Travel times are tried this share longer and shorter (convention de l'observatoire)."""
DRAW_COUNT: Final = 20
"""Draws of weights and travel times (convention de l'observatoire)."""
STABLE_SHARE: Final = 0.8
"""A site chosen in this share of the cases or more is stable (convention de l'observatoire)."""
CLOSURES_MAX: Final = 12
"""Most closures tried (convention de l'observatoire): those of the structures that serve the most inhabitants."""


@dataclass(frozen=True)
class Case:
    """The proposal in one case, beside the best proposal of that case."""

    kind: str
    """``defi``, ``travel``, ``projection``, ``closure`` or ``draw``."""
    subject: str
    """The défi that counts alone, the factor on times, the year, the column of the structure closed, the number of the
    draw."""
    objective: float
    best_objective: float
    best_bound: float
    sites: tuple[int, ...]
    left_share: float = 0.0
    """Share of the weight × services that the proposal leaves beyond the threshold, where everyone should be within."""
    is_covering: bool = False
    """The question wants everyone within the threshold: regret is then ``left_share``."""

    @property
    def regret(self) -> float:
        """What is lost by keeping the proposal: share of the case's best objective, infinite where it fails."""
        if self.is_covering:
            return self.left_share
        difference = abs(self.best_objective - self.objective)
        return 0.0 if difference == 0 else difference / max(abs(self.best_objective), 1e-300)


@dataclass(frozen=True)
class Robustness:
    """The cases tried, the greatest regret, and how often each candidate is chosen (the proposal itself included)."""

    cases: tuple[Case, ...]
    max_regret: float
    shares: dict[int, float]
    """Column of a candidate → share of the cases where the best proposal holds it."""
    seed: int
    is_complete: bool
    """False where the time given stopped the cases."""
    unclosed_count: int = 0
    """Structures that are somebody's nearest and were not closed in turn: those of the fewest inhabitants."""


def robustness(
    model: SitingModel,
    solution: Solution,
    *,
    seed: int = 0,
    deadline: float | None = None,
    futures: Mapping[str, Mapping[str, Floats]] | None = None,
    closures_max: int = CLOSURES_MAX,
) -> Robustness:
    """Solve the question again in each case and measure what keeping ``solution`` would lose.

    Parameters
    ----------
    futures
        Year → défi → factor of the persons concerned of each unit, ``(n_units,)``; a défi left out stays as it is.
    closures_max
        Structures closed in turn at most.
    """
    poles = new_sites(model, solution)
    found: list[Case] = []
    chosen: Counter[int] = Counter(poles)
    is_complete = True
    for kind, subject, variant in _variants(model, seed, futures or {}, closures_max):
        left = 30.0 if deadline is None else deadline - time.perf_counter()
        if left <= 0:
            is_complete = False
            break
        best = solve(variant, time_limit_s=left)
        if best.status == "infeasible":
            continue
        sites = (*(one for one in solution.sites if one < variant.n_existing and variant.is_kept[one]), *poles)
        value = _worth(variant, sites, poles, left)
        # Several proposals are often as good: the one examined is then taken as the case's best.
        is_best = abs(value - best.objective) <= 1e-9 * max(1.0, abs(best.objective))
        picked = poles if is_best else new_sites(variant, best)
        is_covering = model.objective == "lscp"
        left_share = _left_share(variant, sites) if is_covering else 0.0
        found.append(
            Case(
                kind, subject, value, value if is_best else best.objective, best.bound, picked, left_share, is_covering
            )
        )
        chosen.update(picked)
    count = 1 + len(found)
    shares = {site: chosen[site] / count for site in sorted(chosen)}
    max_regret = max((case.regret for case in found), default=0.0)
    unclosed_count = max(0, len(_busiest(model)) - closures_max)
    return Robustness(tuple(found), max_regret, shares, seed, is_complete, unclosed_count)


def _worth(model: SitingModel, sites: tuple[int, ...], poles: tuple[int, ...], time_limit_s: float) -> float:
    """Return what open sites are worth; with a capacity, who goes where must be decided again."""
    if model.capacity is None:
        return model.value(sites)
    kept = solve(model, forced=poles, time_limit_s=time_limit_s)
    return kept.objective if kept.status != "infeasible" else np.inf


def _left_share(model: SitingModel, sites: tuple[int, ...]) -> float:
    """Return the share of the weight × services that open sites leave beyond the threshold."""
    weight = model.weight
    left = sum(float(weight[least > model.threshold_min].sum()) for least in model.nearest_min(sites))
    return left / (len(model.services) * float(weight.sum()))


def _variants(
    model: SitingModel, seed: int, futures: Mapping[str, Mapping[str, Floats]], closures_max: int
) -> Iterator[tuple[str, str, SitingModel]]:
    if len(model.weights) > 1:
        for defi in model.weights:
            if model.concerned_count[defi][model.is_counted].sum() > 0:
                yield "defi", defi, replace(model, weights={defi: model.weights[defi]})
    for factor in (1.0 - TRAVEL_ERROR, 1.0 + TRAVEL_ERROR):
        yield "travel", f"{factor:g}", _slower(model, factor)
    for year, factors in futures.items():
        grown = {defi: model.concerned_count[defi] * factor for defi, factor in factors.items()}
        yield "projection", year, replace(model, concerned_count={**model.concerned_count, **grown})
    for structure in _busiest(model)[:closures_max]:
        yield "closure", str(structure), model.without(structure)
    generator = np.random.default_rng(seed)
    for draw in range(DRAW_COUNT):
        shares = generator.dirichlet(np.ones(len(model.weights)))
        weights = {
            defi: weight * float(share) for (defi, weight), share in zip(model.weights.items(), shares, strict=True)
        }
        factor = float(generator.uniform(1.0 - TRAVEL_ERROR, 1.0 + TRAVEL_ERROR))
        yield "draw", str(draw), replace(_slower(model, factor), weights=weights)


def _slower(model: SitingModel, factor: float) -> SitingModel:
    return replace(model, existing_min=model.existing_min * factor, candidate_min=model.candidate_min * factor)


def _busiest(model: SitingModel) -> list[int]:
    """Return the structures that are some counted unit's nearest, those of the most inhabitants first."""
    users: Counter[int] = Counter()
    for service in range(len(model.services)):
        minutes = model.minutes(service)[:, list(model.kept)]
        if minutes.shape[1] == 0:
            continue
        nearest = minutes.argmin(axis=1)
        reached = np.isfinite(minutes.min(axis=1)) & model.is_counted
        for position, persons in zip(nearest[reached], model.population_count[reached], strict=True):
            users[model.kept[position]] += int(persons)
    return [structure for structure, _ in users.most_common()]
