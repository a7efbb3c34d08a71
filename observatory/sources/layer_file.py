"""Shapes of a file (GeoJSON, GeoPackage, zipped Shapefile) in metres, whatever CRS it declares, or forgets."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from observatory import crs
from observatory.errors import InputFileError
from observatory.sources import points

GUESSED: Final = "{name} : système de coordonnées absent, {label} d'après ses valeurs"
SWAPPED: Final = "longitude et latitude inversées, remises en ordre"


def is_layer(path: Path) -> bool:
    """Tell a file of shapes, by its content, from a table.

    Raises
    ------
    InputFileError
        If it is absent, unreadable, or a damaged archive.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except FileNotFoundError as error:
        raise InputFileError(f"Le fichier « {path} » est introuvable : indiquez le bon chemin.") from error
    except OSError as error:
        raise InputFileError(f"« {path} » est illisible : vérifiez que c’est un fichier, et ses droits.") from error
    if head.startswith(b"PK"):
        return any(name.lower().endswith(".shp") for name in _members(path))
    return head.startswith(b"SQLite format 3") or head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{")


def _members(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except zipfile.BadZipFile as error:
        raise InputFileError(f"« {path.name} » est une archive abîmée : refaites-la.") from error


def opened(path: Path) -> pd.DataFrame:
    """Read a GeoJSON, a GeoPackage of one layer or a zipped Shapefile, in whatever CRS it declares.

    Raises
    ------
    InputFileError
        If it can't be read.
    """
    import pyogrio

    name, first = str(path), None
    if zipfile.is_zipfile(path):
        member = next(one for one in _members(path) if one.lower().endswith(".shp"))
        name = f"/vsizip/{path.resolve()}/{member}"
        says = any(one.lower().endswith(".cpg") for one in _members(path))
        first = None if says else "utf-8"
    for encoding in (first, "cp1252"):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found: pd.DataFrame = pyogrio.read_dataframe(name, encoding=encoding, datetime_as_string=True)
        except UnicodeDecodeError:
            continue
        except Exception as error:
            raise InputFileError(
                f"« {path.name} » n’est pas une couche lisible : donnez un GeoJSON, un GeoPackage d’une couche ou un "
                "Shapefile zippé (.shp, .shx, .dbf, .prj)."
            ) from error
        return found
    raise InputFileError(f"« {path.name} » a des textes illisibles : enregistrez-le en GeoPackage.")


def in_metres(shapes: gpd.GeoSeries, name: str, notes: list[str]) -> gpd.GeoSeries:
    """Turn shapes into EPSG:2154; what their CRS says is believed unless the values say otherwise.

    What is guessed or put right is added to ``notes``, in French.
    """
    held = shapes.total_bounds
    in_metres = _lies(held, points.METRES)
    is_degrees = shapes.crs is None or shapes.crs.is_geographic
    if is_degrees and in_metres:
        notes.append(points.METRIC_NOTE)
        return shapes.set_crs(crs.STORAGE, allow_override=True)
    flipped = held[[1, 0, 3, 2]]
    if is_degrees and not _lies(held, points.DEGREES) and _lies(flipped, points.DEGREES):
        notes.append(SWAPPED)
        shapes = gpd.GeoSeries(shapely.transform(shapes.to_numpy(), lambda xy: xy[:, ::-1]), crs=shapes.crs)
    if shapes.crs is None:
        notes.append(GUESSED.format(name=name, label="degrés WGS 84"))
        shapes = shapes.set_crs(crs.EXCHANGE)
    return shapes.to_crs(crs.STORAGE)


def _lies(bounds: np.ndarray, frame: tuple[float, float, float, float]) -> bool:
    west, south, east, north = frame
    return bool(bounds[0] >= west and bounds[1] >= south and bounds[2] <= east and bounds[3] <= north)
