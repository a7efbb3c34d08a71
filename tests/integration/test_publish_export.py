"""Layers taken away: every format reads back, with the sources inside; a failure leaves nothing behind."""

import json
import os
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest

from observatory.errors import OutputFileError, UsageError
from observatory.publish.export_file import write_layer
from observatory.publish.export_layers import Layer, read_layer


@pytest.fixture
def communes(toy_connection) -> Layer:
    return read_layer(toy_connection, "commune")


@pytest.fixture
def structures(toy_connection) -> Layer:
    return read_layer(toy_connection, "structures")


def test_a_level_has_every_territory_its_place_and_the_sources_it_names(communes):
    assert list(communes.frame["code"]) == ["14901", "14902", "61901", "61902", "72901"]
    assert list(communes.frame["population_count"]) == [1000, 500, 300, 200, 400]
    assert communes.frame.crs.to_epsg() == 4326
    # The border commune is a point in the database and has no polygon.
    assert list(communes.frame.geometry.isna()) == [False, False, False, False, True]
    assert sorted(communes.sources["source_id"]) == ["toy_census", "toy_map"]


def test_geojson_reads_back_with_sources_and_unknown_values_stay_unknown(communes, tmp_path):
    path = tmp_path / "communes.geojson"
    assert write_layer(communes, path, file_format="geojson") == [path]
    document = json.loads(path.read_text(encoding="utf-8"))
    assert {source["source_id"] for source in document["sources"]} == {"toy_census", "toy_map"}
    assert document["features"][1]["properties"]["name"] == "Bêta-sur-Œuvre"
    assert document["features"][0]["properties"]["commune_count"] is None
    assert document["features"][4]["geometry"] is None
    found = gpd.read_file(path).to_crs(2154)
    # A square of 10 km, whatever the projection there and back; 6 decimals are about 10 cm.
    assert found.geometry.iloc[0].area == pytest.approx(100e6, rel=1e-4)


def test_geopackage_holds_the_layer_and_a_table_of_sources(communes, tmp_path):
    path = tmp_path / "communes.gpkg"
    write_layer(communes, path, file_format="gpkg")
    assert {str(name) for name, _ in pyogrio.list_layers(path)} == {"commune", "sources"}
    found = gpd.read_file(path, layer="commune")
    assert (len(found), found.crs.to_epsg(), found["population_count"].sum()) == (5, 4326, 2400)
    assert set(gpd.read_file(path, layer="sources")["licence"]) == {"aucune"}


def test_parquet_keeps_types_and_carries_its_sources(communes, tmp_path):
    path = tmp_path / "communes.parquet"
    write_layer(communes, path, file_format="parquet")
    found = gpd.read_parquet(path)
    assert str(found["population_count"].dtype) == "Int64"
    told = json.loads(pq.read_schema(path).metadata[b"sources"])
    assert {source["source_id"] for source in told} == {"toy_census", "toy_map"}


def test_csv_places_points_and_puts_its_sources_beside(structures, tmp_path):
    path = tmp_path / "structures.csv"
    companion = tmp_path / "structures.sources.csv"
    assert write_layer(structures, path, file_format="csv") == [path, companion]
    found = pd.read_csv(path, dtype={"siret": str, "commune_code": str}).set_index("structure_id")
    assert found.loc["s1", "siret"] == "12345678900011"
    assert found.loc["s1", ["lon", "lat"]].between(-2, 50).all()
    assert set(pd.read_csv(companion)["source_id"]) <= {"toy_directory", "toy_other_directory"}


def test_services_say_why(toy_connection):
    frame = read_layer(toy_connection, "services").frame
    assert len(frame) == 6
    assert frame.loc[frame["structure_id"] == "s2", "reason"].tolist() == ["jugée sur pièces"]


@pytest.mark.parametrize("name", ["zonings", "values", "sources", "epci", "qpv"])
@pytest.mark.parametrize("file_format", ["csv", "gpkg", "parquet"])
def test_every_layer_has_every_tabular_format(toy_connection, tmp_path, name, file_format):
    layer = read_layer(toy_connection, name)
    path = tmp_path / f"couche.{file_format}"
    write_layer(layer, path, file_format=file_format)
    assert path.stat().st_size > 0
    assert len(layer.sources) > 0


def test_a_layer_without_a_place_is_no_geojson(toy_connection, tmp_path):
    with pytest.raises(UsageError, match="n’a pas de lieu"):
        write_layer(read_layer(toy_connection, "values"), tmp_path / "x.geojson", file_format="geojson")


def test_an_unknown_layer_or_format_names_the_known_ones(toy_connection, communes, tmp_path):
    with pytest.raises(UsageError, match="choisissez parmi region, departement, epci"):
        read_layer(toy_connection, "cantons")
    with pytest.raises(UsageError, match="choisissez parmi geojson, csv, csv-fr, gpkg, parquet"):
        write_layer(communes, tmp_path / "x.shp", file_format="shp")


@pytest.mark.parametrize("file_format", ["geojson", "csv", "gpkg", "parquet"])
def test_a_failure_keeps_the_former_file_and_leaves_no_trace(communes, tmp_path, monkeypatch, file_format):
    path = tmp_path / f"communes.{file_format}"
    path.write_text("ancien", encoding="utf-8")

    def full(self: Path, target: Path) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OutputFileError, match="Le disque est plein"):
        write_layer(communes, path, file_format=file_format)
    assert path.read_text(encoding="utf-8") == "ancien"
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_missing_folder_is_told(communes, tmp_path):
    with pytest.raises(OutputFileError, match=r"Le dossier « .*absent » n’existe pas"):
        write_layer(communes, tmp_path / "absent" / "x.gpkg", file_format="gpkg")
