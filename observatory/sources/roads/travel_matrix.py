"""A matrix of real travel times and the points it is about, from files that a user supplies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from observatory.access.pairs import Floats, Indices
from observatory.errors import InputFileError

Unit = Literal["min", "s"]

_ORIGIN: Final = ("origin", "origin_id", "from_id", "from", "origine")
_DESTINATION: Final = ("destination", "destination_id", "to_id", "to", "dest")
_MINUTES: Final = ("minutes", "duration_min", "travel_time", "travel_time_p50", "duree_min", "duration", "time")
_SECONDS: Final = ("seconds", "duration_s", "duree_s")
_ID: Final = ("id", "code", "insee", "name", "nom")
_LON: Final = ("lon", "longitude", "lng")
_LAT: Final = ("lat", "latitude")
_PERSONS: Final = ("demand", "population_count", "population", "persons", "personnes", "habitants")
_UNITS: Final = ("supply", "capacity_count", "capacity", "capacite", "offre", "places")
_DENSITY: Final = ("density", "densite", "dens", "density_level")
_IDENTIFIERS: Final = frozenset((*_ORIGIN, *_DESTINATION, *_ID))


@dataclass(frozen=True, slots=True)
class Matrix:
    """Pairs as they are in the file, with their own identifiers; all arrays ``(n_pairs,)``."""

    origin_id: pd.Series[str]
    destination_id: pd.Series[str]
    duration_min: Floats


@dataclass(frozen=True, slots=True)
class Points:
    """Points of a matrix: identifiers, degrees or metres, density levels (0 where unknown)."""

    id: pd.Index[str]
    xy: Floats
    is_geographic: bool
    """Degrees (EPSG:4326) if true, planar metres otherwise."""
    density: np.ndarray


def read_matrix(path: Path, *, unit: Unit | None = None) -> Matrix:
    """Read a matrix of durations, one pair per row or one origin per row.

    A long file has a column of origins, one of destinations and one of durations, under usual names (``from_id``,
    ``to_id``, ``travel_time``…). In any other file the first column is the origin,
    and each other column a destination.

    Parameters
    ----------
    path
        CSV (comma, semicolon or tab; UTF-8 or Windows-1252; decimal point or comma) or Parquet.
    unit
        Unit of the durations; ``None``: what the column's name says, else minutes.

    Raises
    ------
    InputFileError
        If the file can't be read as a matrix.
    """
    frame = _table(path)
    origin, destination = _column(frame, _ORIGIN), _column(frame, _DESTINATION)
    if origin is None or destination is None:
        return _wide(frame, path, unit)
    duration = _column(frame, _MINUTES) or _column(frame, _SECONDS)
    if duration is None:
        raise InputFileError(f"{path.name} n’a pas de colonne de durée : nommez-la « minutes » ou « seconds ».")
    in_seconds = unit == "s" or (unit is None and duration.lower() in _SECONDS)
    return Matrix(
        _names(frame[origin]),
        _names(frame[destination]),
        _numbers(frame, duration, path) / (60.0 if in_seconds else 1.0),
    )


def read_points(path: Path) -> Points:
    """Read the points of a matrix: an identifier, ``lon`` and ``lat`` or ``x_m`` and ``y_m``, and a density level.

    Raises
    ------
    InputFileError
        If the file has no usable identifier or coordinates, or gives the same identifier twice.
    """
    frame = _table(path)
    identifier = _column(frame, _ID)
    lon, lat = _column(frame, _LON), _column(frame, _LAT)
    x, y = _column(frame, ("x_m", "x")), _column(frame, ("y_m", "y"))
    is_geographic = lon is not None and lat is not None
    horizontal, vertical = (lon, lat) if is_geographic else (x, y)
    if identifier is None or horizontal is None or vertical is None:
        raise InputFileError(
            f"{path.name} doit avoir une colonne « id », et « lon » et « lat » (degrés) ou « x_m » et « y_m » (mètres)."
        )
    xy = np.column_stack((_numbers(frame, horizontal, path), _numbers(frame, vertical, path)))
    index = pd.Index(_names(frame[identifier]))
    if not index.is_unique or not bool(np.isfinite(xy).all()):
        raise InputFileError(f"{path.name} : chaque point doit avoir un identifiant à lui et des coordonnées.")
    level = _column(frame, _DENSITY)
    density = np.zeros(len(frame), dtype=np.int8)
    if level is not None:
        density = pd.to_numeric(frame[level], errors="coerce").fillna(0).to_numpy().astype(np.int8)
    return Points(index, xy, is_geographic, density)


def read_demand(path: Path) -> tuple[Points, Floats]:
    """Read points with the persons at each (``population_count``, ``demand``…).

    Raises
    ------
    InputFileError
        If the file has no such column, or is not a file of points.
    """
    persons = _quantity(path, _PERSONS)
    if persons is None:
        raise InputFileError(f"{path.name} n’a pas de colonne de personnes : nommez-la « population_count ».")
    return read_points(path), persons


def read_supply(path: Path) -> tuple[Points, Floats]:
    """Read sites with the units of supply of each (``supply``, ``capacity``…); one unit each without such a column.

    Raises
    ------
    InputFileError
        If the file is not a file of points.
    """
    points, units = read_points(path), _quantity(path, _UNITS)
    return points, np.ones(len(points.id)) if units is None else units


def _quantity(path: Path, names: tuple[str, ...]) -> Floats | None:
    frame = _table(path)
    column = _column(frame, names)
    return None if column is None else _numbers(frame, column, path)


def normalise(matrix: Matrix, points: Points) -> tuple[Indices, Indices, np.ndarray, Floats]:
    """Return the positions of both ends of each pair, which pairs have both, and their straight lines in metres.

    Distances are geodesic (GRS 80) between degrees, planar between metres; NaN where a point is unknown.
    """
    origin, destination = (
        points.id.get_indexer(pd.Index(identifier)).astype(np.int64)
        for identifier in (matrix.origin_id, matrix.destination_id)
    )
    is_known = (origin >= 0) & (destination >= 0)
    distance = np.full(origin.size, np.nan)
    start, end = points.xy[origin[is_known]], points.xy[destination[is_known]]
    if points.is_geographic:
        from pyproj import Geod

        distance[is_known] = Geod(ellps="GRS80").inv(start[:, 0], start[:, 1], end[:, 0], end[:, 1])[2]
    else:
        distance[is_known] = np.hypot(*(end - start).T)
    return origin, destination, is_known, distance


def _wide(frame: pd.DataFrame, path: Path, unit: Unit | None) -> Matrix:
    if frame.shape[1] < 2:  # noqa: PLR2004
        raise InputFileError(f"{path.name} n’est pas une matrice : il faut une origine par ligne et des durées.")
    destinations = [str(name).strip() for name in frame.columns[1:]]
    durations = np.column_stack([_numbers(frame, name, path) for name in frame.columns[1:]])
    return Matrix(
        _names(frame.iloc[:, 0]).repeat(len(destinations)).reset_index(drop=True),
        pd.Series(destinations * len(frame), dtype=str),
        durations.ravel() / (60.0 if unit == "s" else 1.0),
    )


def _table(path: Path) -> pd.DataFrame:
    """Read a file whose identifiers stay as they are written, leading zeros included."""
    if not path.is_file():
        raise InputFileError(f"Le fichier {path.name} est introuvable : vérifiez le chemin.")
    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        return _csv(path)
    except pd.errors.EmptyDataError as error:
        raise InputFileError(f"{path.name} est vide.") from error
    except (ValueError, OSError) as error:
        raise InputFileError(f"{path.name} n’est pas un fichier CSV ou Parquet lisible ({error}).") from error


def _csv(path: Path) -> pd.DataFrame:
    encoding = _encoding(path)
    with path.open(encoding=encoding) as file:
        header = file.readline()
    form: dict[str, Any] = {"sep": max(",;\t", key=header.count), "encoding": encoding}
    names = pd.read_csv(path, nrows=0, **form).columns
    as_written = {name: str for k, name in enumerate(names) if k == 0 or str(name).strip().lower() in _IDENTIFIERS}
    frame: pd.DataFrame = pd.read_csv(path, dtype=as_written, **form)
    return frame


def _encoding(path: Path) -> str:
    """Return UTF-8, or what French spreadsheets write when the file isn't that."""
    try:
        path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _names(values: pd.Series[Any]) -> pd.Series[str]:
    return values.astype(str).str.strip()


def _column(frame: pd.DataFrame, names: tuple[str, ...]) -> str | None:
    """Return the column whose name, in lower case, is one of these, the first that is found."""
    by_name = {str(column).strip().lower(): str(column) for column in frame.columns}
    return next((by_name[name] for name in names if name in by_name), None)


def _numbers(frame: pd.DataFrame, column: str, path: Path) -> Floats:
    """Return a column as floats, NaN where empty; a decimal comma will do."""
    values = frame[column]
    try:
        if pd.api.types.is_string_dtype(values) or values.dtype == object:
            text = values.astype("string").str.strip().str.replace(",", ".", regex=False)
            return pd.to_numeric(text.mask(text == "")).to_numpy(dtype=np.float64, na_value=np.nan)
        return pd.to_numeric(values).to_numpy(dtype=np.float64, na_value=np.nan)
    except (ValueError, TypeError) as error:
        raise InputFileError(f"{path.name}, colonne « {column} » : une valeur n’est pas un nombre.") from error
