"""The declared river is the limit between the communes of its two banks, and its crossings are on it."""

import re

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geodata import ROOT, SNAPSHOT
from observatory.declared.reading import document

SIMPLIFICATION_M = 150.0
"""How far the snapshot's polygons, and the source's, may stand from one another."""


@pytest.fixture(scope="module")
def seine() -> dict:
    return next(
        barrier for barrier in document(ROOT / "studies" / "travel.toml")["barriers"] if barrier["id"] == "seine"
    )


@pytest.fixture(scope="module")
def communes() -> gpd.GeoSeries:
    territories = gpd.read_parquet(SNAPSHOT / "territories.parquet")
    return territories[territories["level"] == "commune"].set_index("code").geometry


def test_line_follows_the_limit_between_the_banks(seine: dict, communes: gpd.GeoSeries) -> None:
    left, right = (shapely.union_all(communes.loc[seine[side]].to_numpy()) for side in ("left_bank", "right_bank"))
    limit = shapely.intersection(shapely.boundary(left), shapely.boundary(right))
    line = shapely.LineString(seine["line_m"])
    assert limit.length > 184_000
    # Every point of the limit is on the line; the line goes on to the sea, through Rouen and to the bridge of Vernon.
    assert max(line.distance(shapely.Point(xy)) for xy in shapely.get_coordinates(limit)) < SIMPLIFICATION_M
    assert line.is_simple


def test_the_banks_have_no_commune_in_common_and_none_unknown(seine: dict, communes: gpd.GeoSeries) -> None:
    left, right = set(seine["left_bank"]), set(seine["right_bank"])
    assert not left & right
    assert (left | right) <= set(communes.index)


def test_crossings_are_on_the_line_and_join_communes(seine: dict, communes: gpd.GeoSeries) -> None:
    line = shapely.LineString(seine["line_m"])
    assert len(seine["crossings"]) == 25
    for crossing in seine["crossings"]:
        place = shapely.Point(crossing["x_m"], crossing["y_m"])
        assert line.distance(place) < 50, crossing["name"]
        assert set(crossing["communes"]) <= set(communes.index)
        assert communes.loc[crossing["communes"]].distance(place).max() < 2500, crossing["name"]
        assert crossing["source"]


def test_every_crossing_of_the_figures_is_declared_between_its_communes(seine: dict) -> None:
    path = ROOT.parent / ".." / "shared" / "data" / "figures" / "seine_crossings.csv"
    if not path.is_file():
        pytest.skip("../shared/data/figures est absent : les franchissements de la Seine ne sont pas comparés")
    told = pd.read_csv(path, dtype=str)
    declared = {re.sub(r"[’'\s-]|sur-Seine", "", one["name"]).lower(): one for one in seine["crossings"]}
    assert len(told) == 18
    for name, kind, north, south in told[["name", "kind", "north_commune_code", "south_commune_code"]].itertuples(
        index=False
    ):
        found = declared[re.sub(r"[’'\s-]|sur-Seine", "", name).lower()]
        assert found["kind"] == kind
        for codes in (north, south):
            assert pd.isna(codes) or set(codes.split("|")) & set(found["communes"]), name


def test_a_place_that_nobody_publishes_is_said_to_be_estimated(seine: dict) -> None:
    estimated = {one["name"] for one in seine["crossings"] if one["is_position_estimated"]}
    assert {one["name"] for one in seine["crossings"] if one["kind"] == "ferry"} <= estimated
    assert estimated - {one["name"] for one in seine["crossings"] if one["kind"] == "ferry"} == {
        "Pont Guillaume-le-Conquérant",
        "Pont Boieldieu",
    }
