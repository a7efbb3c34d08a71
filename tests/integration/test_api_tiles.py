"""Vector tiles, decoded: they hold the figures of the analysis, and are kept once worked out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mvt
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from observatory.settings import Settings
from observatory.store.tables import Tile

CHOICE = "defi=vieillissement&service=tiers_lieu"
NORMANDY_AT_6 = [(6, column, row) for column in (31, 32) for row in (21, 22)]
"""The four tiles of zoom 6 that hold all of Normandy (2° W to 2° E, 48° to 50.2° N)."""


@pytest.fixture(scope="module")
def client(computed_engine: sa.Engine, settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings)) as client:
        yield client


def features(client: TestClient, layer: str, tile: tuple[int, int, int], query: str = "") -> list[dict[str, Any]]:
    response = client.get(f"/tuiles/{layer}/{tile[0]}/{tile[1]}/{tile[2]}.mvt?{query}")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    return mvt.layers(response.content).get(layer, {"features": []})["features"]


@pytest.mark.parametrize(
    ("layer", "count", "kind"), [("communes", 2644, 3), ("epci", 71, 3), ("departements", 5, 3), ("qpv", 63, 3)]
)
def test_a_layer_holds_every_territory_of_normandy(client: TestClient, layer: str, count: int, kind: int) -> None:
    found = [row for tile in NORMANDY_AT_6 for row in features(client, layer, tile)]
    assert len({row["code"] for row in found}) == count
    assert {row["_kind"] for row in found} == {kind}


@pytest.mark.parametrize("level", ["commune", "epci"])
def test_the_gap_layer_holds_the_rows_of_the_analysis(client: TestClient, level: str) -> None:
    rows = {row["code"]: row for row in client.get(f"/api/gaps?{CHOICE}&level={level}").json()["items"]}
    drawn = {
        row["code"]: row
        for tile in NORMANDY_AT_6
        for row in features(client, "lacunes", tile, f"{CHOICE}&level={level}")
    }
    assert drawn.keys() == rows.keys()
    for code, row in rows.items():
        for column in ("name", "population_count", "out_of_reach_count", "typology", "status"):
            assert drawn[code].get(column) == row[column]
        for column in ("need_score", "access_score", "priority_score"):
            assert drawn[code].get(column) == pytest.approx(row[column])


def test_communes_bear_their_rural_classes(client: TestClient) -> None:
    communes = {row["code"]: row for tile in NORMANDY_AT_6 for row in features(client, "communes", tile)}
    zonings = client.get("/api/territories/commune/14762").json()["zonings"]
    expected = {zoning["zoning"]: zoning["value_code"] for zoning in zonings}
    assert communes["14762"]["density_code"] == expected["densite"]
    assert communes["14762"]["frr_code"] == expected["frr"]


def test_structures_are_points_with_their_services(client: TestClient) -> None:
    found = {row["structure_id"]: row for tile in NORMANDY_AT_6 for row in features(client, "structures", tile)}
    items = client.get("/api/structures?service=ressourcerie").json()["items"]
    placed = {row["structure_id"] for row in items if row["lon"] is not None}
    assert placed
    assert placed == {name for name, row in found.items() if "|ressourcerie|" in row["services"]}
    assert {row["_kind"] for row in found.values()} == {1}


def test_a_tile_of_the_ocean_is_empty(client: TestClient) -> None:
    response = client.get("/tuiles/communes/8/0/0.mvt")
    assert (response.status_code, response.content) == (200, b"")


def test_a_tile_of_a_small_zoom_is_kept_and_the_same(client: TestClient, computed_engine: sa.Engine) -> None:
    address = f"/tuiles/lacunes/7/63/43.mvt?{CHOICE}&level=departement"
    first = client.get(address)
    run = client.get(f"/api/gaps?{CHOICE}&level=region").json()["run"]
    with computed_engine.connect() as connection:
        kept = (
            connection.execute(
                sa.select(Tile.content).where(Tile.layer.startswith(f"lacunes:departement:{run}"), Tile.zoom == 7)
            )
            .scalars()
            .all()
        )
    assert first.content in kept
    assert client.get(address).content == first.content


def test_an_address_with_a_version_lasts_and_another_does_not(client: TestClient) -> None:
    assert "immutable" in client.get("/tuiles/epci/8/128/87.mvt?v=abc").headers["cache-control"]
    assert client.get("/tuiles/epci/8/128/87.mvt").headers["cache-control"] == "public, max-age=300"
