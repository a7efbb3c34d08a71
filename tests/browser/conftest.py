"""A served observatory on the bundled snapshot, and a Chromium that notes all it asks for and all it complains of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from served import served

from observatory.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-background-networking",
]
NODE_MODULES = Path(__file__).resolve().parents[2] / "node_modules"


@dataclass
class Tab:
    """An open page, what it asked for and what it complained of."""

    page: Page
    base: str
    requested: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, address: str) -> Page:
        """Open a page of the observatory."""
        self.page.goto(self.base + address, wait_until="load")
        return self.page

    def open_map(self, address: str = "/carte") -> Page:
        """Open the map and wait until it has drawn its tiles."""
        self.open(address)
        self.page.wait_for_selector("#carte[data-pret]", timeout=60_000)
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until the map has nothing left to load or to draw."""
        self.page.evaluate(
            """() => new Promise((resolve) => {
              const map = document.querySelector("#carte").map;
              const done = () => (map.loaded() && map.areTilesLoaded() ? resolve() : setTimeout(done, 100));
              map.triggerRepaint();
              setTimeout(done, 200);
            })"""
        )

    def drawn(self, *layers: str) -> int:
        """Distinct features that the map itself says it has rendered in some layers."""
        return self.page.evaluate(
            """(layers) => {
              const found = document.querySelector("#carte").map.queryRenderedFeatures({ layers });
              return new Set(found.map((one) => one.properties.code ?? one.properties.structure_id)).size;
            }""",
            list(layers),
        )


@pytest.fixture(scope="session")
def base(computed_engine: sa.Engine, settings: Settings) -> Iterator[str]:
    """The address of a served observatory."""
    with served(settings) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; one a module, since Playwright allows one at a time."""
    from playwright.sync_api import sync_playwright

    if not Path(CHROMIUM).exists():
        pytest.skip("Chromium n’est pas installé : apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def opened(browser: Browser, base: str, **options: Any) -> Iterator[Tab]:
    """Open a tab whose requests and complaints are noted."""
    context = browser.new_context(locale="fr-FR", **options)
    tab = Tab(context.new_page(), base)
    tab.page.on("request", lambda request: tab.requested.append(request.url))
    tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
    tab.page.on(
        "console",
        lambda message: tab.complaints.append(message.text) if message.type in {"error", "warning"} else None,
    )
    yield tab
    context.close()


@pytest.fixture
def tab(browser: Browser, base: str) -> Iterator[Tab]:
    """A tab on a wide screen."""
    yield from opened(browser, base, viewport={"width": 1280, "height": 900})


@pytest.fixture
def phone(browser: Browser, base: str) -> Iterator[Tab]:
    """A tab on a phone 360 pixels wide."""
    yield from opened(browser, base, viewport={"width": 360, "height": 740}, has_touch=True)


@pytest.fixture
def plain(browser: Browser, base: str) -> Iterator[Tab]:
    """A tab without JavaScript."""
    yield from opened(browser, base, viewport={"width": 1280, "height": 900}, java_script_enabled=False)


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    script = NODE_MODULES / "axe-core" / "axe.min.js"
    if not script.is_file():
        pytest.skip("axe-core n’est pas installé : npm ci")
    return script.read_text(encoding="utf-8")
