"""Draw layers on an offline map: styles by class, popups with figures and source, a legend, a layer control."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from branca.element import Element
from folium.utilities import JsCode

from observatory import crs
from observatory.publish.offline_page import OfflineMap, Script, figure_of, offline_map, page
from observatory.whole_file import replacing

COORDINATE_DECIMALS: Final = 4
"""About ten metres: finer than a pixel of this map at its usual zooms (convention de l'observatoire)."""
PANES: Final = {"fonds": 410, "zones": 420, "lieux": 430}
"""Stacking order: whatever is ticked last, choropleths stay under zones and zones under points. Leaflet's own overlays
are at 400, tooltips at 650 and popups at 700."""
POINT_RADIUS_PX: Final = 5


@dataclass(frozen=True)
class LegendEntry:
    """One class of a layer: how it is drawn, and what it means in French."""

    label: str
    fill: str
    fill_opacity: float = 0.75
    stroke: str = "#555555"
    stroke_width_px: float = 0.6

    def style(self) -> dict[str, Any]:
        """Return the path options that Leaflet draws this class with."""
        return {
            "color": self.stroke,
            "weight": self.stroke_width_px,
            "fillColor": self.fill,
            "fillOpacity": self.fill_opacity,
        }


@dataclass(frozen=True)
class MapLayer:
    """Features of one subject, ready to be drawn."""

    name: str
    """French name in the layer control, with how complete it is."""
    frame: gpd.GeoDataFrame
    """Metric CRS; columns ``titre`` (name shown), ``classe`` (key of ``legend``) and those of ``fields``.

    A text is shown as it is unless empty; a number without decimals where its column ends in ``_count``, else with one.
    """
    legend: Mapping[str, LegendEntry]
    source: str
    """Producer and vintage, said in every popup unless the feature has a ``source`` of its own."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Column → French label, in the order of the popup."""
    is_background: bool = False
    """True for a choropleth: only one is seen at a time."""
    is_shown: bool = False
    simplify_m: float = 0.0
    """Tolerance of the simplification for display; neighbours stay joined (coverage simplification)."""


def draw(layers: Sequence[MapLayer], *, title: str, notice: str, sources: Sequence[str]) -> OfflineMap:
    """Draw ``layers`` on one map that opens without a network.

    Parameters
    ----------
    layers
        In the order of the layer control; backgrounds first, so that points stay above.
    title
        Title of the page and of the legend.
    notice
        Plain French sentences on what the figures are and are not.
    sources
        One French line per source: title, producer, vintage, licence.
    """
    drawing = offline_map(title=title)
    legends: dict[str, folium.GeoJson] = {}
    for pane, height in PANES.items():
        folium.map.CustomPane(pane, z_index=height).add_to(drawing)
    known: dict[str, str] = {}
    for number, layer in enumerate(layers):
        drawn = _geojson(layer)
        drawn.add_to(drawing)
        legends[f"legende-{number}"] = drawn
        drawing.add_child(Script(_fill(drawn.get_name(), feature_collection(layer), known)))
    folium.LayerControl(collapsed=False).add_to(drawing)
    figure = figure_of(drawing)
    figure.html.add_child(Element(_legend(layers, title=title, notice=notice, sources=sources)), name="legende")
    pairs = ", ".join(f"{json.dumps(name)}: {drawn.get_name()}" for name, drawn in legends.items())
    name = drawing.get_name()
    drawing.add_child(Script(f"observatoire.followLegend({name}, {{{pairs}}}); observatoire.speakFrench({name});"))
    bounds = _bounds(layers)
    if bounds is not None:
        drawing.add_child(Script(f"observatoire.frame({name}, {json.dumps(bounds)});"))
    return drawing


def save(drawing: folium.Map, path: Path) -> None:
    """Write a map to one HTML file, whole or not at all.

    Raises
    ------
    OutputFileError
        If the file can't be written.
    """
    text = page(drawing)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def feature_collection(layer: MapLayer) -> dict[str, Any]:
    """Return the features of a layer in EPSG:4326, simplified and rounded for display, with what the popup shows."""
    crs.require_metric(layer.frame)
    frame = layer.frame[~(layer.frame.geometry.isna() | layer.frame.geometry.is_empty)]
    if layer.simplify_m > 0:
        shapes = shapely.coverage_simplify(frame.geometry.to_numpy(), layer.simplify_m)
        frame = frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))
    shapes = frame.geometry.to_crs(crs.EXCHANGE).to_numpy()
    rounded = shapely.transform(shapes, lambda points: np.round(points, COORDINATE_DECIMALS))
    columns = ["titre", "classe", *(["source"] if "source" in frame else [])]
    named = pd.DataFrame(frame[columns]).to_dict("records")
    figures = pd.DataFrame(frame[list(layer.fields)]).astype(object)
    rows = figures.where(figures.notna(), None).to_numpy().tolist()
    return {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "geometry": json.loads(shape), "properties": {**names, "v": row}}
            for shape, names, row in zip(shapely.to_geojson(rounded), named, rows, strict=True)
        ],
    }


