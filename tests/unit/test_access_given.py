"""A loaded road network or matrix is what analyses use, and the river is felt; what it doesn't know is estimated."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import osmium
import pytest
import shapely
from pyproj import Transformer

from observatory import cli
from observatory.access.travel import Places, fallback
from observatory.declared.study_reading import Study, read_study
from observatory.errors import NotComputedError, UsageError
from observatory.runs.access.travel_cost import TravelInForce, reach_m, travel_parameters, travel_within
from observatory.settings import Settings
from observatory.store import loaded_travel

X, Y = 523_000.0, 6_935_000.0
NORTH, SOUTH, BRIDGE = 0.0, -2_000.0, 8_000.0
"""Two streets along a river, 2 km apart, joined by one bridge 8 km to the east (metres from X, Y)."""


def degrees(*points: tuple[float, float]) -> list[tuple[float, float]]:
    transform = Transformer.from_crs(2154, 4326, always_xy=True).transform
    return [transform(X + east, Y + north) for east, north in points]


def write_network(path: Path) -> None:
    places = degrees((0, NORTH), (BRIDGE, NORTH), (0, SOUTH), (BRIDGE, SOUTH))
    with osmium.SimpleWriter(str(path)) as writer:
        for number, (lon, lat) in enumerate(places, start=1):
            writer.add_node(osmium.osm.mutable.Node(id=number, location=(lon, lat), version=1))
        ways = [([1, 2], "secondary"), ([3, 4], "secondary"), ([2, 4], "primary")]
        for number, (nodes, kind) in enumerate(ways, start=1):
            writer.add_way(osmium.osm.mutable.Way(id=number, nodes=nodes, tags={"highway": kind}, version=1))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OBS_DATA_DIR", str(tmp_path / "data"))
    return tmp_path


def chosen(home: Path) -> Settings:
    return Settings(data_dir=home / "data", _env_file=None)


def study() -> Study:
    return read_study(None)


def travel(home: Path) -> TravelInForce:
    return TravelInForce(study().travel, loaded_travel.loaded_travel(loaded_travel.location(chosen(home))))


def ends(*points: tuple[float, float]) -> Places:
    return Places.at(np.add(points, (X, Y)))


def test_network_is_used_and_the_river_is_felt(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From bank to bank: 8 km at 55 km/h, 2 km of bridge at 65 km/h, 8 km back; 2 km apart in a straight line."""
    write_network(home / "vallee.osm.pbf")
    assert cli.run(["access", "load-network", str(home / "vallee.osm.pbf")]) == 0
    assert "vallee.osm.pbf" in capsys.readouterr().err
    cost = travel_within(ends((0, NORTH)), ends((0, SOUTH)), travel(home), max_min=60.0)
    assert cost.kind == "network"
    assert cost.duration_min[0] == pytest.approx(2 * 8 / 55 * 60 + 2 / 65 * 60, rel=0.005)
    assert "vallee.osm.pbf" in cost.note
    parameters = travel_parameters(travel(home))
    assert (parameters["kind"], parameters["label"]) == ("network", "vallee.osm.pbf")
    assert reach_m(travel(home), 20.0) > 20.0 / 60.0 * 110_000

    assert cli.run(["access", "unload"]) == 0
    assert travel_parameters(travel(home))["kind"] == "fallback"


def test_a_point_far_from_any_road_is_estimated_and_counted(home: Path) -> None:
    write_network(home / "vallee.osm.pbf")
    assert cli.run(["access", "load-network", str(home / "vallee.osm.pbf")]) == 0
    starts, far = ends((0, NORTH), (0, 9_000)), ends((4_000, NORTH))
    cost = travel_within(starts, far, travel(home), max_min=60.0)
    expected = fallback(ends((0, 9_000)), far, constants=study().travel.constants, max_min=60.0)
    assert cost.duration_min.tolist() == pytest.approx([4 / 55 * 60, expected.duration_min[0]], rel=0.005)
    assert cost.figures["estimated_pairs"] == 1
    assert "1 points à plus de 500 m" in cost.note


