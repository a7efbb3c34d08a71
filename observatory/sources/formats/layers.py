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
from observatory.sources.formats import coordinates

GUESSED: Final = "{name} : système de coordonnées absent, {label} d’après ses valeurs"
SWAPPED: Final = "longitude et latitude inversées, remises en ordre"
_UNREADABLE: Final = (
    "« {name} » n’est pas une couche lisible : donnez un GeoJSON, un GeoPackage d’une couche ou un Shapefile zippé "
    "(.shp, .shx, .dbf, .prj)."
)
WORLD: Final = (-180.0, -90.0, 180.0, 90.0)
"""Beyond, coordinates aren't degrees."""


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


def opened(path: Path, *, prefer: str | None = None) -> pd.DataFrame:
    """Read a GeoJSON, a GeoPackage of one layer or a zipped Shapefile, in whatever CRS it declares.

    Parameters
    ----------
    path
        File.
    prefer
        What the name of the wanted Shapefile holds, any case, where an archive has several.

    Raises
    ------
    InputFileError
        If it can't be read, or holds several layers and none is preferred.
    """
    import pyogrio

    name, first = str(path), None
    if zipfile.is_zipfile(path):
        member = _the_one([one for one in _members(path) if one.lower().endswith(".shp")], prefer, path)
        name = f"/vsizip/{path.resolve()}/{member}"
        says = any(one.lower() == f"{member[:-4]}.cpg".lower() for one in _members(path))
        first = None if says else "utf-8"
    else:
        _the_one(_layers(path), prefer, path)
    for encoding in (first, "cp1252"):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found: pd.DataFrame = pyogrio.read_dataframe(name, encoding=encoding, datetime_as_string=True)
        except UnicodeDecodeError:
            continue
        except Exception as error:
            raise InputFileError(_UNREADABLE.format(name=path.name)) from error
        return found
    raise InputFileError(f"« {path.name} » a des textes illisibles : enregistrez-le en GeoPackage.")


def _layers(path: Path) -> list[str]:
    import pyogrio

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [str(name) for name, _ in pyogrio.list_layers(path)]
    except Exception as error:
        raise InputFileError(_UNREADABLE.format(name=path.name)) from error


def _the_one(names: list[str], prefer: str | None, path: Path) -> str:
    """Return the one layer of a file; several would leave some unread."""
    wanted = [one for one in names if prefer and prefer.lower() in one.lower()]
    found = wanted if len(wanted) == 1 else names
    if not found:
        raise InputFileError(_UNREADABLE.format(name=path.name))
    if len(found) > 1:
        raise InputFileError(
            f"« {path.name} » contient {len(found)} couches ({', '.join(found[:5])}) : donnez un fichier d’une seule."
        )
    return found[0]


def in_metres(shapes: gpd.GeoSeries, name: str, notes: list[str]) -> gpd.GeoSeries:
    """Turn shapes into EPSG:2154; what their CRS says is believed unless the values say otherwise.

    What is guessed or put right is added to ``notes``, in French.

    Raises
    ------
    InputFileError
        If no CRS is said and the values are neither degrees nor Lambert-93.
    """
    held = shapes.total_bounds
    in_metres = _lies(held, coordinates.METRES)
    is_degrees = shapes.crs is None or shapes.crs.is_geographic
    if is_degrees and in_metres:
        notes.append(coordinates.METRIC_NOTE)
        return shapes.set_crs(crs.STORAGE, allow_override=True)
    flipped = held[[1, 0, 3, 2]]
    if is_degrees and not _lies(held, coordinates.DEGREES) and _lies(flipped, coordinates.DEGREES):
        notes.append(SWAPPED)
        shapes = gpd.GeoSeries(shapely.transform(shapes.to_numpy(), lambda xy: xy[:, ::-1]), crs=shapes.crs)
    if shapes.crs is None:
        if np.isfinite(held).all() and not (_lies(held, WORLD) or _lies(flipped, WORLD)):
            raise InputFileError(
                f"« {name} » ne dit pas son système de coordonnées, et ses valeurs ne sont ni des degrés ni du "
                "Lambert-93 : indiquez-le (--crs EPSG:3857 par exemple), ou ajoutez le fichier .prj."
            )
        notes.append(GUESSED.format(name=name, label="degrés WGS 84"))
        shapes = shapes.set_crs(crs.EXCHANGE)
    return _finite(shapes.to_crs(crs.STORAGE), notes)


def _finite(shapes: gpd.GeoSeries, notes: list[str]) -> gpd.GeoSeries:
    """Empty the shapes that their coordinate system can't hold, and tell how many."""
    outlines = shapes.to_numpy()
    has_shape = ~(shapely.is_missing(outlines) | shapely.is_empty(outlines))
    is_lost = has_shape & ~np.isfinite(shapely.bounds(outlines)).all(axis=1)
    if is_lost.any():
        notes.append(f"{int(is_lost.sum())} formes hors de leur système de coordonnées : non gardées")
    return gpd.GeoSeries(np.where(is_lost, None, outlines), index=shapes.index, crs=shapes.crs)


def _lies(bounds: np.ndarray, frame: tuple[float, float, float, float]) -> bool:
    west, south, east, north = frame
    return bool(bounds[0] >= west and bounds[1] >= south and bounds[2] <= east and bounds[3] <= north)
