"""Compromises between several aims: figures worked by hand on a line, and the front against its definition."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observatory.siting.proposal.compromise import Balance, Balances, Targets, balances, picked, weigh
from observatory.siting.question.arrays import Limits, SitingModel

AIMS = ("mean_min", "worst_decile_min", "uncovered_dechets", "uncovered_qpv_share", "uncovered_rural_share", "cost")


def line(**changes) -> SitingModel:
    """Three units at 0, 10 and 30 minutes with 50, 40 and 10 persons; one structure at the first."""
    place = np.array([0.0, 10.0, 30.0])
    minutes = np.abs(place[:, None] - place[None, :])
    model = SitingModel(
        population_count=np.array([50, 40, 10]),
        concerned_count={"dechets": np.array([5, 4, 3])},
        weights={"dechets": 1.0},
        is_counted=np.ones(3, dtype=bool),
        existing_min=minutes[:, [0]],
        offers=np.array([[True]]),
        is_kept=np.array([True]),
        candidate_min=minutes,
        services=("ressourcerie",),
        poles=1,
        objective="mclp",
        threshold_min=15.0,
    )
    return replace(model, **changes)


def targets(model: SitingModel, aims: tuple[str, ...] = AIMS) -> Targets:
    n = model.population_count.size
    cost = np.array([0.0] * model.n_existing + [1.0] * model.candidate_min.shape[1])
    return Targets(aims, np.arange(n) == 1, np.arange(n) == n - 1, cost, 120.0)


def test_aims_on_a_line_by_hand() -> None:
    model = line()
    nothing, middle, far = weigh(model, targets(model), [(), (2,), (3,)])
    # Mean: (40 × 10 + 10 × 30) / 100; the farthest tenth is the ten persons of the last unit.
    assert nothing == pytest.approx([7.0, 30.0, 3.0, 0.0, 100.0, 0.0])
    assert middle == pytest.approx([2.0, 20.0, 3.0, 0.0, 100.0, 1.0])
    assert far == pytest.approx([4.0, 10.0, 0.0, 0.0, 0.0, 1.0])
    found = balances(model, targets(model), deadline=time.perf_counter() + 9)
    assert [one.sites for one in found.balances] == [(2,), (3,), ()]
    assert found.is_complete
    assert found.choice_count == 4


def random_model(seed: int) -> SitingModel:
    generator = np.random.default_rng(seed)
    return line(
        population_count=generator.integers(1, 40, 7),
        concerned_count={"dechets": generator.integers(0, 30, 7)},
        is_counted=np.arange(7) < 6,
        existing_min=generator.integers(0, 40, (7, 1)).astype(float),
        offers=np.array([[True, False]]),
        candidate_min=generator.integers(0, 40, (7, 5)).astype(float),
        services=("ressourcerie", "tiers_lieu"),
        poles=int(generator.integers(1, 4)),
        limits=Limits(incompatible=((1, 2),)),
    )


@settings(max_examples=40)
@given(seed=st.integers(0, 100_000))
def test_the_front_holds_all_that_nothing_beats_and_nothing_else(seed: int) -> None:
    model = random_model(seed)
    wanted = targets(model)
    found = balances(model, wanted, deadline=time.perf_counter() + 9)
    every = [
        choice
        for size in range(model.poles + 1)
        for choice in itertools.combinations(range(1, 6), size)
        if not {1, 2} <= set(choice)
    ]
    values = weigh(model, wanted, every).round(4)
    expected = {
        tuple(one) for one in values if not any((other <= one).all() and (other < one).any() for other in values)
    }
    assert {one.values for one in found.balances} == {tuple(float(v) for v in one) for one in expected}
    assert len(found.balances) == len(expected)


def test_where_choices_are_too_many_the_front_says_that_it_is_partial() -> None:
    model = random_model(5)
    wanted = targets(model, ("mean_min", "uncovered_dechets"))
    whole = balances(model, wanted, deadline=time.perf_counter() + 9)
    partial = balances(model, wanted, deadline=time.perf_counter() + 9, choices_max=0)
    assert whole.is_complete
    assert not partial.is_complete
    assert "d’autres peuvent exister" in str(partial.reason)
    # With these two aims, and no pair that excludes itself in the way, both searches agree.
    free = replace(model, limits=Limits())
    again = balances(free, wanted, deadline=time.perf_counter() + 9, choices_max=0)
    whole = balances(free, wanted, deadline=time.perf_counter() + 9)
    assert [one.values for one in again.balances] == [pytest.approx(one.values) for one in whole.balances]


def test_a_long_front_is_shown_by_its_extremes_first() -> None:
    every = tuple(Balance((one,), (float(one), float(10 - one))) for one in range(11))
    shown = picked(Balances(every, 11, is_complete=True), 3)
    assert [one.sites for one in shown] == [(0,), (5,), (10,)]
