"""The proofs apart from the answers: bounds never pass the optimum, pruning and reductions lose nothing."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from observatory.siting.solvers.branch import mid_prices, solve
from observatory.siting.solvers.cover import smallest_cover
from observatory.siting.solvers.cover_bound import cover_prices
from observatory.siting.solvers.incidence import as_incidence, core, dominated_sites, implied_units, merge_units
from observatory.siting.solvers.interchange import greedy, interchange, value
from observatory.siting.solvers.lagrangian import Ascent
from observatory.siting.solvers.sorted_rows import Rows, dense_rows, narrow

CASES = settings(max_examples=150)
seeds = st.integers(0, 2**32 - 1)


def random_rows(seed: int) -> tuple[Rows, np.ndarray, int]:
    """Rows with a fallback for each unit, the dense costs (fallback last), and p."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 14)), int(rng.integers(2, 10))
    cost = rng.random((n, m)) * 10 if rng.random() < 0.6 else rng.integers(0, 10, (n, m)).astype(float)
    base = rng.random(n) * 12 + 0.1
    weight = rng.integers(1, 5, n).astype(float)
    rows = dense_rows(cost, np.arange(n), np.arange(m), base, weight)
    return rows, np.column_stack([cost, base]) * weight[:, None], int(rng.integers(0, m + 1))


def value_of(dense: np.ndarray, columns: tuple[int, ...]) -> float:
    return float(dense[:, [*columns, dense.shape[1] - 1]].min(axis=1).sum())


def optimum(dense: np.ndarray, p: int) -> float:
    return min(value_of(dense, columns) for columns in itertools.combinations(range(dense.shape[1] - 1), p))


@CASES
@given(seeds)
def test_any_prices_give_a_bound_that_never_passes_the_optimum(seed: int) -> None:
    rows, dense, p = random_rows(seed)
    best = optimum(dense, p)
    rng = np.random.default_rng(seed)
    ascent = Ascent(rows, p, rng.random(rows.n_rows) * rows.base * 1.5, value=best * 3 + 1, step=1.0)
    for steps in (1, 5, 50, 200):
        ascent.run(steps, target=np.inf)
        assert ascent.bound <= best * (1 + 1e-9) + 1e-9
        assert ascent.value >= best * (1 - 1e-9) - 1e-9


@CASES
@given(seeds, st.sampled_from([1, -1]))
def test_branching_finds_the_optimum_from_the_next_best_and_the_worst_start(seed: int, rank: int) -> None:
    # The next best prunes hardest: whatever is cut off wrongly can't be found again.
    rows, dense, p = random_rows(seed)
    choices = list(itertools.combinations(range(rows.n_columns), p))
    ranked = sorted(choices, key=lambda columns: value_of(dense, columns))
    start = np.isin(np.arange(rows.n_columns), ranked[min(rank, len(ranked) - 1)])
    outcome = solve(rows, p, deadline=time.perf_counter() + 30, tolerance=1e-12, start=start, polish=False)
    assert outcome.value == pytest.approx(optimum(dense, p), rel=1e-9, abs=1e-9)
    assert outcome.bound <= optimum(dense, p) * (1 + 1e-9) + 1e-9
    assert outcome.bound >= outcome.value * (1 - 1e-9) - 1e-9


@pytest.mark.parametrize(("p", "missed"), [(1, 4), (2, 2), (3, 0)])
def test_the_tree_closes_the_gap_of_the_fano_plane(p: int, missed: int) -> None:
    # Seven points, seven lines of three, two lines always meet: two lines cover 5 points, any prices promise 6.
    lines = [(0, 1, 2), (0, 3, 4), (0, 5, 6), (1, 3, 5), (1, 4, 6), (2, 3, 6), (2, 4, 5)]
    cost = np.array([[0.0 if point in line else 1.0 for line in lines] for point in range(7)])
    rows = dense_rows(cost, np.arange(7), np.arange(7), np.ones(7), np.ones(7))
    start = np.isin(np.arange(7), np.arange(p))
    outcome = solve(rows, p, deadline=time.perf_counter() + 30, tolerance=1e-12, start=start, polish=False)
    assert (outcome.value, outcome.bound) == (pytest.approx(missed), pytest.approx(missed))
    assert p != 2 or outcome.nodes > 1


