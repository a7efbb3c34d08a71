"""Local cuts apart from the answers: true of every cover, their bound never past the fewest, and they do cut."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from observatory.siting import cover
from observatory.siting.cover import smallest_cover
from observatory.siting.cover_exact import least_cover
from observatory.siting.cover_rounds import Cut, _proved, cut_rounds, local_cut
from observatory.siting.incidence import Incidence, as_incidence
from observatory.siting.milp import Model, minimise

CASES = settings(max_examples=150, deadline=None)
seeds = st.integers(0, 2**32 - 1)


def cycle(length: int) -> Incidence:
    """Units and columns in a ring, each unit covered by two neighbours."""
    ring = np.eye(length, dtype=bool)
    return as_incidence(ring | np.roll(ring, 1, axis=1))


def random_covers(seed: int, units: int = 14, columns: int = 11) -> np.ndarray:
    """Random incidences, geometric ones, and odd rings with columns besides, whose linear covers are fractional."""
    rng = np.random.default_rng(seed)
    if rng.random() < 0.4:
        ring = cycle(int(rng.choice([5, 7]))).toarray() > 0
        return np.column_stack([ring, rng.random((ring.shape[0], int(rng.integers(0, 4)))) < 0.3])
    n, m = int(rng.integers(3, units)), int(rng.integers(3, columns))
    if rng.random() < 0.5:
        places, sites = rng.random((n, 2)), rng.random((m, 2))
        distance = np.hypot(*(places[:, None] - sites[None]).transpose(2, 0, 1))
        covers = distance <= rng.uniform(0.25, 0.6)
    else:
        covers = rng.random((n, m)) < rng.uniform(0.2, 0.45)
    covers[np.arange(n), rng.integers(0, m, n)] = True
    return covers


def covers_of(incidence: np.ndarray) -> np.ndarray:
    """All covers, one a line."""
    every = np.array(list(itertools.product([0, 1], repeat=incidence.shape[1])))
    return every[(every @ incidence.T.astype(int) > 0).all(axis=1)]


def linear_point(incidence: Incidence) -> np.ndarray:
    n, m = incidence.shape
    model = Model(
        np.ones(m), incidence.astype(float), np.ones(n), np.full(n, np.inf), np.zeros(m), np.ones(m), np.zeros(m, bool)
    )
    values = minimise(model, time_limit_s=10, tolerance=0.0, seed=0).values
    assert values is not None
    return values


def fewest(incidence: Incidence) -> int:
    """The smallest cover by HiGHS alone."""
    n, m = incidence.shape
    model = Model(
        np.ones(m), incidence.astype(float), np.ones(n), np.full(n, np.inf), np.zeros(m), np.ones(m), np.ones(m, bool)
    )
    return round(minimise(model, time_limit_s=60, tolerance=0.0, seed=0).objective)


def compressed(covers: np.ndarray) -> tuple[np.ndarray, ...]:
    rows, columns = sparse.csr_array(covers.astype(np.int32)), sparse.csc_array(covers.astype(np.int32))
    return (
        rows.indptr.astype(np.int64), rows.indices.astype(np.int32), columns.indptr.astype(np.int64),
        columns.indices.astype(np.int32),
    )  # fmt: skip


@CASES
@given(seeds)
def test_the_least_cover_is_the_least_of_all(seed: int) -> None:
    covers = random_covers(seed)
    rng = np.random.default_rng(seed)
    whole = rng.random() < 0.5
    cost = rng.integers(0, 6, covers.shape[1]).astype(float) if whole else rng.random(covers.shape[1])
    already = rng.random(covers.shape[0]) < 0.2
    best = float((covers_of(covers[~already]) @ cost).min()) if not already.all() else 0.0
    pick = np.zeros(covers.shape[1], bool)
    found, proved = least_cover(*compressed(covers), cost, already, 1e6, float(whole), 10**6, pick)
    assert (found, proved) == (pytest.approx(best), True)
    assert covers[~already][:, pick].any(axis=1).all()
    assert cost[pick].sum() == pytest.approx(best)
    assert least_cover(*compressed(covers), cost, already, best, float(whole), 10**6, pick) == (best, True)


@CASES
@given(seeds)
def test_a_local_cut_is_true_of_every_cover_and_the_point_breaks_it(seed: int) -> None:
    covers = random_covers(seed)
    incidence, rng = as_incidence(covers), np.random.default_rng(seed)
    point = linear_point(incidence)
    units = np.flatnonzero(rng.random(covers.shape[0]) < 0.8)
    cut = local_cut(incidence, units, point) if units.size else None
    if cut is None:
        return
    assert (covers_of(covers)[:, cut.columns] @ cut.coefficient).min() >= cut.least
    assert point[cut.columns] @ cut.coefficient < cut.least
    assert np.array_equal(cut.coefficient, np.rint(cut.coefficient))


@pytest.mark.parametrize(("length", "least"), [(5, 3), (7, 4), (9, 5)])
def test_the_odd_cycle_is_cut_by_its_known_facet(length: int, least: int) -> None:
    # Half of each column covers the ring for length / 2; a cover takes one column more than half (Balas and Ng 1989).
    cut = local_cut(cycle(length), np.arange(length), np.full(length, 0.5))
    assert cut is not None
    assert (cut.columns.tolist(), set(cut.coefficient), cut.least) == (list(range(length)), {1.0}, least)
    bound = cut_rounds(cycle(length), deadline=time.perf_counter() + 20, seed=0, target=np.inf).bound
    assert bound == pytest.approx(least)


def test_a_column_out_of_the_point_is_lifted_no_more_than_it_must() -> None:
    # A sixth column that covers two neighbours of the ring replaces one, one that covers four units replaces two.
    ring = np.column_stack([cycle(5).toarray(), [1, 1, 0, 0, 0], [1, 1, 1, 1, 0]])
    cut = local_cut(as_incidence(ring), np.arange(5), np.array([0.5] * 5 + [0.0, 0.0]))
    assert cut is not None
    assert dict(zip(cut.columns.tolist(), cut.coefficient.tolist(), strict=True)) == {
        0: 1.0, 1: 1.0, 2: 1.0, 3: 1.0, 4: 1.0, 5: 1.0, 6: 2.0,
    }  # fmt: skip


@CASES
@given(seeds)
def test_any_prices_of_units_and_cuts_prove_a_bound_and_what_each_column_adds(seed: int) -> None:
    covers = random_covers(seed)
    incidence, rng = as_incidence(covers), np.random.default_rng(seed)
    cut = local_cut(incidence, np.arange(covers.shape[0]), linear_point(incidence))
    cuts: list[Cut] = [] if cut is None else [cut]
    price = rng.random(covers.shape[0] + len(cuts)) * rng.uniform(0, 1) - 0.05
    proved = _proved(incidence, cuts, price)
    every = covers_of(covers)
    size = every.sum(axis=1)
    assert proved.bound <= size.min() + 1e-9
    for column in range(covers.shape[1]):
        assert proved.bound + max(proved.reduced[column], 0.0) <= size[every[:, column] == 1].min() + 1e-9


@pytest.mark.parametrize("seed", range(12))
def test_rounds_of_cuts_raise_the_bound_and_never_past_the_fewest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    places = rng.random((70, 2))
    distance = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    incidence = as_incidence(distance <= rng.uniform(0.14, 0.2))
    linear = float(linear_point(incidence).sum())
    strong = cut_rounds(incidence, deadline=time.perf_counter() + 20, seed=seed, target=np.inf)
    assert linear - 1e-6 <= strong.bound <= fewest(incidence) + 1e-6
    assert strong.bound > linear + 1e-3 or linear == pytest.approx(round(linear))


@pytest.mark.parametrize("seed", range(60))
def test_the_smallest_cover_with_cuts_is_the_fewest(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cover, "_CUT_UNITS_MIN", 0)
    # The search is cut short, so that the proof has something to find and to refuse.
    monkeypatch.setattr(cover, "_BLOCK_STEPS", 1)
    covers = random_covers(seed, units=40, columns=24)
    least = fewest(as_incidence(covers))
    found = smallest_cover(as_incidence(covers), deadline=time.perf_counter() + 20, seed=seed, patience=0)
    assert covers[:, found.columns].any(axis=1).all()
    assert (found.columns.size, found.bound) == (least, least)
    refused = smallest_cover(as_incidence(covers), deadline=time.perf_counter() + 20, seed=seed, hopeless=least)
    assert refused.bound == least


@CASES
@given(seeds)
def test_columns_fixed_by_their_price_leave_every_cover_worth_having(seed: int) -> None:
    covers = random_covers(seed)
    incidence, rng = as_incidence(covers), np.random.default_rng(seed)
    cut = local_cut(incidence, np.arange(covers.shape[0]), linear_point(incidence))
    cuts: list[Cut] = [] if cut is None else [cut]
    strong = _proved(incidence, cuts, rng.random(covers.shape[0] + len(cuts)) * rng.uniform(0, 0.6))
    least, whole = fewest(incidence), np.ones(covers.shape[1], bool)
    deadline = time.perf_counter() + 20
    for at_most in (least, least + 1):
        best, bound = cover._prove(incidence, whole, 0, strong, deadline=deadline, seed=0, at_most=at_most)
        assert (int(best.sum()), bound) == (least, least)
    assert cover._prove(incidence, whole, 0, strong, deadline=deadline, seed=0, at_most=least - 1)[1] == least
