"""Shapes of a file (GeoJSON, GeoPackage, zipped Shapefile) in metres, whatever CRS it declares, or forgets."""

from __future__ import annotations

import re
import warnings
import zipfile
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from observatory import crs
from observatory.errors import InputFileError, UsageError
from observatory.sources.batch import NOTES
from observatory.sources.formats import coordinates, record_counts
from observatory.sources.formats.record_counts import Counted
from observatory.words.grammar import plural

GUESSED: Final = "{name} : système de coordonnées absent, {label} d’après ses valeurs"
SWAPPED: Final = "longitude et latitude inversées, remises en ordre"
_UNREADABLE: Final = (
    "« {name} » n’est pas une couche lisible : donnez un GeoJSON, un GeoPackage d’une couche ou un Shapefile zippé "
    "(.shp, .shx, .dbf, .prj)."
)
WORLD: Final = (-180.0, -90.0, 180.0, 90.0)
"""Beyond, coordinates aren't degrees."""
OF_PROGRAMS: Final = frozenset({"layer_styles", "qgis_projects"})
"""Layers that QGIS keeps beside those of people."""
MEASURED: Final = re.compile(r"Measured|\bZ?M$")
CURVED: Final = re.compile(r"Curve|Circular|Surface")
"""What GDAL calls such types of geometry."""
SHOWN: Final = 5


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
    """Return what an archive holds, without what macOS adds to it (``__MACOSX/``, ``._*``)."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile as error:
        raise InputFileError(f"« {path.name} » est une archive abîmée : refaites-la.") from error
    return [one for one in names if not one.startswith("__MACOSX/") and not one.rpartition("/")[2].startswith("._")]


def opened(path: Path, *, prefer: str | None = None, layer: str | None = None) -> pd.DataFrame:
    """Read a layer of a GeoJSON, a GeoPackage or a zipped Shapefile, in whatever CRS it declares.

    Shapes come without altitude nor measure, curves as the lines that follow them; ``attrs["notes"]`` says, in French,
    what was dropped of them and which other layers were left.

    Parameters
    ----------
    path
        File.
    prefer
        What the name of the wanted layer is, or holds, any case, where there are several.
    layer
        Name of the layer that the user asks for.

    Raises
    ------
    InputFileError
        If it can't be read, if features of it were not, or if it holds several layers and none is preferred.
    UsageError
        If it has no layer of that name.
    """
    notes: list[str] = []
    if zipfile.is_zipfile(path):
        members = _members(path)
        found = {Path(one).stem: one for one in members if one.lower().endswith(".shp")}
        member = found[_the_one(list(found), path, prefer=prefer, layer=layer)]
        says = any(one.lower() == f"{member[:-4]}.cpg".lower() for one in members)
        return _read(f"/vsizip/{path.resolve()}/{member}", None, path, notes, first=None if says else "utf-8")
    name = _the_one(_layers(path, notes), path, prefer=prefer, layer=layer)
    return _read(str(path), name, path, notes, first=None)


def names(path: Path) -> list[str]:
    """Return the names of all the layers of a file.

    Raises
    ------
    InputFileError
        If it can't be read.
    """
    import pyogrio

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [str(name) for name, _ in pyogrio.list_layers(path)]
    except Exception as error:
        raise InputFileError(_UNREADABLE.format(name=path.name)) from error


def read_layer(path: Path, name: str) -> pd.DataFrame:
    """Read one layer of a file, with shapes or without, as :func:`opened` does.

    Raises
    ------
    InputFileError
        If it can't be read, or if features of it were not.
    """
    return _read(str(path), name, path, [], first=None)


def _read(dataset: str, layer: str | None, path: Path, notes: list[str], *, first: str | None) -> pd.DataFrame:
    """Read a layer, and compare it with what its driver says that it holds."""
    import pyogrio

    for encoding in (first, "cp1252"):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                held = pyogrio.read_info(dataset, layer=layer, encoding=encoding, force_feature_count=True)
                found: pd.DataFrame = pyogrio.read_dataframe(
                    dataset, layer=layer, encoding=encoding, datetime_as_string=True, on_invalid="fix"
                )
        except UnicodeDecodeError:
            continue
        except Exception as error:
            raise InputFileError(_UNREADABLE.format(name=path.name)) from error
        columns = len(found.columns) - isinstance(found, gpd.GeoDataFrame)
        record_counts.require_all(
            path.name, Counted(held["features"], len(held["fields"])), Counted(len(found), columns)
        )
        return _flat(found, str(held["geometry_type"] or ""), notes)
    raise InputFileError(f"« {path.name} » a des textes illisibles : enregistrez-le en GeoPackage.")


def _flat(layer: pd.DataFrame, kind: str, notes: list[str]) -> pd.DataFrame:
    """Drop what shapes say beyond their place, and note it."""
    if isinstance(layer, gpd.GeoDataFrame):
        outlines = layer.geometry.to_numpy()
        high = int(shapely.has_z(outlines).sum())
        if high:
            notes.append(f"{high} {plural(high, 'forme')} avec une altitude (Z) : elle n’est pas gardée.")
            layer = layer.set_geometry(gpd.GeoSeries(shapely.force_2d(outlines), index=layer.index, crs=layer.crs))
        if MEASURED.search(kind):
            notes.append("Formes avec une mesure (M) : elle n’est pas gardée.")
        if CURVED.search(kind):
            notes.append("Courbes : gardées comme les lignes brisées qui les suivent.")
    layer.attrs[NOTES] = tuple(notes)
    return layer


def _layers(path: Path, notes: list[str]) -> list[str]:
    """Return the layers that may be meant: those with shapes if any has, without those of programs."""
    import pyogrio

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            listed = [(str(name), kind) for name, kind in pyogrio.list_layers(path)]
            own = [(name, kind) for name, kind in listed if name.lower() not in OF_PROGRAMS]
            shaped = [name for name, kind in own if kind is not None]
            empty = [
                name
                for name in shaped
                if len(shaped) > 1 and not pyogrio.read_info(path, layer=name, force_feature_count=True)["features"]
            ]
    except Exception as error:
        raise InputFileError(_UNREADABLE.format(name=path.name)) from error
    kept = [name for name in shaped if name not in empty] or shaped or [name for name, _ in own]
    left = [name for name, _ in own if name not in kept]
    if left:
        notes.append(f"Couches sans forme, non lues : {', '.join(left)}.")
    return kept


def _the_one(names: list[str], path: Path, *, prefer: str | None, layer: str | None) -> str:
    """Return the one layer of a file that is meant; several would leave some unread."""
    if layer is not None:
        asked = [one for one in names if one.lower() == layer.lower()]
        if not asked:
            held = ", ".join(names) or "aucune"
            raise UsageError(f"« {path.name} » n’a pas la couche « {layer} » (il a : {held}).")
        return asked[0]
    exact = [one for one in names if prefer and prefer.lower() == one.lower()]
    wanted = exact or [one for one in names if prefer and prefer.lower() in one.lower()]
    found = wanted if len(wanted) == 1 else names
    if not found:
        raise InputFileError(_UNREADABLE.format(name=path.name))
    if len(found) > 1:
        raise InputFileError(
            f"« {path.name} » contient {len(found)} couches ({', '.join(found[:SHOWN])}) : donnez un fichier d’une "
            "seule, ou, pour la saisie d’un territoire, nommez-la par --from-layer."
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
