"""Bands apart from the answers: each exact under any costs, their bound never past the fewest, and reached by one."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from observatory.siting.solvers import cover
from observatory.siting.solvers.cover import greedy_cover, smallest_cover
from observatory.siting.solvers.cover_band import Band
from observatory.siting.solvers.cover_order import places
from observatory.siting.solvers.cover_shares import Shares, shared_out
from observatory.siting.solvers.cover_split import Split, split_bound
from observatory.siting.solvers.cover_windows import Windows
from observatory.siting.solvers.effort import BandEffort, Effort
from observatory.siting.solvers.incidence import Incidence, as_incidence
from observatory.siting.solvers.milp import Model, minimise

CASES = settings(max_examples=150)
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


def near_each_other(seed: int, units: int, radius: tuple[float, float]) -> Incidence:
    """Points drawn in a rectangle twice as long as it is wide, each a unit and a site, covered within a radius."""
    rng = np.random.default_rng(seed)
    point = rng.random((units, 2)) * [2.0, 1.0]
    distance = np.hypot(*(point[:, None] - point[None]).transpose(2, 0, 1))
    return as_incidence(distance <= rng.uniform(*radius))


def linear_bound(incidence: Incidence) -> float:
    n, m = incidence.shape
    model = Model(
        np.ones(m), incidence.astype(float), np.ones(n), np.full(n, np.inf), np.zeros(m), np.ones(m), np.zeros(m, bool)
    )
    return minimise(model, time_limit_s=10, tolerance=0.0, seed=0).objective


def fewest(incidence: Incidence) -> int:
    """The smallest cover by HiGHS alone."""
    n, m = incidence.shape
    model = Model(
        np.ones(m), incidence.astype(float), np.ones(n), np.full(n, np.inf), np.zeros(m), np.ones(m), np.ones(m, bool)
    )
    return round(minimise(model, time_limit_s=60, tolerance=0.0, seed=0).objective)


def least_of_all(covers: np.ndarray, cost: np.ndarray) -> float:
    return float((covers_of(covers) @ cost).min())


def walked(incidence: Incidence, units: np.ndarray) -> Band:
    return Band(incidence, units, seed=0)


@CASES
@given(seeds)
def test_the_least_cost_of_a_band_is_the_least_of_all_under_any_costs(seed: int) -> None:
    covers, rng = random_covers(seed), np.random.default_rng(seed)
    units = rng.permutation(covers.shape[0])[: int(rng.integers(1, covers.shape[0] + 1))]
    band = walked(as_incidence(covers), units)
    for _ in range(3):  # the second solve starts from the first
        every = rng.random(covers.shape[1]) * (rng.random(covers.shape[1]) < 0.8) * rng.uniform(0.1, 3)
        found = band.least_cost(every[band.columns], most_states=10**6)
        chosen = band.columns[found.columns]
        assert found.is_exact
        assert found.bound == pytest.approx(least_of_all(covers[units], every))
        assert covers[units][:, chosen].any(axis=1).all()
        assert every[chosen].sum() == pytest.approx(found.bound)


@CASES
@given(seeds, st.integers(1, 40))
def test_a_walk_given_up_proves_no_more_than_the_least(seed: int, most_states: int) -> None:
    covers, rng = random_covers(seed), np.random.default_rng(seed)
    band = walked(as_incidence(covers), np.arange(covers.shape[0]))
    cost = rng.random(band.columns.size)
    whole = np.zeros(covers.shape[1])
    whole[band.columns] = cost
    found = band.least_cost(cost, most_states=most_states)
    assert found.bound <= least_of_all(covers, whole) + 1e-9
    assert found.is_exact == (found.bound == pytest.approx(least_of_all(covers, whole)) and found.columns.size > 0)


@pytest.mark.parametrize(("length", "least"), [(5, 3), (7, 4), (9, 5), (151, 76)])
def test_an_odd_ring_takes_one_column_more_than_half(length: int, least: int) -> None:
    # Half of each column covers the ring for length / 2, which is what the linear cover says (Balas and Ng 1989).
    # Walked from the unit 0 to the last, its masks are as long as the ring: the last column covers both.
    found = walked(cycle(length), np.arange(length)).least_cost(np.ones(length), most_states=10**6)
    assert linear_bound(cycle(length)) == pytest.approx(length / 2)
    assert (found.bound, found.columns.size) == (pytest.approx(least), least)


@CASES
@given(seeds)
def test_any_shares_of_the_columns_prove_a_bound(seed: int) -> None:
    covers, rng = random_covers(seed), np.random.default_rng(seed)
    incidence, count = as_incidence(covers), int(rng.integers(1, 4))
    number = rng.integers(0, count, covers.shape[0])
    bands = [walked(incidence, np.flatnonzero(number == k)) for k in range(count) if (number == k).any()]
    inside = np.zeros((len(bands), covers.shape[1]), bool)
    for row, band in zip(inside, bands, strict=True):
        row[band.columns] = True
    used = inside.any(axis=0)
    shares = shared_out(rng.normal(size=(len(bands), int(used.sum()))), inside[:, used])
    whole = np.zeros(inside.shape)
    whole[:, used] = shares
    found = sum(
        band.least_cost(share[band.columns], most_states=10**6).bound for band, share in zip(bands, whole, strict=True)
    )
    assert found <= least_of_all(covers, np.ones(covers.shape[1])) + 1e-9


@CASES
@given(seeds)
def test_shares_are_the_nearest_that_add_up_to_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    inside = rng.random((4, 6)) < 0.6
    inside[rng.integers(0, 4, 6), np.arange(6)] = True
    wished = rng.normal(size=inside.shape)
    shares = shared_out(wished, inside)
    assert shares.min() >= 0.0
    assert shares.sum(axis=0) == pytest.approx(np.ones(6))
    assert not shares[~inside].any()
    # Nearest: no other such shares make an acute angle with what was wished (projection on a convex set).
    for _ in range(20):
        other = np.where(inside, rng.random(inside.shape) + 1e-9, 0.0)
        other /= other.sum(axis=0)
        assert (np.where(inside, wished - shares, 0.0) * (other - shares)).sum(axis=0).max() <= 1e-9


@pytest.mark.parametrize("seed", range(10))
def test_a_wide_band_under_shares_of_the_costs_is_exact(seed: int) -> None:
    # Masks of two or three words; the costs are such that many covers cost nearly the same.
    incidence, rng = near_each_other(seed, 170, (0.22, 0.3)), np.random.default_rng(seed)
    part = rng.random(170) < 0.75
    cost = (incidence[part].sum(axis=0) / np.maximum(incidence.sum(axis=0), 1)) * rng.uniform(0.95, 1.05, 170)
    where = places(incidence, seed=0)
    if where is None:  # in two pieces: any order will do
        where = np.arange(170.0)[:, None]
    units = np.flatnonzero(part)[np.argsort(where[part, 0])]
    band = walked(incidence, units)
    n, m = units.size, band.columns.size
    found = band.least_cost(cost[band.columns], most_states=10**6)
    model = Model(
        cost[band.columns], as_incidence(incidence[units][:, band.columns]).astype(float), np.ones(n),
        np.full(n, np.inf), np.zeros(m), np.ones(m), np.ones(m, bool),
    )  # fmt: skip
    assert found.is_exact
    assert found.bound == pytest.approx(minimise(model, time_limit_s=60, tolerance=0.0, seed=0).objective)


def split(incidence: Incidence, price: np.ndarray, seed: int, **limits: float) -> Split:
    """Split with the cover left as it is given, so that only the bands can prove or find one."""
    every, effort = np.ones(incidence.shape[1], bool), BandEffort(strips_share=0.0, **limits)
    return split_bound(incidence, price, every, deadline=time.perf_counter() + 60, seed=seed, effort=effort)


@pytest.mark.parametrize("seed", range(10))
def test_bands_joined_down_to_one_find_the_fewest(seed: int) -> None:
    incidence = near_each_other(seed, 110, (0.2, 0.3))
    least = fewest(incidence)
    # The bands are not widened before they are joined.
    found = split(incidence, np.zeros(incidence.shape[0]), seed, units_of_a_band=25, widening=0)
    assert found.bound == pytest.approx(least)
    assert found.cover.sum() == least
    assert (incidence @ found.cover.astype(int) > 0).all()


@pytest.mark.parametrize("seed", range(4))
def test_bands_are_widened_as_long_as_their_walks_are_short(seed: int) -> None:
    incidence = near_each_other(seed, 110, (0.2, 0.3))
    found = split(incidence, np.zeros(incidence.shape[0]), seed, units_of_a_band=25, is_joining=False)
    assert found.cover.sum() == fewest(incidence) == pytest.approx(found.bound)  # one band, never joined


@pytest.mark.parametrize("seed", range(6))
def test_bands_that_may_not_be_joined_raise_the_bound_and_never_past_the_fewest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    point = np.stack(np.meshgrid(np.arange(20.0), np.arange(9.0)), -1).reshape(-1, 2) + rng.uniform(-0.4, 0.4, (180, 2))
    incidence = as_incidence(np.hypot(*(point[:, None] - point[None]).transpose(2, 0, 1)) <= 1.7)
    linear, least = linear_bound(incidence), fewest(incidence)
    price = np.full(incidence.shape[0], 1 / incidence.sum(axis=0).max())
    found = split(incidence, price, seed, units_of_a_band=50, widening=0, least_gain=1e-3, is_joining=False)
    assert found.cover.all()
    assert found.bound <= least + 1e-6
    assert found.bound > linear + 0.2 * (least - linear)


@pytest.mark.parametrize("seed", range(8))
def test_strips_covered_anew_lead_from_a_greedy_cover_to_the_fewest(seed: int) -> None:
    incidence = near_each_other(seed, 260, (0.18, 0.22))
    where, first = places(incidence, seed=seed), greedy_cover(incidence)
    assert where is not None
    windows, least = Windows(incidence, where, first, seed=seed), fewest(incidence)
    windows._size = 80.0  # narrower than the whole, so that one strip alone does not do it
    before, sizes = first.copy(), [int(first.sum())]
    while sizes[-1] > least and windows.quiet < 3 * 10**6:
        known = int(windows._now.sum())
        windows.improve(20_000, least=least, deadline=time.perf_counter() + 60)
        assert windows._now.sum() <= known
        assert (incidence @ windows.cover.astype(int) > 0).all()
        sizes.append(int(windows.cover.sum()))
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[-1] == least
    assert (first == before).all()


def test_strips_are_left_alone_where_the_cover_is_proved_or_time_is_up() -> None:
    incidence = near_each_other(0, 260, (0.18, 0.22))
    where, first = places(incidence, seed=0), greedy_cover(incidence)
    assert where is not None
    windows = Windows(incidence, where, first, seed=0)
    windows.improve(10**6, least=int(first.sum()), deadline=time.perf_counter() + 60)
    windows.improve(10**6, least=0, deadline=time.perf_counter())
    assert (windows.cover == first).all()
    assert windows.quiet == 0


def covers_of_bands(covers: np.ndarray, bands: list[np.ndarray]) -> list[np.ndarray]:
    """All covers of each band, columns outside of it left out."""
    out = []
    for units in bands:
        some = covers_of(covers[units])
        out.append(np.unique(some * covers[units].any(axis=0), axis=0))
    return out


@pytest.mark.parametrize("seed", range(20))
def test_shares_reach_the_best_sum_of_least_costs(seed: int) -> None:
    covers, rng = random_covers(seed), np.random.default_rng(seed)
    bands = np.array_split(rng.permutation(covers.shape[0]), 2 + (covers.shape[0] > 5))
    inside = np.array([covers[units].any(axis=0) for units in bands])
    covers, inside = covers[:, inside.any(axis=0)], inside[:, inside.any(axis=0)]
    every = covers_of_bands(covers, bands)
    # The best of all shares, by the linear model that lists every cover of every band.
    count, m = len(bands), covers.shape[1]
    lines = [
        np.concatenate([np.eye(count)[k], *-(np.eye(count)[k][:, None] * c)]) for k in range(count) for c in every[k]
    ]
    sums = np.hstack([np.zeros((m, count)), np.tile(np.eye(m), count)])
    best = -linprog(
        np.concatenate([-np.ones(count), np.zeros(count * m)]), A_ub=np.array(lines), b_ub=np.zeros(len(lines)),
        A_eq=sums, b_eq=np.ones(m), bounds=[(None, None)] * count + [(0, None if on else 0) for on in inside.ravel()],
    ).fun  # fmt: skip
    shares = Shares(rng.random(inside.shape), inside)
    now, promised = shares.best, np.inf
    for _ in range(80):
        cheapest = np.array([c[np.argmin(c @ one)] for c, one in zip(every, now, strict=True)])
        value = float((cheapest * now).sum())
        assert value <= min(best, promised) + 1e-6
        shares.add(now, value, cheapest.astype(float))
        now, gain = shares.following()
        assert now.min() >= 0.0
        assert now.sum(axis=0) == pytest.approx(np.ones(m))
        promised = shares.value + gain
    assert shares.value == pytest.approx(best, abs=5e-3)


def test_shares_of_joined_bands_keep_the_covers_of_those_left_alone() -> None:
    inside = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]], bool)
    shares = Shares(np.array([[1, 0.4, 0, 0], [0, 0.6, 0.3, 0], [0, 0, 0.7, 1]]), inside)
    shares.add(shares.best, 1.0, np.array([[0, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], float))
    joined = shares.joined([[0, 1], [2]], np.array([[1, 1, 1, 0], [0, 0, 1, 1]], bool))
    assert joined.best == pytest.approx(np.array([[1, 1, 0.3, 0], [0, 0, 0.7, 1]]))
    joined.add(joined.best, 1.6, np.array([[0, 1, 0, 0], [0, 0, 0, 1]], float))
    # Of the band left alone two covers are known, of the joined one only the new one.
    assert joined._owner.tolist() == [1, 0, 1]
    assert joined._cover.astype(int).tolist() == [[0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]]


def test_units_along_a_road_come_out_in_their_order() -> None:
    # Each site of the road covers the units within four steps; at its two ends there are fewer.
    step = np.abs(np.arange(60)[:, None] - np.arange(60)[None])
    shuffled = np.random.default_rng(0).permutation(60)
    where = places(as_incidence((step <= 4)[shuffled]), seed=0)
    assert where is not None
    along = shuffled[np.argsort(where[:, 0])]
    assert along.tolist() in (list(range(60)), list(range(59, -1, -1)))


def test_units_in_two_pieces_have_no_places() -> None:
    assert places(as_incidence(np.kron(np.eye(2), np.ones((5, 3)))), seed=0) is None


@pytest.mark.parametrize("seed", range(60))
def test_the_smallest_cover_with_bands_is_the_fewest(seed: int) -> None:
    # The search is cut short, so that the proof has something to find and to refuse.
    effort = Effort(split_units_min=0, block_steps=1)
    covers = random_covers(seed, units=40, columns=24)
    least = fewest(as_incidence(covers))
    impatient, deadline = replace(effort, quiet_blocks=0), time.perf_counter() + 20
    found = smallest_cover(as_incidence(covers), deadline=deadline, seed=seed, effort=impatient)
    assert covers[:, found.columns].any(axis=1).all()
    assert (found.columns.size, found.bound) == (least, least)
    deadline = time.perf_counter() + 20
    refused = smallest_cover(as_incidence(covers), deadline=deadline, seed=seed, hopeless=least, effort=effort)
    assert refused.bound == least


@CASES
@given(seeds)
def test_columns_fixed_by_their_price_leave_every_cover_worth_having(seed: int) -> None:
    covers = random_covers(seed)
    incidence, rng = as_incidence(covers), np.random.default_rng(seed)
    price = rng.random(covers.shape[0]) * rng.uniform(0, 0.6)
    least, whole = fewest(incidence), np.ones(covers.shape[1], bool)
    deadline = time.perf_counter() + 20
    for at_most, known in itertools.product((least, least + 1), (0, least)):
        best, bound = cover._prove(incidence, price, whole, known, deadline=deadline, seed=0, at_most=at_most)
        assert (int(best.sum()), bound) == (least, least)
    assert cover._prove(incidence, price, whole, 0, deadline=deadline, seed=0, at_most=least - 1)[1] == least
