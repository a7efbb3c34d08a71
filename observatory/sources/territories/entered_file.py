"""A territory's own layer (CSV, XLSX, GeoJSON, GeoPackage, Shapefile; any CRS): rows with a shape in metres."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from observatory import crs
from observatory.errors import InputFileError, UsageError
from observatory.sources.batch import LINE, MALFORMED, NOTES, REPEATED_HEADER
from observatory.sources.formats import cell_text, coordinates, layers
from observatory.sources.formats.cell_text import heading
from observatory.sources.formats.other_formats import require_ours
from observatory.sources.formats.tables import headings, read_table
from observatory.sources.territories.entered_columns import FIELDS, columns_of, lon_lat, understood

UNDERSTOOD: Final = "understood"
SHAPE: Final = "shape"
"""Column of shapes, EPSG:2154; None where the row has no coordinates."""
PROBLEM: Final = "problem"
"""Column of reasons, in French, why the coordinates of a row can't be used."""


def read(
    path: Path, *, crs_name: str | None = None, layer: str | None = None, mapping: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """Read every row of a layer.

    Parameters
    ----------
    path
        File; a Shapefile is zipped.
    crs_name
        Its CRS (``EPSG:3857``) where the file doesn't say it or says it wrong.
    layer
        Which of its layers, where it has several.
    mapping
        Our name → the heading that says it, where the usual ones don't.

    Returns
    -------
    tuple
        The rows: one column of text per known field (``FIELDS``), ``attributes`` (the others, as a mapping of text),
        ``shape`` (EPSG:2154, or None), ``problem`` and ``line``; and French sentences on what was repaired.

    Raises
    ------
    InputFileError
        If the file can't be read for certain, or holds nothing.
    UsageError
        If the CRS or the layer doesn't exist.
    """
    told = _crs(crs_name)
    require_ours(path)
    mapped = mapping or {}
    is_layer = layers.is_layer(path)
    frame, notes = _layer(path, told, layer, mapped) if is_layer else _table(path, told, mapped)
    if frame.empty:
        raise InputFileError(f"« {path.name} » ne contient aucune ligne : vérifiez le fichier.")
    return frame, [*frame.attrs.get(UNDERSTOOD, ()), *notes]


def _crs(name: str | None) -> pyproj.CRS | None:
    if name is None:
        return None
    try:
        return pyproj.CRS.from_user_input(name)
    except pyproj.exceptions.CRSError as error:
        raise UsageError(
            f"Le système de coordonnées « {name} » n’existe pas : écrivez par exemple EPSG:2154 ou EPSG:4326."
        ) from error


def _table(path: Path, told: pyproj.CRS | None, mapping: Mapping[str, str]) -> tuple[pd.DataFrame, list[str]]:
    known = {
        name: tuple(sorted({one.replace("_", " ") for one in names} | {*names, mapping.get(name, names[0])}))
        for name, names in FIELDS.items()
    }
    found = [one for one in headings(path, known) or headings(path, {"any": ("*",)}) if one]
    keys = {f"column {rank}": one for rank, one in enumerate(found)}  # headings may be names of ours
    rows = read_table(path, {key: (one,) for key, one in keys.items()}, optional=keys, missing=frozenset({""}))
    frame = _fields(rows[list(keys)].rename(columns=keys), rows[LINE], mapping, path.name)
    _take_positions(frame)
    lon, lat = (pd.Series([cell_text.number(one) for one in frame[name]], index=frame.index, dtype=float)
                for name in ("longitude", "latitude"))  # fmt: skip
    unreadable = (frame["longitude"].notna() & lon.isna()) | (frame["latitude"].notna() & lat.isna())
    has_any = frame["longitude"].notna() | frame["latitude"].notna()
    if told is not None and told.to_epsg() != crs.EXCHANGE:
        turn = pyproj.Transformer.from_crs(told, crs.STORAGE, always_xy=True)
        x, y = turn.transform(lon.to_numpy(), lat.to_numpy())
        fine = np.isfinite(x) & np.isfinite(y)
        problem = _objects([None if one else "coordonnées hors du système indiqué" for one in fine], frame.index)
        notes = list(rows.attrs[NOTES])
    else:
        repaired = coordinates.repaired(lon, lat)
        turn = pyproj.Transformer.from_crs(crs.EXCHANGE, crs.STORAGE, always_xy=True)
        x, y = turn.transform(repaired["lon"].to_numpy(), repaired["lat"].to_numpy())
        problem = _objects([None if one in coordinates.KEPT else one for one in repaired["note"]], frame.index)
        counts = repaired["note"].value_counts()
        notes = [*rows.attrs[NOTES], *(f"{counts[one]} points : {one}" for one in coordinates.KEPT if one in counts)]
    problem[unreadable] = "longitude ou latitude illisible"
    shapes = [shapely.Point(a, b) if np.isfinite(a) and np.isfinite(b) else None for a, b in zip(x, y, strict=True)]
    frame[SHAPE] = _objects(shapes, frame.index)
    frame[PROBLEM] = _objects([why if said else None for why, said in zip(problem, has_any, strict=True)], frame.index)
    frame.loc[rows[REPEATED_HEADER], PROBLEM] = cell_text.REPEATED_REASON
    if MALFORMED in rows:
        frame[PROBLEM] = rows[MALFORMED].combine_first(frame[PROBLEM])
    return frame, notes


def _layer(
    path: Path, told: pyproj.CRS | None, name: str | None, mapping: Mapping[str, str]
) -> tuple[pd.DataFrame, list[str]]:
    layer = layers.opened(path, layer=name)
    notes: list[str] = list(layer.attrs[NOTES])
    shapes = (
        gpd.GeoSeries(layer.geometry) if isinstance(layer, gpd.GeoDataFrame) else gpd.GeoSeries([None] * len(layer))
    )
    if told is not None:
        shapes = shapes.set_crs(told, allow_override=True)
    shapes = layers.in_metres(shapes, path.name, notes)
    rows = pd.DataFrame(layer.drop(columns=layer.geometry.name) if isinstance(layer, gpd.GeoDataFrame) else layer)
    rows.columns = pd.Index(_told_apart([str(one) for one in rows.columns], notes))
    texts = rows.astype(object).map(_text)
    frame = _fields(texts, pd.Series(range(1, len(texts) + 1), index=texts.index), mapping, path.name)
    west, south, east, north = coordinates.METRES
    bounds = shapes.bounds.to_numpy(dtype=float)
    inside = (bounds[:, 0] >= west) & (bounds[:, 1] >= south) & (bounds[:, 2] <= east) & (bounds[:, 3] <= north)
    is_empty = (shapes.isna() | shapes.is_empty).to_numpy()
    valid = [None if gone else shapely.make_valid(shape) for shape, gone in zip(shapes, is_empty, strict=True)]
    fine = is_empty | inside
    frame[SHAPE] = _objects(valid, frame.index)
    frame[PROBLEM] = _objects([None if one else coordinates.ELSEWHERE_NOTE for one in fine], frame.index)
    return frame, notes


def _told_apart(names: list[str], notes: list[str]) -> list[str]:
    """Return headings, those that differ by case or accents alone numbered; notes say which one is taken."""
    found: dict[str, str] = {}
    for name in names:
        key, rank = heading(name) or "sans titre", 1
        while (numbered := key if rank == 1 else f"{key} ({rank})") in found:
            rank += 1
        if rank > 1:
            notes.append(f"Colonnes « {found[key]} » et « {name} » : la seconde est lue à part, « {numbered} ».")
        found[numbered] = name
    return list(found)


def _take_positions(frame: pd.DataFrame) -> None:
    """Give longitude and latitude to the rows that say both in one cell, and to no other."""
    is_bare = frame["longitude"].isna() & frame["latitude"].isna() & frame["position"].notna()
    for index, text in frame.loc[is_bare, "position"].items():
        found = lon_lat(text)
        # What can't be read is left as the longitude, which then says so for the row.
        lon, lat = (text, text) if found is None else (repr(found[0]), repr(found[1]))
        frame.loc[index, ["longitude", "latitude"]] = [lon, lat]


def _fields(rows: pd.DataFrame, lines: pd.Series, mapping: Mapping[str, str], file_name: str) -> pd.DataFrame:
    """Return the known fields, and the other columns aside; what was understood is attached, in French."""
    present = [str(one) for one in rows.columns if one]
    columns = columns_of(present, mapping, file_name)
    frame = pd.DataFrame(index=rows.index)
    for name in FIELDS:
        frame[name] = rows[columns[name]] if name in columns else None
    others = [one for one in present if one not in columns.values()]
    records = rows.to_dict("records")
    said = [{key: row[key] for key in others if isinstance(row[key], str)} for row in records]
    frame["attributes"] = _objects(said, rows.index)
    frame[LINE] = lines
    frame.attrs[UNDERSTOOD] = (understood(columns, present),)
    return frame


def _objects(values: list[Any], index: pd.Index) -> pd.Series:
    """Return a column of plain objects."""
    return pd.Series(values, index=index, dtype="object")


def _text(value: Any) -> str | None:  # noqa: ANN401 - a cell of any type
    if isinstance(value, (list, tuple, np.ndarray)):
        return ", ".join(str(one) for one in value) or None
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    if value is None or value != value:  # noqa: PLR0124 - NaN is not itself
        return None
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return text.strip() or None
