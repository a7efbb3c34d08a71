"""The map really draws: counted by its own query of rendered features, and seen on a screenshot."""

from __future__ import annotations

import io

import pytest

pytestmark = pytest.mark.browser

SERVICES = ("ess", "ressourcerie", "tiers_lieu")


def colours(tab) -> int:
    """Distinct colours of the map's screenshot: a blank one has a handful."""
    from PIL import Image

    picture = Image.open(io.BytesIO(tab.page.locator("#carte canvas").screenshot())).convert("RGB")
    return len(picture.resize((200, 140)).getcolors(maxcolors=100_000))


def test_every_layer_draws_features(tab) -> None:
    tab.open_map()
    assert tab.drawn("lacunes") == 71
    assert tab.drawn("limites-departements") == 5
    for service in SERVICES:
        assert tab.drawn(f"service-{service}") > 0
    assert tab.drawn("service-insertion") == tab.drawn("qpv") == tab.drawn("rural") == tab.drawn("frr") == 0
    for box in ("service-insertion", "qpv", "rural", "frr"):
        tab.page.check(f"input[value={box}]")
    tab.settle()
    assert tab.drawn("service-insertion") > 100
    assert tab.drawn("qpv") == 63
    assert tab.drawn("rural") > 1000
    assert tab.drawn("frr") > 500
    assert colours(tab) > 100
    assert not tab.complaints


def test_switches_hide_and_show(tab) -> None:
    tab.open_map()
    shown = colours(tab)
    tab.page.uncheck("input[value=lacunes]")
    tab.page.uncheck("input[value=service-ess]")
    tab.settle()
    assert tab.drawn("lacunes") == tab.drawn("service-ess") == 0
    assert tab.drawn("service-tiers_lieu") > 0
    assert colours(tab) != shown
    tab.page.check("input[value=lacunes]")
    tab.settle()
    assert tab.drawn("lacunes") == 71


def test_communes_are_drawn_with_their_figures(tab) -> None:
    tab.open_map("/carte?level=commune")
    assert tab.drawn("lacunes") > 2600
    figures = tab.page.evaluate(
        """() => document.querySelector("#carte").map.queryRenderedFeatures({ layers: ["lacunes"] })
          .filter((one) => one.properties.code === "14762").map((one) => one.properties.population_count)[0]"""
    )
    assert figures == 17_411


def test_the_measure_changes_colours_and_legend(tab) -> None:
    page = tab.open_map()
    assert "priorité" in page.locator("#legende").inner_text()
    before = page.evaluate(
        "JSON.stringify(document.querySelector('#carte').map.getPaintProperty('lacunes', 'fill-color'))"
    )
    page.select_option("#measure", "typology")
    assert "Prioritaire" in page.locator("#legende").inner_text()
    after = page.evaluate(
        "JSON.stringify(document.querySelector('#carte').map.getPaintProperty('lacunes', 'fill-color'))"
    )
    assert before != after


def test_choosing_a_service_changes_the_map_and_the_table_together(tab) -> None:
    page = tab.open_map()
    first = page.locator("table.lacunes tbody tr").first.inner_text()
    with page.expect_navigation():
        page.select_option("#service", "france_services")
    page.wait_for_selector("#carte[data-pret]")
    tab.settle()
    assert "service=france_services" in page.url
    assert page.locator("table.lacunes tbody tr").first.inner_text() != first
    assert tab.drawn("lacunes") == 71


def test_a_territory_is_framed_and_outlined(tab) -> None:
    page = tab.open_map("/carte?level=commune&territory=200068799")
    assert tab.drawn("lieu") == 1
    assert page.locator("table.lacunes tbody tr").count() == 17
    west, south, east, north = page.evaluate("document.querySelector('#carte').map.getBounds().toArray().flat()")
    assert west < -0.98 < -0.5 < east < 0.5
    assert south < 48.85 < north


def test_a_click_shows_the_figures_and_their_source(tab) -> None:
    page = tab.open_map("/carte?level=commune&territory=200068799")
    for box in SERVICES:
        page.uncheck(f"input[value=service-{box}]")
    tab.settle()
    point = page.evaluate(
        """() => {
          const map = document.querySelector("#carte").map;
          const box = map.getCanvas().getBoundingClientRect();
          const point = map.project([-0.8893, 48.8386]);
          return [box.x + point.x, box.y + point.y];
        }"""
    )
    page.mouse.click(*point)
    popup = page.locator(".maplibregl-popup-content")
    popup.wait_for()
    text = popup.inner_text()
    assert "Vire Normandie" in text
    assert "17\u202f411" in text
    assert "Statut" in text
    assert popup.locator("a[href^='/donnees#']").count() > 0
    assert popup.locator("a[href='/territoires/commune/14762']").count() == 1


def test_the_map_asks_only_its_own_server(tab) -> None:
    tab.open_map()
    assert any("/tuiles/lacunes/" in url for url in tab.requested)
    assert all(url.startswith((tab.base, "data:")) for url in tab.requested)


def test_the_map_speaks_french(tab) -> None:
    page = tab.open_map()
    titles = page.evaluate(
        "[...document.querySelectorAll('#carte [title], #carte [aria-label]')].map((one) => one.title || one.ariaLabel)"
    )
    assert "Zoomer" in titles
    assert not {word for title in titles for word in title.lower().split()} & {
        "zoom",
        "toggle",
        "map",
        "marker",
        "close",
    }


def test_the_map_has_no_serious_accessibility_defect(tab, axe: str) -> None:
    page = tab.open_map()
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']})")
    serious = [one for one in found["violations"] if one["impact"] in {"serious", "critical"}]
    assert not serious, [(one["id"], one["nodes"][0]["html"]) for one in serious]


def test_the_map_fits_a_phone(phone) -> None:
    page = phone.open_map()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert phone.drawn("lacunes") == 71
