"""Catchments, nearest, cumulative and the cutoff join, on a toy territory worked by hand and on properties."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from observatory.access import (
    apl_steps,
    cumulative,
    e2sfca,
    gaussian,
    nearest,
    od_within,
    weight_of,
)
from observatory.errors import UsageError

# Communes a (100 inhabitants), b (50), c (nobody), d (30, far from all); sites x (2 units), y (1), z (4, far).
DEMAND = [100.0, 50.0, 0.0, 30.0]
SUPPLY = [2.0, 1.0, 4.0]
ORIGIN = [0, 0, 1, 1, 2, 3]
DESTINATION = [0, 1, 0, 1, 1, 2]
MINUTES = [5.0, 15.0, 12.0, 10.0, 3.0, 25.0]
STEPS = [(10.0, 1.0), (15.0, 0.3), (20.0, 0.1)]


def test_e2sfca_by_hand() -> None:
    # R_x = 2 / (100×1 + 50×0.3) = 2/115 ; R_y = 1 / (100×0.3 + 50×1 + 0×1) = 1/80
    result = e2sfca(ORIGIN, DESTINATION, MINUTES, DEMAND, SUPPLY, weights=STEPS)
    expected = [2 / 115 + 0.3 / 80, 0.3 * 2 / 115 + 1 / 80, 1 / 80, 0.0]
    assert result == pytest.approx(expected, abs=1e-15)


def test_steps_include_their_upper_bound_and_are_nil_beyond() -> None:
    cost = [0.0, 10.0, np.nextafter(10.0, 11.0), 15.0, 20.0, np.nextafter(20.0, 21.0), np.inf]
    assert weight_of(cost, STEPS).tolist() == [1.0, 1.0, 0.3, 0.3, 0.1, 0.0, 0.0]


def test_apl_steps_scale_with_the_threshold() -> None:
    assert apl_steps(20) == STEPS
    assert apl_steps(60) == [(30.0, 1.0), (45.0, 0.3), (60.0, 0.1)]


def test_smooth_decays() -> None:
    assert gaussian(10, cutoff_min=20)(np.array([0.0, 10.0, 20.0, 20.5])) == pytest.approx(
        [1.0, 0.6065306597126334, 0.1353352832366127, 0.0]
    )


def test_site_without_weighted_demand_gives_nothing_rather_than_infinity() -> None:
    assert e2sfca([0], [0], [1.0], [0.0], [3.0], weights=STEPS).tolist() == [0.0]


def test_nearest_keeps_the_first_of_equals_and_tells_who_has_none() -> None:
    cost, destination = nearest([1, 0, 0, 0], [5, 3, 2, 1], [np.inf, 4.0, 2.0, 2.0], 3)
    assert cost.tolist() == [2.0, np.inf, np.inf]
    assert destination.tolist() == [1, -1, -1]


def test_cumulative_columns_follow_the_thresholds() -> None:
    result = cumulative(ORIGIN, DESTINATION, MINUTES, SUPPLY, thresholds=[15, 5], n_origins=4)
    assert result.tolist() == [[3.0, 2.0], [3.0, 0.0], [1.0, 1.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 1], [0], [1.0], [1.0], [1.0]), "même longueur"),
        (([1], [0], [1.0], [1.0], [1.0]), "inférieurs à 1"),
        (([0], [-1], [1.0], [1.0], [1.0]), "positifs ou nuls"),
        (([0], [0], [np.nan], [1.0], [1.0]), "négatif ou manquant"),
        (([0], [0], [-1.0], [1.0], [1.0]), "négatif ou manquant"),
        (([0], [0], [1.0], [-1.0], [1.0]), "Demande"),
        (([0], [0], [1.0], [1.0], [np.nan]), "Offre"),
        (([0.5], [0], [1.0], [1.0], [1.0]), "entiers"),
        (([np.inf], [0], [1.0], [1.0], [1.0]), "entiers"),
        ((["a"], [0], [1.0], [1.0], [1.0]), "Indices d’origine : donnez un tableau de nombres"),
        (([0], [0], ["dix"], [1.0], [1.0]), "Coûts : donnez un tableau de nombres"),
        (([0], [0], [1.0], [1.0], ["beaucoup"]), "Offre : donnez un tableau de nombres"),
    ],
)
def test_malformed_pairs_are_refused_in_french(arguments: tuple, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        e2sfca(*arguments, weights=STEPS)


@pytest.mark.parametrize(
    "steps", [[], [(10, 1), (10, 0.5)], [(20, 1), (10, 0.5)], [(10, -1)], [(10, np.nan)], {10: 1.0}]
)
def test_malformed_steps_are_refused(steps: list) -> None:
    with pytest.raises(UsageError):
        weight_of([1.0], steps)


def test_nothing_reached_is_a_nil_quantity_and_not_a_whole_number() -> None:
    result = cumulative([], [], [], SUPPLY, thresholds=[15, 5], n_origins=2)
    assert result.dtype == np.float64
    assert result.tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_join_by_hand() -> None:
    origins = [[0, 0], [10, 0], [100, 100]]
    destinations = [[3, 4], [0, 5], [10, 5.0001], [0, 0]]
    origin, destination, distance = od_within(origins, destinations, radius_m=5)
    assert origin.tolist() == [0, 0, 0]
    assert destination.tolist() == [0, 1, 3]
    assert distance.tolist() == [5.0, 5.0, 0.0]


def test_join_refuses_what_it_cannot_place() -> None:
    with pytest.raises(UsageError, match="sans coordonnées"):
        od_within([[0, np.nan]], [[0, 0]], radius_m=1)
    with pytest.raises(UsageError, match="rayon"):
        od_within([[0, 0]], [[0, 0]], radius_m=-1)
    with pytest.raises(UsageError, match="forme"):
        od_within([[0, 0, 0]], [[0, 0]], radius_m=1)


points = hnp.arrays(
    np.float64,
    st.tuples(st.integers(0, 25), st.just(2)),
    elements=st.one_of(st.integers(-50, 50).map(float), st.floats(-1e6, 1e6, allow_nan=False)),
)


@example(np.zeros((1, 2)), np.array([[0.0, 0.0], [0.0, 2.0]]), np.inf)
@example(np.array([[0.0, 0.0], [5e-324, 0.0]]), np.array([[1e6, 0.0]]), 1.0)
@given(points, points, st.one_of(st.integers(0, 60).map(float), st.floats(0, 3e6), st.just(np.inf)))
@settings(max_examples=150)
def test_join_equals_brute_force(origins: np.ndarray, destinations: np.ndarray, radius_m: float) -> None:
    difference = origins[:, None, :] - destinations[None, :, :]
    distance = np.sqrt(np.square(difference).sum(axis=2))
    expected = np.nonzero(distance <= radius_m)
    origin, destination, metres = od_within(origins, destinations, radius_m=radius_m)
    assert origin.tolist() == expected[0].tolist()
    assert destination.tolist() == expected[1].tolist()
    np.testing.assert_allclose(metres, distance[expected], rtol=1e-12)


@st.composite
def cases(draw: st.DrawFn) -> tuple:
    n_demand, n_supply = draw(st.integers(1, 8)), draw(st.integers(1, 6))
    cost = draw(hnp.arrays(np.float64, (n_demand, n_supply), elements=st.floats(0, 40)))
    demand = draw(hnp.arrays(np.float64, n_demand, elements=st.integers(0, 1000).map(float)))
    supply = draw(hnp.arrays(np.float64, n_supply, elements=st.integers(0, 9).map(float)))
    origin, destination = np.nonzero(cost >= 0)
    return origin, destination, cost[origin, destination], demand, supply


@given(cases())
def test_doubling_supply_doubles_every_index(case: tuple) -> None:
    *pairs, demand, supply = case
    once = e2sfca(*pairs, demand, supply, weights=STEPS)
    assert e2sfca(*pairs, demand, 2 * supply, weights=STEPS) == pytest.approx(2 * once, rel=1e-12)


@given(cases())
def test_what_is_handed_out_is_what_reaches_someone(case: tuple) -> None:
    origin, destination, cost, demand, supply = case
    index = e2sfca(origin, destination, cost, demand, supply, weights=STEPS)
    weight = weight_of(cost, STEPS)
    reached = np.bincount(destination, weights=demand[origin] * weight, minlength=supply.size) > 0
    assert (index * demand).sum() == pytest.approx(supply[reached].sum(), rel=1e-9, abs=1e-9)


@given(cases(), st.data())
def test_one_more_site_takes_nothing_from_anyone(case: tuple, data: st.DataObject) -> None:
    origin, destination, cost, demand, supply = case
    n = demand.size
    extra = data.draw(hnp.arrays(np.float64, n, elements=st.floats(0, 40)))
    more = (np.append(origin, np.arange(n)), np.append(destination, np.full(n, supply.size)), np.append(cost, extra))
    before, after = nearest(origin, destination, cost, n)[0], nearest(*more, n)[0]
    assert (after <= before).all()
    wide = {"thresholds": [10.0, 20.0, 40.0], "n_origins": n}
    assert (cumulative(*more, np.append(supply, 3.0), **wide) >= cumulative(*case[:3], supply, **wide)).all()


@given(case=cases(), data=st.data())
def test_closing_the_border_changes_only_whoever_a_catchment_links_to_it(case: tuple, data: st.DataObject) -> None:
    origin, destination, cost, demand, supply = case
    is_out = np.array(data.draw(st.lists(st.booleans(), min_size=demand.size, max_size=demand.size)), dtype=bool)
    is_shut = np.array(data.draw(st.lists(st.booleans(), min_size=supply.size, max_size=supply.size)), dtype=bool)
    opened = e2sfca(origin, destination, cost, demand, supply, weights=STEPS)
    keep = ~is_out[origin] & ~is_shut[destination]
    closed = e2sfca(origin[keep], destination[keep], cost[keep], demand, supply, weights=STEPS)
    near = cost <= STEPS[-1][0]
    # A site is touched if it lies outside or someone outside comes to it; a commune, if it reaches a touched site.
    touched = is_shut.copy()
    touched[destination[near & is_out[origin]]] = True
    linked = is_out.copy()
    linked[origin[near & touched[destination]]] = True
    np.testing.assert_allclose(closed[~linked], opened[~linked], rtol=1e-12)
