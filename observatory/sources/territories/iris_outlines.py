"""Outlines of IRIS (IGN and INSEE, Contours…IRIS 2020): ``geojson`` with ``iris_code, commune_code``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd
import shapely

from observatory import crs
from observatory.errors import InputFileError
from observatory.sources.formats import layers

SOURCE_ID: Final = "ign_iris_2020"
FILE: Final = "iris2020_outlines_subcommune_and_aurseulles.geojson"
COLUMNS: Final = ("iris_code", "commune_code")


def read(path: Path) -> gpd.GeoDataFrame:
    """Read the outlines: ``iris_code, commune_code`` and valid polygons in EPSG:2154.

    Raises
    ------
    InputFileError
        If the file is absent, isn't a layer, or lacks a column.
    """
    frame = layers.opened(path)
    absent = [name for name in COLUMNS if name not in frame]
    if absent or not isinstance(frame, gpd.GeoDataFrame):
        raise InputFileError(
            f"Le fichier « {path.name} » n’a pas les contours des IRIS (iris_code, commune_code) : vérifiez que c’est "
            "le bon fichier."
        )
    shapes = layers.in_metres(gpd.GeoSeries(frame.geometry), path.name, [])
    return gpd.GeoDataFrame(frame[list(COLUMNS)], geometry=shapely.make_valid(shapes.to_numpy()), crs=crs.STORAGE)


def of_communes(outlines: gpd.GeoDataFrame, successor: dict[str, str], communes: set[str]) -> gpd.GeoSeries:
    """Return the outline of each of some communes of today, from those of the IRIS that made them.

    Parameters
    ----------
    outlines
        As read.
    successor
        Former commune code → present code.
    communes
        Those wanted; one without IRIS is left out.
    """
    today = outlines["commune_code"].map(lambda code: successor.get(code, code))
    parts = {code: rows.union_all() for code, rows in outlines.geometry.groupby(today) if code in communes}
    return gpd.GeoSeries(pd.Series(parts, dtype=object), crs=outlines.crs)
