"""The map file opens in a browser whose network is cut, draws its layers, and shows figures with their source."""

import geopandas as gpd
import pytest
import shapely

from observatory.publish.offline_map import LegendEntry, MapLayer, draw, save

CHROMIUM = "/usr/bin/chromium"

pytestmark = pytest.mark.browser


@pytest.fixture
def map_file(tmp_path):
    squares = gpd.GeoDataFrame(
        {
            "titre": ["Alpha <b>gras</b>", "Bêta"],
            "classe": ["fort", "faible"],
            "population_count": [1000, 500],
            "need_score": [60.0, None],
            "note": ["", "À cheval."],
        },
        geometry=[
            shapely.box(450_000, 6_860_000, 460_000, 6_870_000),
            shapely.box(460_000, 6_860_000, 470_000, 6_870_000),
        ],
        crs=2154,
    )
    points = gpd.GeoDataFrame(
        {"titre": ["Atelier"], "classe": ["site"], "source": ["Annuaire, 2024"]},
        geometry=[shapely.Point(452_000, 6_862_000)],
        crs=2154,
    )
    layers = [
        MapLayer(
            name="Besoin",
            frame=squares,
            legend={"fort": LegendEntry("Fort", "#ca0020"), "faible": LegendEntry("Faible", "#0571b0")},
            source="INSEE, 2022",
            fields={"population_count": "Population", "need_score": "Besoin", "note": "Note"},
            is_background=True,
            is_shown=True,
        ),
        MapLayer(name="Lieux", frame=points, legend={"site": LegendEntry("Lieu", "#008837")}, source=""),
    ]
    path = tmp_path / "carte.html"
    save(draw(layers, title="Essai", notice="Limites.", sources=["INSEE"]), path)
    return path


@pytest.fixture
def opened(map_file):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1200, "height": 800})
        context.set_offline(True)
        tab = context.new_page()
        tab.asked, tab.errors = [], []
        tab.on("request", lambda request: tab.asked.append(request.url))
        tab.on("pageerror", lambda error: tab.errors.append(str(error)))
        tab.on("console", lambda message: tab.errors.append(message.text) if message.type == "error" else None)
        tab.goto(map_file.as_uri())
        yield tab
        browser.close()


def test_the_map_draws_with_the_network_cut(opened, map_file):
    shapes = opened.locator("path.leaflet-interactive")
    assert shapes.count() == 2
    assert [shapes.nth(i).get_attribute("fill") for i in range(2)] == ["#ca0020", "#0571b0"]
    assert all(shapes.nth(i).bounding_box()["width"] > 100 for i in range(2))
    assert opened.asked == [map_file.as_uri()]
    assert opened.errors == []


def test_a_click_gives_figures_and_source_as_text(opened):
    opened.locator("path.leaflet-interactive").first.click()
    popup = opened.locator(".leaflet-popup-content")
    assert popup.locator("h2").inner_text() == "Alpha <b>gras</b>"
    assert popup.locator("tr").all_inner_texts() == ["Population\t1\u202f000", "Besoin\t60,0"]
    assert popup.locator("caption").inner_text() == "Fort"
    assert popup.locator("p").inner_text() == "Source : INSEE, 2022"


def test_what_is_unknown_is_a_dash_and_a_note_is_told(opened):
    opened.locator("path.leaflet-interactive").nth(1).click()
    rows = opened.locator(".leaflet-popup-content tr")
    assert rows.all_inner_texts() == ["Population\t500", "Besoin\t–", "Note\tÀ cheval."]


def test_the_legend_follows_the_layers(opened):
    assert opened.locator("#legende-0").is_visible()
    assert not opened.locator("#legende-1").is_visible()
    opened.get_by_label("Lieux").check()
    assert opened.locator("#legende-1").is_visible()
    assert opened.locator("path.leaflet-interactive").count() == 3
    opened.get_by_label("Besoin").check()
    assert opened.locator(".leaflet-lieux-pane path").count() == 1
    heights = [
        int(opened.locator(f".leaflet-{name}-pane").evaluate("pane => getComputedStyle(pane).zIndex"))
        for name in ("fonds", "zones", "lieux")
    ]
    assert heights == sorted(heights)


def test_the_controls_are_french(opened):
    assert opened.get_by_title("Zoomer", exact=True).is_visible()
    assert opened.get_by_title("Dézoomer").is_visible()
    assert opened.locator("html").get_attribute("lang") == "fr"
    opened.locator("path.leaflet-interactive").first.click()
    assert opened.get_by_label("Fermer").is_visible()
    assert opened.locator(".leaflet-control-layers-toggle").get_attribute("title") == "Couches"
