"""Road tags, network, routing and isochrones on a toy town drawn by hand, and on random graphs."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from observatory.access.network import EARTH_RADIUS_M, RoadNetwork, Ways, attach, build
from observatory.access.profile import Passage, passage
from observatory.access.routing import isochrones, travel_times
from observatory.declared.travel import travel
from observatory.errors import UsageError

CAR, FOOT, BICYCLE = (travel().network.profile(mode) for mode in ("car", "foot", "bicycle"))


def to_metres(lon_lat: np.ndarray) -> np.ndarray:
    """Metres east and north of (0, 0), near the equator: 1 km is 1 km in both directions."""
    return np.radians(lon_lat) * EARTH_RADIUS_M


def at_km(*places: tuple[float, float]) -> list[tuple[float, float]]:
    """Degrees of places given in kilometres."""
    return [tuple(np.degrees(np.array(place) * 1000 / EARTH_RADIUS_M)) for place in places]


def ways(*lines: tuple[list[int], list[tuple[float, float]], Passage]) -> Ways:
    return Ways(
        node_id=np.array([ref for refs, _, _ in lines for ref in refs]),
        lon_lat=np.array([place for _, places, _ in lines for place in at_km(*places)]),
        start=np.cumsum([0, *(len(refs) for refs, _, _ in lines)]),
        passages=tuple(how for _, _, how in lines),
    )


def town() -> RoadNetwork:
    """Main street 1-2-3 (60 km/h, 2 + 2 km), one-way lane 3→4→1 to the north (30 km/h), an island far away."""
    street, lane = Passage("residential", 60, 60), Passage("residential", 30, 0)
    return build(
        ways(
            ([1, 2, 3], [(0, 0), (2, 0), (4, 0)], street),
            ([3, 4, 1], [(4, 0), (4, 1), (0, 0)], lane),
            ([2, 5], [(2, 0), (2, -1)], street),
            ([8, 9], [(50, 50), (51, 50)], street),
        ),
        profile=CAR,
        to_metres=to_metres,
    )


@pytest.mark.parametrize(
    ("tags", "forward", "backward"),
    [
        ({"highway": "residential"}, 25, 25),
        ({"highway": "primary", "maxspeed": "80"}, 72, 72),
        ({"highway": "primary", "maxspeed": "50 mph"}, 50 * 1.609344 * 0.9, 50 * 1.609344 * 0.9),
        ({"highway": "primary", "maxspeed": "80", "maxspeed:backward": "50"}, 72, 45),
        ({"highway": "primary", "maxspeed": "FR:rural"}, 65, 65),
        ({"highway": "residential", "oneway": "yes"}, 25, 0),
        ({"highway": "residential", "oneway": "-1"}, 0, 25),
        ({"highway": "residential", "junction": "roundabout"}, 25, 0),
        ({"highway": "motorway"}, 90, 0),
        ({"highway": "motorway", "oneway": "no"}, 90, 90),
        ({"highway": "service", "access": "private", "motor_vehicle": "yes"}, 15, 15),
    ],
)
def test_how_cars_take_a_way(tags: dict, forward: float, backward: float) -> None:
    how = passage(tags, CAR)
    assert how is not None
    assert (how.forward_kmh, how.backward_kmh) == pytest.approx((forward, backward))


@pytest.mark.parametrize(
    "tags",
    [
        {"highway": "footway"},
        {"highway": "service", "access": "private"},
        {"building": "yes"},
        {"highway": "primary", "area": "yes"},
    ],
)
def test_what_cars_cannot_take(tags: dict) -> None:
    assert passage(tags, CAR) is None


def test_walkers_ignore_oneway_and_cyclists_their_own() -> None:
    tags = {"highway": "residential", "oneway": "yes", "oneway:bicycle": "no", "maxspeed": "30"}
    on_foot, by_bicycle = passage(tags, FOOT), passage(tags, BICYCLE)
    assert on_foot is not None
    assert by_bicycle is not None
    assert (on_foot.forward_kmh, on_foot.backward_kmh) == (5, 5)
    assert (by_bicycle.forward_kmh, by_bicycle.backward_kmh) == (15, 15)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("8", 8), ("125", 125), ("00:25", 25), ("1:05:00", 65), ("06:00", 360), ("0", None), ("x", None)],
)
def test_ferry_durations_as_mappers_write_them(text: str, minutes: float | None) -> None:
    how = passage({"route": "ferry", "duration": text}, CAR)
    assert how is not None
    assert how.whole_min == minutes


def test_ferry_waits_then_takes_its_stated_time() -> None:
    how = passage({"route": "ferry", "duration": "00:05"}, CAR)
    assert how is not None
    assert (how.fixed_min, how.whole_min) == (10, 5)
    network = build(
        ways(
            ([1, 2, 3], [(0, 0), (1, 0), (2, 0)], how),
            ([2, 4], [(1, 0), (1, 1)], Passage("residential", 60, 60)),
        ),
        profile=CAR,
        to_metres=to_metres,
    )
    assert network.edge_forward_min.sum() == pytest.approx(15 + 1)


def test_unknown_mode_is_refused() -> None:
    with pytest.raises(UsageError, match="cheval"):
        travel().network.profile("cheval")


def test_ways_are_cut_at_junctions_and_islands_counted() -> None:
    network = town()
    # 1-2, 2-3, 3→1 (through 4, which is no junction), 2-5, and the island 8-9
    assert len(network.edge_from) == 5
    assert network.n_nodes == 6
    assert network.island_node_count == 2
    assert network.island_length_share == pytest.approx(1 / (2 + 2 + 1 + np.hypot(4, 1) + 1 + 1), rel=1e-4)


def minutes(network: RoadNetwork, origin_km: tuple, destination_km: tuple, max_min: float = 60) -> float:
    origin, destination = (np.array([place]) * 1000.0 for place in (origin_km, destination_km))
    cost = travel_times(network, origin, destination, max_min=max_min)
    return float(cost.duration_min[0]) if cost.duration_min.size else float("inf")


def test_times_by_hand() -> None:
    network = town()
    lane = 1 + np.hypot(4, 1)
    assert minutes(network, (0, 0), (4, 0)) == pytest.approx(4, rel=1e-6)
    assert minutes(network, (1, 0), (3, 0)) == pytest.approx(2, rel=1e-6)
    # A corner of the lane can only be reached from its start, and left by its end.
    assert minutes(network, (4, 0), (4, 1)) == pytest.approx(2, rel=1e-6)
    assert minutes(network, (0, 0), (4, 1)) == pytest.approx(4 + 2, rel=1e-6)
    assert minutes(network, (4, 1), (4, 0)) == pytest.approx(2 * (lane - 1) + 4, rel=1e-6)
    # Same edge, straight along it; against a one-way lane, all the way round.
    assert minutes(network, (0.5, 0), (1.5, 0)) == pytest.approx(1, rel=1e-6)
    assert minutes(network, (4, 0.75), (4, 0.25)) == pytest.approx(2 * (lane - 0.5) + 4, rel=1e-6)
    assert minutes(network, (4, 0.25), (4, 0.75)) == pytest.approx(1, rel=1e-6)


def test_walk_to_the_road_counts_and_is_bounded() -> None:
    network = town()
    assert minutes(network, (1, -0.25), (1.5, 0)) == pytest.approx(3 + 0.5, rel=1e-6)
    cost = travel_times(network, [[1000.0, -250.0], [1000.0, -700.0]], [[0.0, 0.0]], max_min=60)
    assert cost.origin_idx.tolist() == [0]
    assert cost.figures["unattached_origins"] == 1
    assert cost.figures["snap_max_m"] == pytest.approx(250, rel=1e-6)


def test_nothing_attaches_to_an_island_or_a_motorway() -> None:
    motorway = build(
        ways(
            ([1, 2], [(0, 0), (1, 0)], Passage("motorway", 90, 90)),
            ([2, 3], [(1, 0), (2, 0)], Passage("primary", 60, 60)),
        ),
        profile=CAR,
        to_metres=to_metres,
    )
    assert attach(motorway, [[400.0, 0.0], [1500.0, 10.0]]).edge.tolist() == [-1, 1]
    assert attach(town(), [[50_500.0, 50_000.0]]).edge.tolist() == [-1]


def test_limit_is_included_and_bounds_the_search() -> None:
    network = town()
    exact = minutes(network, (0, 0), (4, 0))
    assert minutes(network, (0, 0), (4, 0), max_min=exact) == exact
    assert minutes(network, (0, 0), (4, 0), max_min=np.nextafter(exact, 0)) == float("inf")


def test_isochrones_by_hand() -> None:
    network = town()
    areas = isochrones(network, [0.0, 0.0], minutes=[3, 0, 1], half_width_m=100)
    # One minute: 1 km of street and a disc's halves at the ends; three: to (3, 0) and the side street to (2, −1).
    assert areas[2].area == pytest.approx(1000 * 200 + np.pi * 100**2, rel=0.03)
    assert areas[0].area > areas[2].area > areas[1].area > 0
    assert areas[2].difference(areas[0]).area < 1e-3
    assert areas[1].difference(areas[2]).area < 1e-3
    assert areas[0].contains(shapely.Point(2000, -990))
    assert not areas[0].intersects(shapely.Point(4000, 1000))
    with pytest.raises(UsageError, match="toute voie"):
        isochrones(network, [20_000.0, 0.0], minutes=[5])


@given(st.integers(0, 2**32 - 1), st.floats(0.5, 40))
@settings(max_examples=40)
def test_random_networks_equal_scipy(seed: int, max_min: float) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 30))
    places = rng.random((n, 2)) * 10
    pairs = [(int(a), int(b)) for a, b in rng.integers(0, n, (3 * n, 2)) if a != b] or [(0, 1)]
    lines = [
        ([a, b], [tuple(places[a]), tuple(places[b])], Passage("residential", 60, 60 * int(rng.integers(0, 2))))
        for a, b in pairs
    ]
    network = build(ways(*lines), profile=CAR, to_metres=to_metres)
    graph = csr_array((network.minutes, network.target, network.indptr), shape=(network.n_nodes,) * 2)
    expected = dijkstra(graph)
    is_end = np.zeros(network.n_nodes, dtype=bool)
    attachable = network.edge_may_attach
    is_end[network.edge_from[attachable]] = is_end[network.edge_to[attachable]] = True
    corners = np.flatnonzero(is_end)
    cost = travel_times(network, network.node_xy_m[corners], network.node_xy_m[corners], max_min=max_min, threads=1)
    ours = np.full((corners.size, corners.size), np.inf)
    ours[cost.origin_idx, cost.destination_idx] = cost.duration_min
    reached = expected[np.ix_(corners, corners)]
    # A corner is attached to an edge, of which it may only be able to leave by the far end: never faster than scipy,
    # and as fast wherever both its corners' edges run both ways.
    assert (ours >= reached - 1e-6).all()
    if (np.isfinite(network.edge_forward_min) & np.isfinite(network.edge_backward_min)).all():
        near = reached <= max_min - 1e-6
        np.testing.assert_allclose(ours[near], reached[near], rtol=1e-6, atol=1e-6)
        assert not np.isfinite(ours[reached > max_min + 1e-6]).any()


def test_more_labels_than_foreseen(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each node is reached over and over by ever shorter ways: labels outgrow the room that was made for them.
    n = 60
    street = Passage("residential", 60, 60)
    lines = [([0, k], [(0, 0), (k / 10, 0)], Passage("residential", 60 / (1 + n - k), 0)) for k in range(1, n)]
    lines += [([k, k + 1], [(k / 10, 0), ((k + 1) / 10, 0)], street) for k in range(1, n - 1)]
    lines += [([n - 1, 0], [((n - 1) / 10, 0), (0, 0)], street)]
    network = build(ways(*lines), profile=CAR, to_metres=to_metres)
    graph = csr_array((network.minutes, network.target, network.indptr), shape=(network.n_nodes,) * 2)
    from observatory.access import dijkstra as kernels

    for room in (4, 8, 4096):
        distance = np.full(network.n_nodes, np.inf)
        count = kernels.reach(
            *(
                network.indptr,
                network.target,
                network.minutes,
                np.array([0], np.int32),
                np.array([0.0]),
                500.0,
                distance,
            ),
            *(np.full(kernels.N_BUCKETS + 1, -1, np.int32), np.empty(room, np.int32), np.empty(room, np.int32)),
            *(np.empty(room), np.empty(network.n_nodes, np.int32)),
        )
        if room == 4096:
            np.testing.assert_allclose(distance, dijkstra(graph, indices=0))
            assert count == network.n_nodes
        else:
            assert count < 0
