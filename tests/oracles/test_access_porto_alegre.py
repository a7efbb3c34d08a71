"""A real network is routed: the Porto Alegre extract against networkx on the uncut graph, islands counted."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyproj import Geod, Transformer

from observatory.access.network import RoadNetwork, Ways, build
from observatory.access.routing import isochrones, travel_times
from observatory.declared.travel import travel

BENCHMARKS = Path(__file__).parents[2] / ".." / "shared" / "benchmarks" / "osm"
CAR = travel().network.profile("car")


def to_metres(lon_lat: np.ndarray) -> np.ndarray:
    """UTM zone 22 south, where Porto Alegre lies."""
    return np.column_stack(Transformer.from_crs(4326, 32722, always_xy=True).transform(*lon_lat.T))


@pytest.fixture(scope="module")
def extract() -> Ways:
    if not BENCHMARKS.is_dir():
        pytest.skip("../shared/benchmarks/osm est absent : le réseau de Porto Alegre n’est pas vérifié")
    from observatory.sources.roads import osm

    return osm.read(BENCHMARKS / "poa_osm.pbf", CAR)


@pytest.fixture(scope="module")
def network(extract: Ways) -> RoadNetwork:
    return build(extract, profile=CAR, to_metres=to_metres)


def test_networkx_agrees_on_a_hundred_pairs(extract: Ways, network: RoadNetwork) -> None:
    networkx = pytest.importorskip("networkx")
    geod, graph = Geod(ellps="WGS84"), networkx.DiGraph()
    for k, how in enumerate(extract.passages):
        places = slice(extract.start[k], extract.start[k + 1])
        nodes, lon_lat = extract.node_id[places].tolist(), extract.lon_lat[places]
        metres = geod.line_lengths(*lon_lat.T)
        for a, b, length, ends in zip(nodes[:-1], nodes[1:], metres, range(1, len(nodes)), strict=True):
            for tail, head, speed in ((a, b, how.forward_kmh), (b, a, how.backward_kmh)):
                cost = length * 0.06 / speed if speed else None
                if cost is not None and cost < graph.get_edge_data(tail, head, {"minutes": np.inf})["minutes"]:
                    graph.add_edge(tail, head, minutes=cost)
            graph.nodes.get(a, {})["place"] = tuple(lon_lat[ends - 1])
            graph.nodes.get(b, {})["place"] = tuple(lon_lat[ends])
    main = sorted(max(networkx.strongly_connected_components(graph), key=len))
    rng = np.random.default_rng(7)
    # Corners where two-way streets meet: a point there is on the network, whatever the edge it is attached to.
    calm = [
        node for node in main if all(graph.has_edge(other, node) for other in graph[node]) and graph.degree(node) >= 6
    ]
    chosen = rng.choice(calm, (100, 2))
    places = {node: graph.nodes[node]["place"] for node in chosen.ravel().tolist()}
    origins, destinations = (to_metres(np.array([places[node] for node in side.tolist()])) for side in chosen.T)
    cost = travel_times(network, origins, destinations, max_min=120)
    ours = np.full((100, 100), np.inf)
    ours[cost.origin_idx, cost.destination_idx] = cost.duration_min
    theirs = [networkx.dijkstra_path_length(graph, a, b, weight="minutes") for a, b in chosen.tolist()]
    np.testing.assert_allclose(np.diag(ours), theirs, rtol=0.02, atol=0.02)


def test_no_island_is_silently_dropped(network: RoadNetwork) -> None:
    hexagons = pd.read_csv(BENCHMARKS / "poa_hexgrid.csv")
    places = pd.read_csv(BENCHMARKS / "poa_points_of_interest.csv")
    origins, destinations = (to_metres(frame[["lon", "lat"]].to_numpy()) for frame in (hexagons, places))
    cost = travel_times(network, origins, destinations, max_min=120)
    lost = int(cost.figures["unattached_origins"])
    # Every pair is there, but those of the hexagons too far from a road, which are counted.
    assert lost < 0.02 * len(hexagons)
    assert cost.figures["unattached_destinations"] == 0
    assert cost.duration_min.size == (len(hexagons) - lost) * len(places)
    assert 0 < cost.figures["island_length_share"] < 0.05


def test_longer_isochrones_hold_shorter_ones(network: RoadNetwork) -> None:
    market = to_metres(np.array([[-51.227811, -30.027565]]))[0]
    areas = isochrones(network, market, minutes=[5, 10, 15])
    # To a thousandth of a square metre, which is how far geometric rounding goes.
    assert areas[0].difference(areas[1]).area < 1e-3
    assert areas[1].difference(areas[2]).area < 1e-3
    assert 1e6 < areas[0].area < areas[1].area < areas[2].area