def _geojson(layer: MapLayer) -> folium.GeoJson:
    look = {
        "styles": {key: entry.style() for key, entry in layer.legend.items()},
        "classes": {key: entry.label for key, entry in layer.legend.items()} if layer.is_background else {},
        "fields": [(label, 0 if column.endswith("_count") else 1) for column, label in layer.fields.items()],
        "source": layer.source,
    }
    marker = folium.CircleMarker(radius=POINT_RADIUS_PX, fill=True)
    # The options of a marker are its own: it would otherwise stay in Leaflet's default pane, under the choropleths.
    marker.options["pane"] = _pane(layer)
    return folium.GeoJson(
        {"type": "FeatureCollection", "features": []},
        name=html.escape(layer.name),
        overlay=not layer.is_background,
        show=layer.is_shown,
        marker=marker,
        on_each_feature=JsCode(f"(feature, layer) => observatoire.dress(feature, layer, {_literal(look)})"),
        smooth_factor=0.5,
        pane=_pane(layer),
    )


def _pane(layer: MapLayer) -> str:
    if layer.is_background:
        return "fonds"
    return "lieux" if (layer.frame.geometry.geom_type == "Point").any() else "zones"


def _fill(name: str, collection: Mapping[str, Any], known: dict[str, str]) -> str:
    """Return the script that gives a drawn layer its features; shapes that an earlier layer wrote aren't written again.

    Parameters
    ----------
    name
        Variable of the drawn layer.
    known
        Shapes already written → their variable; added to.
    """
    features = collection["features"]
    shapes = _literal([feature["geometry"] for feature in features])
    rows = _literal([feature["properties"] for feature in features])
    declared = ""
    if shapes not in known:
        known[shapes] = f"formes_{len(known)}"
        declared = f"const {known[shapes]} = {shapes};\n"
    return f"{declared}{name}.addData(observatoire.features({known[shapes]}, {rows}));"


def _literal(value: object) -> str:
    # "<" is escaped so that no name can close the script it is written in.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _bounds(layers: Sequence[MapLayer]) -> list[list[float]] | None:
    frames = [layer.frame for layer in layers if layer.is_background and len(layer.frame)] or [
        layer.frame for layer in layers if len(layer.frame)
    ]
    if not frames:
        return None
    west, south, east, north = frames[0].to_crs(crs.EXCHANGE).total_bounds
    return [[float(south), float(west)], [float(north), float(east)]]


def _legend(layers: Sequence[MapLayer], *, title: str, notice: str, sources: Sequence[str]) -> str:
    blocks = []
    for number, layer in enumerate(layers):
        is_point = bool(len(layer.frame)) and bool((layer.frame.geometry.geom_type == "Point").any())
        items = "".join(
            f'<li><i class="{"rond" if is_point else "carre"}" '
            f'style="background:{entry.fill};opacity:{max(entry.fill_opacity, 0.35)};border-color:{entry.stroke}"></i>'
            f"{html.escape(entry.label)}</li>"
            for entry in layer.legend.values()
        )
        blocks.append(f'<section id="legende-{number}"><h2>{html.escape(layer.name)}</h2><ul>{items}</ul></section>')
    lines = "".join(f"<li>{html.escape(line)}</li>" for line in sources)
    return (
        f'<aside class="legende" aria-label="Légende"><h1>{html.escape(title)}</h1>'
        f"<details open><summary>Légende</summary>{''.join(blocks)}</details>"
        f'<details class="sources"><summary>Sources et limites</summary><p>{html.escape(notice)}</p>'
        f"<ul>{lines}</ul></details></aside>"
    )