def test_matrix_is_used_from_the_nearest_points(home: Path) -> None:
    (home / "points.csv").write_text(f"id,x_m,y_m\na,{X},{Y}\nb,{X + 20_000},{Y}\n", encoding="utf-8")
    (home / "durees.csv").write_text("from_id,to_id,minutes\na,b,41\nb,a,43\na,zzz,9\n", encoding="utf-8")
    assert cli.run(["access", "load-matrix", str(home / "durees.csv"), "--points", str(home / "points.csv")]) == 0
    starts, goals = ends((1_000, 0), (20_500, 0), (90_000, 0)), ends((500, 0), (19_000, 0))
    cost = travel_within(starts, goals, travel(home), max_min=600.0)
    minutes = np.full((3, 2), np.nan)
    minutes[cost.origin_idx, cost.destination_idx] = cost.duration_min
    estimated = np.full((3, 2), np.nan)
    other = fallback(starts, goals, constants=study().travel.constants, max_min=600.0)
    estimated[other.origin_idx, other.destination_idx] = other.duration_min
    # Across, the matrix; at both ends of one point, or far from any, the estimate.
    assert (cost.kind, minutes[0, 1], minutes[1, 0]) == ("matrix", 41.0, 43.0)
    assert [minutes[0, 0], minutes[1, 1], *minutes[2]] == [estimated[0, 0], estimated[1, 1], *estimated[2]]
    assert travel_within(starts, goals, travel(home), max_min=42.0).duration_min.max() < 42.0


def test_refusals(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["access", "load-network", str(home / "absent.osm.pbf")]) == 1
    assert "introuvable" in capsys.readouterr().err
    (home / "points.csv").write_text("id,lon,lat\na,-51.2,-30.0\n", encoding="utf-8")
    (home / "durees.csv").write_text("from_id,to_id,minutes\na,a,4\n", encoding="utf-8")
    assert cli.run(["access", "load-matrix", str(home / "durees.csv"), "--points", str(home / "points.csv")]) == 2
    assert "France métropolitaine" in capsys.readouterr().err
    place = loaded_travel.location(chosen(home))
    place.parent.mkdir(parents=True)
    place.write_bytes(b"rien")
    assert cli.run(["access", "loaded"]) == 1
    assert "access unload" in capsys.readouterr().err


def test_stored_network_is_the_one_that_was_built(home: Path) -> None:
    write_network(home / "vallee.osm.pbf")
    assert cli.run(["access", "load-network", str(home / "vallee.osm.pbf"), "--mode", "bicycle"]) == 0
    loaded = loaded_travel.loaded_travel(loaded_travel.location(chosen(home)))
    assert loaded is not None
    assert loaded.mode == "bicycle"

    network = loaded_travel.network_of(loaded)
    assert network.n_nodes == 4
    assert sorted(line.length for line in network.edge_line) == pytest.approx([2_000, 8_000, 8_000], rel=0.001)
    assert dataclasses.asdict(network.profile)["mode"] == "bicycle"


def test_an_isochrone_that_reaches_nothing_has_no_outline(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_network(home / "vallee.osm.pbf")
    ((lon, lat),) = degrees((1000.0, NORTH + 200.0))
    asked = ["access", "isochrones", "--network", str(home / "vallee.osm.pbf"), f"--at={lon},{lat}", "--minutes", "1,6"]
    assert cli.run(asked) == 0
    features = json.loads(capsys.readouterr().out)["features"]
    # The road is 200 m away: 2.4 minutes on foot, more than one.
    assert [feature["properties"]["minutes"] for feature in features] == [6, 1]
    assert features[0]["geometry"]["type"] == "Polygon"
    assert features[1]["geometry"] is None


def test_the_map_is_given_what_a_loaded_network_reaches(home: Path) -> None:
    from api.routes.isochrones import reached
    from api.routes.map_page import _isochrones

    ((lon, lat), (far_lon, far_lat)) = degrees((1000.0, NORTH), (1000.0, NORTH + 900.0))
    assert _isochrones(chosen(home)) is None
    with pytest.raises(NotComputedError, match="Aucun réseau routier"):
        reached(settings=chosen(home), lon=lon, lat=lat)
    write_network(home / "vallee.osm.pbf")
    assert cli.run(["access", "load-network", str(home / "vallee.osm.pbf")]) == 0
    assert _isochrones(chosen(home)) == {"minutes": (10, 20, 30), "mode": "en voiture", "network": "vallee.osm.pbf"}
    found = reached(settings=chosen(home), lon=lon, lat=lat, minutes="2, 30")
    long, short = (shapely.from_geojson(json.dumps(feature["geometry"])) for feature in found["features"])
    # 55 km/h: the bridge, 7 km away, is 7.6 minutes away, and the other bank some more.
    other = shapely.Point(degrees((1000.0, SOUTH))[0])
    assert short.contains(shapely.Point(lon, lat))
    assert long.contains(other)
    assert not short.contains(other)
    assert (found["network"], "OpenStreetMap" in found["note"]) == ("vallee.osm.pbf", True)
    with pytest.raises(UsageError, match="500 m"):
        reached(settings=chosen(home), lon=far_lon, lat=far_lat)
