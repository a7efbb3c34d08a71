"""Every page: French, accessible, whole without JavaScript, no wider than a phone, asking nothing of a third party."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.browser

PAGES = [
    "/",
    "/carte",
    "/lacunes",
    "/lacunes?defi=dechets&service=ressourcerie&level=commune&territory=200068799&threshold_min=15",
    "/implantation",
    "/implantation?territory=200010700&services=ressourcerie&defis=dechets&poles=2&objective=p_median",
    "/territoires",
    "/territoires?q=vire",
    "/territoires/region/28",
    "/territoires/epci/200068799",
    "/territoires/epci/200010700",
    "/territoires/commune/14762",
    "/zones-rurales",
    "/quartiers",
    "/donnees",
    "/methode",
    "/accessibilite",
    "/docs",
    "/page-inconnue",
]
ENGLISH = frozenset(
    {
        *("the", "and", "with", "loading", "error", "search", "home", "about", "click", "download", "nearest", "need"),
        *("gap", "level", "missing", "observed", "estimated", "unknown", "none", "null", "nan", "undefined", "true"),
        *("false", "found", "request", "required", "value", "field", "invalid", "toggle", "close"),
    }
)


def visible_words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


@pytest.mark.parametrize("address", PAGES)
def test_page_is_french_quiet_accessible_asks_nobody_else_and_fits_a_phone(tab, axe: str, address: str) -> None:
    page = tab.open(address)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.lang") == "fr"
    assert page.locator("h1").count() == 1
    text = page.evaluate(
        """() => {
          const copy = document.body.cloneNode(true);
          copy.querySelectorAll("code, script, noscript").forEach((one) => one.remove());
          return copy.textContent;
        }"""
    )
    assert not visible_words(text) & ENGLISH
    # The browser itself notes the 404 that is asked for.
    assert len(tab.complaints) == (1 if address == "/page-inconnue" else 0), tab.complaints
    origins = {f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" for url in tab.requested if url.startswith("http")}
    assert origins == {tab.base}
    assert {url.partition(":")[0] for url in tab.requested} <= {"http", "data", "blob"}
    assert not serious_defects(page, axe)
    page.set_viewport_size({"width": 360, "height": 740})
    page.wait_for_function("document.documentElement.scrollWidth <= 360", timeout=10_000)  # a map redraws itself


def serious_defects(page, axe: str) -> list[tuple[str, str]]:
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})")
    return [
        (one["id"], one["nodes"][0]["html"]) for one in found["violations"] if one["impact"] in {"serious", "critical"}
    ]


def test_the_map_page_says_what_it_lacks_without_javascript(plain) -> None:
    page = plain.open("/carte")
    assert page.locator("#carte-absente").is_visible()
    assert not page.locator("#carte").is_visible()
    assert page.locator("table.lacunes tbody tr").count() == 71


def test_home_shows_the_region_with_its_sources(plain) -> None:
    page = plain.open("/")
    figures = page.locator("dl.chiffres").inner_text()
    for figure in ("3\u202f339\u202f075", "2\u202f644", "71", "63"):
        assert figure in figures
    for link in page.locator("dl.chiffres sup a").all():
        target = link.get_attribute("href")
        assert target is not None
        assert page.locator(target).count() == 1
    assert page.locator("h3 a[href='/territoires/epci/200068799']").count() == 1
    assert page.locator("h3 a[href='/territoires/epci/200010700']").count() == 1


@pytest.mark.parametrize(
    ("code", "communes"), [("200068799", 17), ("200010700", 50)], ids=["vire-au-noireau", "caux-seine"]
)
def test_a_pilot_territory_has_its_page(plain, code: str, communes: int) -> None:
    page = plain.open(f"/territoires/epci/{code}")
    assert f"{communes}" in page.locator("dl.chiffres").inner_text()
    assert page.locator("details", has_text="Communes (").first.locator("li").count() == communes
    assert page.locator("section.sources li").count() > 3


def test_the_gap_table_adds_up_on_the_page(plain) -> None:
    page = plain.open("/lacunes?defi=vieillissement&service=tiers_lieu&level=departement")

    def numbers(row) -> list[int]:
        cells = [re.sub(r"\D", "", cell) for cell in row.locator("td.num").all_inner_texts()]
        # priority, population, need, persons, access, minutes, served, full, out of reach, in need out of reach
        return [int(cells[index]) for index in (1, 6, 7, 8)]

    rows = [numbers(row) for row in page.locator("table.lacunes tbody tr").all()]
    total = numbers(page.locator("table.lacunes tfoot tr"))
    assert len(rows) == 5
    assert [sum(column) for column in zip(*rows, strict=True)] == total
    assert total[0] == 3_339_075 == sum(total[1:])


def test_a_territory_is_found_without_javascript(plain) -> None:
    page = plain.open("/")
    page.fill("#recherche-q", "vire normandie")
    page.click("form[role=search] button")
    page.click("a[href='/territoires/commune/14762']")
    assert page.locator("h1").inner_text() == "Vire Normandie"
    assert "17\u202f411" in page.locator("dl.chiffres").inner_text()


def test_the_form_of_gaps_works_without_javascript(plain) -> None:
    page = plain.open("/lacunes")
    page.select_option("#defi", "dechets")
    page.select_option("#service", "ressourcerie")
    page.select_option("#territory", "200010700")
    page.select_option("#level", "commune")
    page.click("main form button")
    assert page.locator("table.lacunes tbody tr").count() == 50
    assert "ressourcerie" in page.locator("p.avertissement").first.inner_text().lower()


def test_a_wrong_request_is_a_french_page(plain) -> None:
    page = plain.open("/lacunes?defi=bonheur")
    assert "insertion" in page.locator("main").inner_text()
    assert page.locator("nav[aria-label='Menu principal'] a").count() == 10


def test_the_first_tab_stop_skips_to_the_content(tab) -> None:
    page = tab.open("/lacunes")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#contenu"
    assert page.locator(".evitement").is_visible()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "contenu"
