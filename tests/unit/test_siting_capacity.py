"""Capacities: against every assignment on tiny cases, and the search for larger ones held to the same rules."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from cut_short import MODEL_STOPPED, TREE_STOPPED, check_proof
from hypothesis import given, settings
from hypothesis import strategies as st

from observatory.errors import UsageError
from observatory.siting import Effort, mclp, p_median
from observatory.siting.solvers.solution import Solution

CASES = settings(max_examples=80)
seeds = st.integers(0, 2**32 - 1)


class Case:
    """Units, sites with capacities, a price for being left out or none."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        n, m = int(rng.integers(1, 7)), int(rng.integers(1, 6))
        self.cost = rng.integers(0, 9, (n, m)).astype(float)
        self.cost[rng.random((n, m)) < 0.15] = np.inf
        self.demand = rng.integers(0, 4, n).astype(float)
        self.capacity = rng.integers(0, 9, m).astype(float)
        self.capacity[rng.random(m) < 0.2] = np.inf
        self.existing = [int(site) for site in rng.choice(m, int(rng.integers(0, min(2, m) + 1)), replace=False)]
        free = [site for site in range(m) if site not in self.existing]
        self.p = int(rng.integers(0, len(free) + 1))
        self.price = None if rng.random() < 0.5 else 5.0
        self.choices = [self.existing + list(new) for new in itertools.combinations(free, self.p)]

    def best(self, cost: np.ndarray, price: float | None) -> float:
        return min(self._pack(cost, price, sites, 0, self.capacity.copy()) for sites in self.choices)

    def _pack(self, cost: np.ndarray, price: float | None, sites: list[int], unit: int, room: np.ndarray) -> float:
        if unit == self.demand.size:
            return 0.0
        weight = self.demand[unit]
        if weight == 0:
            return self._pack(cost, price, sites, unit + 1, room)
        least = np.inf if price is None else weight * price + self._pack(cost, price, sites, unit + 1, room)
        for site in sites:
            if room[site] >= weight and np.isfinite(cost[unit, site]):
                room[site] -= weight
                least = min(least, weight * cost[unit, site] + self._pack(cost, price, sites, unit + 1, room))
                room[site] += weight
        return least

    def respects(self, solution: Solution) -> None:
        assert list(solution.sites[: len(self.existing)]) == self.existing
        assert len(solution.sites) == len(self.existing) + self.p
        assert set(solution.assignment.tolist()) <= {*solution.sites, -1}
        for site in solution.sites:
            assert self.demand[solution.assignment == site].sum() <= self.capacity[site]


@CASES
@given(seeds)
def test_capacitated_p_median_is_the_best_of_all_assignments(seed: int) -> None:
    case = Case(seed)
    best = case.best(case.cost, case.price)
    solution = p_median(
        case.cost, case.demand, case.p, existing=case.existing, capacity=case.capacity, uncovered_cost=case.price
    )
    if np.isinf(best):
        assert solution.status == "infeasible"
        assert solution.reason
        return
    assert solution.status == "optimal"
    assert solution.objective == pytest.approx(best, abs=1e-7)
    case.respects(solution)


@CASES
@given(seeds)
def test_capacitated_mclp_is_the_best_of_all_assignments(seed: int) -> None:
    case = Case(seed)
    covers = case.cost <= 4
    best = case.demand.sum() - case.best(np.where(covers, 0.0, np.inf), 1.0)
    solution = mclp(covers, case.demand, case.p, existing=case.existing, capacity=case.capacity)
    assert solution.status == "optimal"
    assert solution.objective == pytest.approx(best, abs=1e-7)
    case.respects(solution)


@CASES
@given(seeds)
def test_the_search_for_large_cases_never_cheats(seed: int) -> None:
    case = Case(seed)
    best = case.best(case.cost, case.price)
    solution = p_median(
        case.cost, case.demand, case.p, existing=case.existing, capacity=case.capacity, uncovered_cost=case.price,
        effort=Effort(exact_pairs_max=0),
    )  # fmt: skip
    if solution.status == "infeasible":
        # Its own words tell a proof from a search that found nothing.
        assert np.isinf(best) or "sans que l’impossibilité soit prouvée" in str(solution.reason)
        return
    case.respects(solution)
    assert solution.bound <= best * (1 + 1e-9) + 1e-9
    assert solution.objective >= best * (1 - 1e-9) - 1e-9


@pytest.mark.parametrize("effort", [MODEL_STOPPED, TREE_STOPPED], ids=["in HiGHS", "in the search for large cases"])
def test_capacitated_p_median_stopped_early(effort: Effort) -> None:
    # In the search for large cases: from the worst sites, without time to swap any.
    poor = 0
    for seed in range(100):
        case = Case(seed)
        best = case.best(case.cost, case.price)
        found = p_median(
            case.cost, case.demand, case.p, existing=case.existing, capacity=case.capacity, uncovered_cost=case.price,
            time_limit_s=0, seed=seed, effort=effort,
        )  # fmt: skip
        if found.status == "infeasible":
            assert np.isinf(best) or "sans que l’impossibilité soit prouvée" in str(found.reason)
            continue
        case.respects(found)
        poor += check_proof(found, best)
    assert poor >= 10


def test_capacitated_mclp_stopped_early() -> None:
    poor = 0
    for seed in range(100):
        case = Case(seed)
        covers = case.cost <= 4
        best = case.demand.sum() - case.best(np.where(covers, 0.0, np.inf), 1.0)
        found = mclp(
            covers, case.demand, case.p, existing=case.existing, capacity=case.capacity, time_limit_s=0, seed=seed,
            effort=MODEL_STOPPED,
        )  # fmt: skip
        case.respects(found)
        poor += check_proof(found, best, is_most=True)
    assert poor >= 10


def test_what_is_short_is_named() -> None:
    solution = p_median(np.ones((2, 2)), [6, 5], 1, capacity=[8, 7])
    assert solution.status == "infeasible"
    assert "une capacité de 8 pour une demande de 11" in str(solution.reason)
    alone = p_median(np.ones((2, 2)), [9, 1], 2, capacity=[8, 7])
    assert "aucun n’a la capacité" in str(alone.reason)


def test_a_capacity_per_candidate_is_needed() -> None:
    with pytest.raises(UsageError, match="une capacité par candidat"):
        p_median(np.ones((2, 2)), [1, 1], 1, capacity=[3])
