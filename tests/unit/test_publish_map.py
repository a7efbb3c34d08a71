"""The offline map: everything inside the file, figures and sources in it, nothing a name could break."""

import re

import geopandas as gpd
import pytest
import shapely

from observatory.errors import MetricCrsError, NotComputedError, OutputFileError
from observatory.publish import offline_page
from observatory.publish.offline_map import LegendEntry, MapLayer, draw, feature_collection, save
from observatory.publish.offline_page import page

# Two 10 km squares side by side in Lambert-93, north of Argentan.
WEST, EAST = shapely.box(450_000, 6_860_000, 460_000, 6_870_000), shapely.box(460_000, 6_860_000, 470_000, 6_870_000)
HOSTILE = 'Saint-Œuf <img src="https://example.org/x.png"></script>'


def squares(**options) -> MapLayer:
    frame = gpd.GeoDataFrame(
        {"titre": [HOSTILE, "Bêta"], "classe": ["fort", "faible"], "population_count": [1000, 500]},
        geometry=[WEST, EAST],
        crs=2154,
    )
    legend = {"fort": LegendEntry("Besoin fort", "#ca0020"), "faible": LegendEntry("Besoin faible", "#0571b0")}
    return MapLayer(
        name="Besoin </script>",
        frame=frame,
        legend=legend,
        source="INSEE </script>, 2022",
        fields={"population_count": "Population"},
        is_background=True,
        is_shown=True,
        **options,
    )


@pytest.fixture
def html() -> str:
    return page(draw([squares()], title="Essai", notice="Limites.", sources=["INSEE, RP 2022, Licence Ouverte 2.0"]))


def test_nothing_is_loaded_from_anywhere(html):
    scripts = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    assert "<script src" not in html
    assert "<link" not in scripts
    assert not re.findall(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", scripts)
    style = "".join(re.findall(r"<style>(.*?)</style>", html, flags=re.DOTALL))
    assert {address.split(",")[0] for address in re.findall(r"url\(([^)]*)\)", style)} <= {
        "data:image/png;base64",
        "#default#VML",
    }
    assert "sourceMappingURL" not in html
    for host in ("cdn.", "jquery", "bootstrapcdn", "cloudflare", "fontawesome", "openstreetmap"):
        assert host not in html


def test_the_page_is_french_with_legend_sources_and_limits(html):
    assert '<html lang="fr">' in html
    assert "<title>Essai</title>" in html
    for words in ("Légende", "Besoin fort", "Sources et limites", "INSEE, RP 2022, Licence Ouverte 2.0", "Limites."):
        assert words in html


def test_a_name_never_becomes_markup(html):
    assert "<img" not in re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    # Leaflet writes the name of a layer as HTML: it is escaped before it is written as JSON.
    assert r"Besoin \u0026lt;/script\u0026gt;" in html
    assert html.count("</script>") == html.count("<script>") + html.count("<script ")


def test_features_are_in_degrees_rounded_and_in_order():
    found = feature_collection(squares())["features"]
    assert [feature["properties"]["titre"] for feature in found] == [HOSTILE, "Bêta"]
    assert found[0]["properties"] == {"titre": HOSTILE, "classe": "fort", "v": [1000]}
    expected = gpd.GeoSeries([WEST], crs=2154).to_crs(4326).iloc[0]
    shape = shapely.from_geojson(str(found[0]["geometry"]).replace("'", '"').replace("(", "[").replace(")", "]"))
    assert shape.hausdorff_distance(expected) < 1e-4
    assert all(round(value, 4) == value for point in shapely.get_coordinates(shape) for value in point)


def test_simplified_neighbours_stay_joined():
    found = feature_collection(squares(simplify_m=500.0))["features"]
    west, east = (shapely.geometry.shape(feature["geometry"]) for feature in found)
    assert west.intersection(east).length > 0.05
    assert west.intersection(east).area == 0


def test_a_place_that_is_unknown_is_left_out():
    layer = squares()
    layer.frame.geometry = [None, EAST]
    assert [feature["properties"]["titre"] for feature in feature_collection(layer)["features"]] == ["Bêta"]


def test_degrees_are_refused():
    layer = squares()
    degrees = MapLayer(name="x", frame=layer.frame.to_crs(4326), legend=layer.legend, source="")
    with pytest.raises(MetricCrsError):
        feature_collection(degrees)


def test_a_map_without_leaflet_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(offline_page, "LEAFLET", tmp_path)
    with pytest.raises(NotComputedError, match="npm ci"):
        offline_page.offline_map(title="Essai")


def test_a_folder_that_does_not_exist_is_told_and_nothing_is_left(tmp_path):
    drawing = draw([squares()], title="Essai", notice="", sources=[])
    with pytest.raises(OutputFileError, match="n’existe pas"):
        save(drawing, tmp_path / "absent" / "carte.html")
    with pytest.raises(OutputFileError, match="est un dossier"):
        save(drawing, tmp_path)
    assert list(tmp_path.iterdir()) == []