@pytest.mark.parametrize("seed", range(4))
def test_branching_from_the_next_best_without_geometry(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cost = rng.integers(1, 100, (24, 16)).astype(float)
    rows = dense_rows(cost, np.arange(24), np.arange(16), np.full(24, 200.0), np.ones(24))
    ranked = sorted(itertools.combinations(range(16), 4), key=lambda columns: cost[:, columns].min(axis=1).sum())
    best, start = cost[:, ranked[0]].min(axis=1).sum(), np.isin(np.arange(16), ranked[1])
    outcome = solve(rows, 4, deadline=time.perf_counter() + 30, tolerance=1e-12, start=start, polish=False)
    assert (outcome.value, outcome.bound) == (pytest.approx(best), pytest.approx(best))


@CASES
@given(seeds)
def test_opening_and_closing_keeps_every_value(seed: int) -> None:
    rows, dense, _ = random_rows(seed)
    rng = np.random.default_rng(seed)
    fate = rng.integers(0, 3, rows.n_columns)
    part, names = narrow(rows, keep=fate != 0, opened=fate == 1)
    assert set(names) == set(np.flatnonzero(fate == 2))
    chosen = rng.random(names.size) < 0.5
    expected = value_of(dense, tuple(np.flatnonzero(fate == 1)) + tuple(names[chosen]))
    assert value(part, chosen) == pytest.approx(expected)


@CASES
@given(seeds)
def test_no_single_swap_improves_what_the_interchange_returns(seed: int) -> None:
    rows, dense, p = random_rows(seed)
    start = np.isin(np.arange(rows.n_columns), np.arange(p))
    opened, cost = interchange(rows, start)
    inside, outside = np.flatnonzero(opened), np.flatnonzero(~opened)
    assert inside.size == p
    assert cost == pytest.approx(value_of(dense, tuple(inside)))
    for out, enters in itertools.product(inside, outside):
        swapped = (*(site for site in inside if site != out), enters)
        assert value_of(dense, swapped) >= cost * (1 - 1e-9) - 1e-9


def test_greedy_takes_the_best_first() -> None:
    rows = dense_rows(np.array([[0.0, 3.0], [9.0, 3.0]]), np.arange(2), np.arange(2), np.full(2, 10.0), np.ones(2))
    assert greedy(rows, 1).tolist() == [False, True]
    assert mid_prices(rows, np.array([True, True])).tolist() == [1.5, 6.0]


def random_incidence(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    covers = rng.random((int(rng.integers(1, 12)), int(rng.integers(1, 10)))) < rng.uniform(0.15, 0.6)
    covers[np.arange(covers.shape[0]), rng.integers(0, covers.shape[1], covers.shape[0])] = True
    return covers


def fewest(covers: np.ndarray) -> int:
    m = covers.shape[1]
    return next(
        count
        for count in range(m + 1)
        if any(covers[:, columns].any(axis=1).all() for columns in itertools.combinations(range(m), count))
    )


@CASES
@given(seeds)
def test_reductions_keep_a_smallest_cover(seed: int) -> None:
    covers = random_incidence(seed)
    small = core(as_incidence(covers), np.arange(covers.shape[1]))
    left = small.incidence.toarray() > 0
    assert len(small.forced) + (fewest(left) if left.size else 0) == fewest(covers)


@CASES
@given(seeds)
def test_dominated_sites_and_implied_units_are_those_of_the_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    covers = rng.random((int(rng.integers(1, 12)), int(rng.integers(1, 10)))) < rng.uniform(0.1, 0.8)
    incidence = as_incidence(covers)
    assert dominated_sites(incidence).tolist() == [
        j for j, site in enumerate(covers.T)
        if not site.any() or any(
            (site <= other).all() and ((site < other).any() or k < j) for k, other in enumerate(covers.T) if k != j
        )
    ]  # fmt: skip
    assert implied_units(incidence).tolist() == [
        i for i, unit in enumerate(covers)
        if any(
            other.any() and (other <= unit).all() and ((other < unit).any() or k < i)
            for k, other in enumerate(covers) if k != i
        )
    ]  # fmt: skip


@CASES
@given(seeds)
def test_cover_prices_never_pass_the_fewest(seed: int) -> None:
    covers = random_incidence(seed)
    rows, columns = sparse.csr_array(covers), sparse.csc_array(covers)
    bound, _ = cover_prices(
        rows.indptr.astype(np.int64), rows.indices.astype(np.int32), columns.indptr.astype(np.int64),
        columns.indices.astype(np.int32), upper=covers.shape[1], deadline=time.perf_counter() + 5, iterations=3000,
    )  # fmt: skip
    assert bound <= fewest(covers) + 1e-9


@CASES
@given(seeds, st.integers(0, 6))
def test_a_cover_is_a_cover_and_its_bound_holds_when_stopped_early(seed: int, enough: int) -> None:
    covers = random_incidence(seed)
    found = smallest_cover(as_incidence(covers), deadline=time.perf_counter(), seed=0, enough=enough)
    assert covers[:, found.columns].any(axis=1).all()
    assert found.bound <= fewest(covers) <= found.columns.size


def test_merged_units_add_their_weights_and_equal_sites_leave_one() -> None:
    covers = as_incidence(np.array([[1, 1, 0], [0, 0, 1], [1, 1, 0]]))
    merged, weight = merge_units(covers, np.array([2.0, 5.0, 4.0]))
    assert merged.toarray().tolist() == [[1, 1, 0], [0, 0, 1]]
    assert weight.tolist() == [6.0, 5.0]
    assert dominated_sites(covers).tolist() == [1]
