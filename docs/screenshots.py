"""Make the pictures of the README from a served observatory: ``python docs/screenshots.py http://127.0.0.1:8000``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

IMAGES: Final = Path(__file__).resolve().parent / "img"
CHROMIUM: Final = "/usr/bin/chromium"
WIDTH_PX, HEIGHT_PX = 1280, 1020
READY: Final = "[data-pret='oui']"
"""What the map page puts on its frame once every layer is drawn."""
PATIENCE_MS: Final = 120_000
"""A slow machine draws slowly."""


def take(address: str) -> Path:
    """Photograph the map page of the observatory at ``address`` and return the picture's path."""
    from playwright.sync_api import sync_playwright

    IMAGES.mkdir(exist_ok=True)
    picture = IMAGES / "carte.png"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader"]
        )
        tab = browser.new_page(viewport={"width": WIDTH_PX, "height": HEIGHT_PX}, locale="fr-FR")
        tab.goto(f"{address.rstrip('/')}/carte", wait_until="load")
        tab.wait_for_selector(READY, timeout=PATIENCE_MS)
        tab.screenshot(path=picture)
        browser.close()
    return picture


if __name__ == "__main__":
    sys.stdout.write(f"{take(sys.argv[1] if len(sys.argv) > 1 else 'http://127.0.0.1:8000')}\n")
