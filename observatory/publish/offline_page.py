"""A folium map that opens with no network: its scripts, styles and images are written inside the file."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Final

import folium
from branca.element import Element, Figure, MacroElement
from folium.template import Template

from observatory.errors import NotComputedError
from observatory.libraries import how_to_install, library

PAGE: Final = Path(__file__).parent / "page"
LEAFLET: Final = library("leaflet")
"""Leaflet, pinned in ``package-lock.json``."""


class OfflineMap(folium.Map):
    """A folium map without folium's links: Leaflet comes inside, jQuery, Bootstrap and icon fonts aren't needed.

    Popups must be bound by ``observatoire.dress`` (``page/offline.js``): folium's own call jQuery.
    """

    default_js: list[tuple[str, str]] = []  # noqa: RUF012  (folium's own attribute, which it reads and never writes)
    default_css: list[tuple[str, str]] = []  # noqa: RUF012


class Script(MacroElement):
    """A line of script that runs after the map and the layers added before it."""

    _template = Template("{% macro script(this, kwargs) %}{{ this.text }}{% endmacro %}")

    def __init__(self, text: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Script"
        self.text = text


def offline_map(*, title: str) -> OfflineMap:
    """Return an empty map, in French, without any background: nothing in it is asked of anyone.

    Raises
    ------
    NotComputedError
        If Leaflet isn't installed.
    """
    drawing = OfflineMap(
        location=[49.1, 0.2],
        zoom_start=8,
        zoomSnap=0.25,
        tiles=None,
        position="absolute",
        attributionControl=False,
        zoomControl=False,
    )
    figure = figure_of(drawing)
    figure.title = title
    figure.header.add_child(Element(f"<style>{leaflet_style()}\n{_read(PAGE / 'offline.css')}</style>"), name="style")
    figure.header.add_child(Element(f"<script>{leaflet_script()}</script>"), name="leaflet")
    figure.header.add_child(Element(f"<script>{_read(PAGE / 'offline.js')}</script>"), name="observatoire")
    zoom = "{zoomInTitle: 'Zoomer', zoomOutTitle: 'Dézoomer'}"
    scale = "{imperial: false, position: 'bottomright'}"
    name = drawing.get_name()
    drawing.add_child(Script(f"L.control.zoom({zoom}).addTo({name}); L.control.scale({scale}).addTo({name});"))
    return drawing


def figure_of(drawing: folium.Map) -> Figure:
    """Return the page that a map is drawn in."""
    figure = drawing.get_root()
    if not isinstance(figure, Figure):
        raise TypeError("a folium map is drawn inside a figure")
    return figure


def page(drawing: folium.Map) -> str:
    """Return the HTML page of a map, marked as French."""
    html: str = figure_of(drawing).render()
    return html.replace("<html>", '<html lang="fr">', 1)


def leaflet_script() -> str:
    """Return Leaflet's script, without the link to its source map."""
    return re.sub(r"//# sourceMappingURL=\S+", "", _read(LEAFLET / "leaflet.js"))


def leaflet_style() -> str:
    """Return Leaflet's style sheet, with its images inside."""

    def inline(match: re.Match[str]) -> str:
        image = base64.b64encode((LEAFLET / match[1]).read_bytes()).decode("ascii")
        return f"url(data:image/png;base64,{image})"

    return re.sub(r"url\((images/[\w-]+\.png)\)", inline, _read(LEAFLET / "leaflet.css"))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotComputedError(f"La bibliothèque de cartes Leaflet n’est pas installée : {how_to_install()}") from error
