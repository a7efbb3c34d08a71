"""The three coordinate reference systems of the project, and the guard of every function that measures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from observatory.errors import MetricCrsError

if TYPE_CHECKING:
    import geopandas as gpd

STORAGE: Final = 2154
"""RGF93 v1 / Lambert-93, metres: storage and every measure."""
EXCHANGE: Final = 4326
"""WGS 84, degrees: files and APIs."""
TILES: Final = 3857
"""WGS 84 / Pseudo-Mercator: map tiles only, never a measure."""


def require_metric(frame: gpd.GeoDataFrame | gpd.GeoSeries) -> None:
    """Raise unless ``frame`` is in a projected CRS whose unit is the metre and which is fit to measure with.

    Raises
    ------
    MetricCrsError
        If the CRS is missing, geographic, not in metres, or the tile projection (whose metres are stretched).
    """
    crs = frame.crs
    if crs is None or not crs.is_projected or crs.to_epsg() == TILES or crs.axis_info[0].unit_name != "metre":
        label = "sans système de coordonnées" if crs is None else f"en {crs.to_string()}"
        raise MetricCrsError(
            f"Ces géométries sont {label} : reprojetez-les en Lambert-93 (EPSG:{STORAGE}) avant de mesurer."
        )
