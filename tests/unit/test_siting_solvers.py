"""Siting models against every possible choice of sites, on hundreds of tiny random cases."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from observatory.errors import UsageError
from observatory.siting import k_best_p_median, lscp, mclp, p_center, p_median

CASES = settings(max_examples=150)


class Case:
    """A tiny problem: ties, zeros, forbidden pairs, existing sites, p from none to all."""

    def __init__(self, rng: np.random.Generator) -> None:
        n, m = int(rng.integers(1, 9)), int(rng.integers(1, 8))
        self.cost = rng.integers(0, 9, (n, m)).astype(float) if rng.random() < 0.5 else rng.random((n, m)) * 10
        if rng.random() < 0.6:
            self.cost[rng.random((n, m)) < 0.25] = np.inf
        if rng.random() < 0.3 and n > 1:
            self.cost[1] = self.cost[0]
        self.demand = rng.integers(0, 4, n).astype(float)
        existing = rng.choice(m, int(rng.integers(0, min(3, m) + 1)), replace=False)
        self.existing = [int(site) for site in existing]
        self.free = [site for site in range(m) if site not in self.existing]
        self.p = int(rng.integers(0, len(self.free) + 1))
        self.covers = self.cost <= 3
        self.is_sparse = rng.random() < 0.5

    def choices(self, p: int | None = None) -> list[list[int]]:
        count = self.p if p is None else p
        return [self.existing + list(new) for new in itertools.combinations(self.free, count)]

    def median(self, sites: list[int]) -> float:
        nearest = self.cost[:, sites].min(axis=1, initial=np.inf)
        return float((self.demand[self.demand > 0] * nearest[self.demand > 0]).sum())

    def farthest(self, sites: list[int]) -> float:
        return float(self.cost[:, sites].min(axis=1, initial=np.inf).max())

    def covered(self, sites: list[int]) -> float:
        return float(self.demand[self.covers[:, sites].any(axis=1)].sum())

    def given_cost(self) -> Any:
        """The cost as a caller may give it: dense with infinities, or sparse with its zeros stored."""
        if not self.is_sparse:
            return self.cost
        row, column = np.nonzero(np.isfinite(self.cost))
        return sparse.coo_array((self.cost[row, column], (row, column)), shape=self.cost.shape)

    def given_covers(self) -> Any:
        if not self.is_sparse:
            return self.covers
        # A stored false is no coverage.
        row, column = np.nonzero(np.ones_like(self.covers))
        return sparse.coo_array((self.covers[row, column], (row, column)), shape=self.covers.shape)


cases = st.integers(0, 2**32 - 1).map(lambda seed: Case(np.random.default_rng(seed)))


def check(case: Case, solution: Any, best: float, *, value: float) -> None:
    """What every optimal solution must be, besides its value."""
    assert solution.status == "optimal"
    assert solution.reason is None
    assert solution.objective == pytest.approx(best, rel=1e-9, abs=1e-12)
    assert value == pytest.approx(best, rel=1e-9, abs=1e-12)
    assert solution.gap <= 1e-6
    assert list(solution.sites[: len(case.existing)]) == case.existing
    assert len(set(solution.sites)) == len(solution.sites)
    assert set(solution.assignment.tolist()) <= {*solution.sites, -1}


@CASES
@given(cases)
def test_p_median_is_the_best_of_all_choices(case: Case) -> None:
    best = min(case.median(sites) for sites in case.choices())
    solution = p_median(case.given_cost(), case.demand, case.p, existing=case.existing, tolerance=1e-12)
    if np.isinf(best):
        assert solution.status == "infeasible"
        assert solution.sites == ()
        assert solution.reason
        assert np.isnan(solution.gap)
        return
    check(case, solution, best, value=case.median(list(solution.sites)))
    assert len(solution.sites) == len(case.existing) + case.p
    assert solution.bound <= best * (1 + 1e-12)
    for unit, site in enumerate(solution.assignment):
        towards = case.cost[unit, list(solution.sites)].min(initial=np.inf)
        assert (site == -1) == np.isinf(towards)
        assert site == -1 or case.cost[unit, site] == towards


@CASES
@given(cases, st.sampled_from([0.0, 2.5, 6.0]))
def test_p_median_may_leave_units_out_at_a_price(case: Case, price: float) -> None:
    paid = np.minimum(case.cost, price)
    best = min(float((case.demand * paid[:, sites].min(axis=1, initial=price)).sum()) for sites in case.choices())
    solution = p_median(case.given_cost(), case.demand, case.p, existing=case.existing, uncovered_cost=price)
    assert solution.status == "optimal"
    assert solution.objective == pytest.approx(best, rel=1e-9, abs=1e-12)
    nearest = case.cost[:, list(solution.sites)].min(axis=1, initial=np.inf)
    np.testing.assert_array_equal(solution.assignment == -1, nearest > price if solution.sites else True)


@CASES
@given(cases)
def test_mclp_is_the_best_of_all_choices(case: Case) -> None:
    best = max(case.covered(sites) for sites in case.choices())
    solution = mclp(case.given_covers(), case.demand, case.p, existing=case.existing, tolerance=1e-12)
    check(case, solution, best, value=case.covered(list(solution.sites)))
    assert len(solution.sites) == len(case.existing) + case.p
    assert solution.bound >= best
    np.testing.assert_array_equal(solution.assignment >= 0, case.covers[:, list(solution.sites)].any(axis=1))


@CASES
@given(cases)
def test_lscp_opens_as_few_as_can_be(case: Case) -> None:
    enough = [
        count
        for count in range(len(case.free) + 1)
        if any(case.covers[:, sites].any(axis=1).all() for sites in case.choices(count))
    ]
    solution = lscp(case.given_covers(), existing=case.existing)
    if not enough:
        assert solution.status == "infeasible"
        assert "portée" in str(solution.reason)
        return
    check(case, solution, enough[0], value=len(solution.sites) - len(case.existing))
    assert solution.bound == enough[0]
    assert (solution.assignment >= 0).all()


@CASES
@given(cases)
def test_p_center_is_the_best_of_all_choices(case: Case) -> None:
    best = min(case.farthest(sites) for sites in case.choices())
    solution = p_center(case.given_cost(), case.p, existing=case.existing)
    if np.isinf(best):
        assert solution.status == "infeasible"
        return
    check(case, solution, best, value=case.farthest(list(solution.sites)))
    assert solution.bound == best
    assert len(solution.sites) == len(case.existing) + case.p


@CASES
@given(cases, st.integers(1, 8))
def test_k_best_come_in_order_without_repetition(case: Case, k: int) -> None:
    values = sorted(value for value in map(case.median, case.choices()) if np.isfinite(value))[:k]
    found = k_best_p_median(case.given_cost(), case.demand, case.p, k, existing=case.existing)
    if not values:
        assert [solution.status for solution in found] == ["infeasible"]
        return
    assert [solution.objective for solution in found] == pytest.approx(values, rel=1e-9, abs=1e-12)
    assert len({solution.sites for solution in found}) == len(values)
    assert all(solution.status == "optimal" for solution in found)


@CASES
@given(st.integers(0, 2**32 - 1))
def test_lists_that_stop_at_the_nearest_existing_site_give_what_the_matrix_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    units, sites = rng.random((int(rng.integers(1, 30)), 2)) * 10, rng.random((int(rng.integers(1, 20)), 2)) * 10
    demand = rng.integers(0, 4, len(units))
    existing = [
        int(site) for site in rng.choice(len(sites), int(rng.integers(0, min(3, len(sites)) + 1)), replace=False)
    ]
    p = int(rng.integers(0, len(sites) - len(existing) + 1))
    cost = np.hypot(units[:, None, 0] - sites[None, :, 0], units[:, None, 1] - sites[None, :, 1])
    expected = p_median(cost, demand, p, existing=existing)
    reach = cost[:, existing].min(axis=1, initial=np.inf)
    row, column = np.nonzero(cost <= reach[:, None])
    lists = sparse.csr_array((cost[row, column], (row, column)), shape=cost.shape)
    solution = p_median(lists, demand, p, existing=existing)
    assert solution.status == expected.status
    if expected.status == "optimal":
        assert solution.objective == pytest.approx(expected.objective, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("model", ["p_median", "mclp", "lscp", "p_center"])
def test_same_seed_same_answer(model: str) -> None:
    rng = np.random.default_rng(7)
    cost = rng.integers(1, 60, (80, 60)).astype(float)
    demand = rng.integers(0, 9, 80)
    solve = {
        "p_median": lambda: p_median(cost, demand, 6, existing=[3], seed=5),
        "mclp": lambda: mclp(cost < 9, demand, 6, existing=[3], seed=5),
        "lscp": lambda: lscp(cost < 35, existing=[3], seed=5),
        "p_center": lambda: p_center(cost, 6, existing=[3], seed=5),
    }[model]
    one, two = solve(), solve()
    assert one.sites == two.sites
    assert one.seed == 5
    np.testing.assert_array_equal(one.assignment, two.assignment)
    assert (one.objective, one.bound, one.status) == (two.objective, two.bound, two.status)


def test_existing_sites_that_cover_all_leave_nothing_to_do() -> None:
    cost = np.array([[0.0, 5.0], [0.0, 5.0]])
    assert lscp(cost < 1, existing=[0]).sites == (0,)
    solution = p_median(cost, [1, 1], 1, existing=[0])
    assert (solution.sites, solution.objective, solution.status) == ((0, 1), 0.0, "optimal")
    assert solution.assignment.tolist() == [0, 0]


def test_on_a_tie_the_existing_site_serves() -> None:
    assert p_median(np.array([[2.0, 2.0]]), [1], 1, existing=[1]).assignment.tolist() == [1]


def test_a_stored_zero_is_a_cost_and_an_absent_pair_is_forbidden() -> None:
    cost = sparse.csr_array((np.array([0.0, 4.0]), (np.array([0, 1]), np.array([1, 0]))), shape=(2, 2))
    solution = p_median(cost, [3, 1], 1)
    assert solution.status == "infeasible"
    assert p_median(cost, [3, 0], 1).sites == (1,)
    assert p_median(cost, [3, 1], 2).objective == 4.0


def test_more_sites_than_candidates_is_refused_in_french() -> None:
    for solution in (
        p_median(np.ones((2, 3)), [1, 1], 3, existing=[0]),
        mclp(np.ones((2, 3), bool), [1, 1], 3, existing=[0]),
        p_center(np.ones((2, 3)), 3, existing=[0]),
    ):
        assert solution.status == "infeasible"
        assert solution.reason == (
            "3 nouveaux pôles sont demandés, mais 2 sites candidats seulement sont libres : "
            "demandez moins de pôles ou élargissez la liste des candidats."
        )


def test_the_units_that_nothing_reaches_are_named() -> None:
    cost = np.array([[1.0, 2.0], [np.inf, np.inf], [np.inf, 1.0]])
    assert "1 unité(s) de demande" in str(p_median(cost, [1, 1, 1], 1).reason)
    assert "positions 1)" in str(p_median(cost, [1, 1, 1], 1).reason)
    assert "positions 1)" in str(lscp(np.isfinite(cost)).reason)
    assert p_median(cost, [1, 0, 1], 1).status == "optimal"


def test_only_allowed_candidates_open() -> None:
    cost = np.array([[0.0, 3.0, 9.0]])
    assert p_median(cost, [1], 1, allowed=[1, 2]).sites == (1,)
    assert mclp(cost < 5, [1], 1, allowed=[1, 2]).sites == (1,)
    assert lscp(cost < 5, allowed=[1, 2]).sites == (1,)
    assert p_center(cost, 1, allowed=[1, 2]).sites == (1,)


@pytest.mark.parametrize(
    ("cost", "demand", "p", "existing"),
    [
        ([[1.0, -1.0]], [1], 1, ()),
        ([[1.0, np.nan]], [1], 1, ()),
        ([1.0, 2.0], [1], 1, ()),
        ([[1.0, 2.0]], [1, 2], 1, ()),
        ([[1.0, 2.0]], [-1], 1, ()),
        ([[1.0, 2.0]], [np.inf], 1, ()),
        ([[1.0, 2.0]], [1], -1, ()),
        ([[1.0, 2.0]], [1], 1.5, ()),
        ([[1.0, 2.0]], [1], 1, [2]),
        ([["near", "far"]], [1], 1, ()),
        ([[1.0 + 1j, 2.0]], [1], 1, ()),
        ([[1.0, 2.0]], ["many"], 1, ()),
        ([[1.0, 2.0]], [1], np.nan, ()),
        ([[1.0, 2.0]], [1], np.inf, ()),
        ([[1.0, 2.0]], [1], None, ()),
        ([[1.0, 2.0]], [1], "1", ()),
        ([[1.0, 2.0]], [1], np.bool_(True), ()),
        ([[1.0, 2.0]], [1], 1, [0.5]),
        ([[1.0, 2.0]], [1], 1, [np.nan]),
        ([[1.0, 2.0]], [1], 1, ["Caen"]),
        ([[1.0, 2.0]], [1], 1, None),
        # A mask would be read as the positions 0 and 1.
        ([[1.0, 2.0]], [1], 1, np.array([True, False])),
    ],
)
def test_what_makes_no_sense_is_an_error_in_french(cost: Any, demand: Any, p: Any, existing: Any) -> None:
    with pytest.raises(UsageError, match=r"[a-zé] "):
        p_median(cost, demand, p, existing=existing)


@pytest.mark.parametrize("covers", [[[1.0, np.nan]], [["yes", "no"]], [[True, None]], None, [True]])
def test_a_coverage_that_says_neither_yes_nor_no_is_an_error_in_french(covers: Any) -> None:
    for ask in (lambda: lscp(covers), lambda: mclp(covers, [1], 1)):
        with pytest.raises(UsageError, match="couverture"):
            ask()


@pytest.mark.parametrize("limit", [np.nan, None, "60", True])
def test_a_time_that_is_no_number_is_an_error_in_french(limit: Any) -> None:
    cost = np.array([[1.0, 2.0], [2.0, 1.0]])
    for ask in (
        lambda: p_median(cost, [1, 1], 1, time_limit_s=limit),
        lambda: p_median(cost, [1, 1], 1, capacity=[2, 2], time_limit_s=limit),
        lambda: mclp(cost < 2, [1, 1], 1, time_limit_s=limit),
        lambda: lscp(cost < 2, time_limit_s=limit),
        lambda: p_center(cost, 1, time_limit_s=limit),
    ):
        with pytest.raises(UsageError, match="secondes"):
            ask()


def test_whole_numbers_are_read_whatever_their_type() -> None:
    cost = np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])
    for p, existing in ((1, (0,)), (1.0, [0.0]), (np.int8(1), np.array([0], np.uint16)), (np.float32(1), {0})):
        assert p_median(cost, [1, 1], p, existing=existing).sites == (0, 2)  # type: ignore[arg-type]


def test_where_nobody_is_asked_for_nobody_is_far() -> None:
    nobody = np.zeros((0, 3))
    for found in (p_median(nobody, [], 1), mclp(nobody > 0, [], 1), p_center(nobody, 1)):
        assert (found.status, found.objective, found.bound, len(found.sites)) == ("optimal", 0, 0, 1)
    assert (lscp(nobody > 0).status, lscp(nobody > 0).sites) == ("optimal", ())


def test_time_limit_gives_the_best_found_with_its_bound() -> None:
    rng = np.random.default_rng(3)
    points = rng.random((700, 2))
    cost = np.hypot(points[:, None, 0] - points[None, :, 0], points[:, None, 1] - points[None, :, 1])
    solution = p_median(cost, np.ones(700), 60, time_limit_s=0.0)
    assert solution.status in {"feasible", "optimal"}
    assert 0 < solution.bound <= solution.objective
    assert solution.gap == pytest.approx((solution.objective - solution.bound) / solution.objective)
    assert solution.status == "optimal" or "temps" in str(solution.reason)
