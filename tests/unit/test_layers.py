"""Layers of shapes as territories and producers give them: in any CRS, said or not; several layers are never one."""

from __future__ import annotations

import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import Point

from observatory.errors import InputFileError
from observatory.sources.formats import layers

VIRE = Point(-0.89, 48.84)


def layer(points: list[Point | None], crs: int) -> gpd.GeoDataFrame:
    wgs = gpd.GeoDataFrame({"nom": [str(rank) for rank in range(len(points))]}, geometry=points, crs=4326)
    return wgs if crs == 4326 else wgs.to_crs(crs)


def zipped(path: Path, layers: dict[str, gpd.GeoDataFrame], *, has_prj: bool) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, frame in layers.items():
            directory = path.with_suffix("") / name
            directory.mkdir(parents=True)
            frame.to_file(directory / f"{name}.shp")
            for part in directory.iterdir():
                if has_prj or part.suffix != ".prj":
                    archive.write(part, part.name)
    return path


def metres(path: Path) -> tuple[gpd.GeoSeries, list[str]]:
    notes: list[str] = []
    return layers.in_metres(gpd.GeoSeries(layers.opened(path).geometry), path.name, notes), notes


@pytest.mark.parametrize("crs", [4326, 2154, 3857, 3949, 27572])
def test_a_declared_system_is_believed(tmp_path: Path, crs: int) -> None:
    found, notes = metres(zipped(tmp_path / "couche.zip", {"a": layer([VIRE], crs)}, has_prj=True))
    wanted = layer([VIRE], 2154).geometry.iloc[0]
    assert found.iloc[0].distance(wanted) < 5  # Lambert II étendu without its grid is metres off
    assert notes == []


@pytest.mark.parametrize(("crs", "word"), [(4326, "degrés WGS 84"), (2154, "Lambert-93")])
def test_a_system_that_is_not_said_is_guessed_when_the_values_tell(tmp_path: Path, crs: int, word: str) -> None:
    found, notes = metres(zipped(tmp_path / "couche.zip", {"a": layer([VIRE], crs)}, has_prj=False))
    assert found.iloc[0].distance(layer([VIRE], 2154).geometry.iloc[0]) < 1
    assert word in notes[0]


@pytest.mark.parametrize("crs", [3857, 3949, 27572])
def test_a_system_that_nothing_tells_is_asked_for(tmp_path: Path, crs: int) -> None:
    with pytest.raises(InputFileError, match="--crs"):
        metres(zipped(tmp_path / "couche.zip", {"a": layer([VIRE], crs)}, has_prj=False))


def test_a_shape_out_of_its_system_is_emptied_alone(tmp_path: Path) -> None:
    path = tmp_path / "couche.gpkg"
    gpd.GeoDataFrame({"nom": ["a", "b", "c"]}, geometry=[VIRE, Point(400, 95), None], crs=4326).to_file(path)
    found, notes = metres(path)
    assert found.isna().tolist() == [False, True, True]
    assert np.isfinite(found.iloc[0].x)
    assert notes == ["1 formes hors de leur système de coordonnées : non gardées"]


def test_several_layers_are_refused_unless_one_is_preferred(tmp_path: Path) -> None:
    held = {"QP_WGS84": layer([VIRE], 4326), "QP_LB93": layer([VIRE], 2154)}
    path = zipped(tmp_path / "deux.zip", held, has_prj=True)
    with pytest.raises(InputFileError, match=r"contient 2 couches \(QP_WGS84, QP_LB93\)"):
        layers.opened(path)
    assert layers.opened(path, prefer="wgs84").geometry.iloc[0].x == pytest.approx(-0.89)
    package = tmp_path / "deux.gpkg"
    for name, frame in held.items():
        frame.to_file(package, layer=name)
    with pytest.raises(InputFileError, match="contient 2 couches"):
        layers.opened(package)
