"""Write a layer to a file in an open format, its sources with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pandas as pd
import shapely

from observatory.errors import UsageError
from observatory.publish.csv_text import FORMS, Form, table
from observatory.publish.export_layers import COORDINATE_DECIMALS, Layer
from observatory.whole_file import replacing


def write_layer(layer: Layer, path: Path, *, file_format: str) -> list[Path]:
    """Write ``layer`` and its sources, whole or not at all.

    Parameters
    ----------
    path
        File to write; CSV adds ``<name>.sources.csv`` beside it, the other formats hold the sources inside.
    file_format
        ``geojson``, ``csv`` (for programs), ``csv-fr`` (for French spreadsheets), ``gpkg`` or ``parquet``.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    UsageError
        If the format is unknown, or the layer has no place and the format needs one.
    OutputFileError
        If a file can't be written.
    """
    if file_format not in WRITERS:
        raise UsageError(f"Le format « {file_format} » n’existe pas : choisissez parmi {', '.join(WRITERS)}.")
    if file_format == "geojson" and not isinstance(layer.frame, gpd.GeoDataFrame):
        raise UsageError(f"La couche « {layer.name} » n’a pas de lieu : choisissez csv, gpkg ou parquet.")
    with replacing(path) as temporary:
        WRITERS[file_format](layer, temporary)
    if file_format not in FORMS:
        return [path]
    companion = path.with_suffix(".sources.csv")
    with replacing(companion) as temporary:
        _write_table(layer.sources, temporary, FORMS[file_format])
    return [path, companion]


def _write_geojson(layer: Layer, path: Path) -> None:
    frame = layer.frame
    shapes = shapely.to_geojson(shapely.transform(frame.geometry.to_numpy(), lambda xy: xy.round(COORDINATE_DECIMALS)))
    records = _records(frame.drop(columns="geometry"))
    document = {
        "type": "FeatureCollection",
        "name": layer.name,
        "description": layer.description,
        "sources": _records(layer.sources),
        "features": [
            {"type": "Feature", "geometry": None if shape is None else json.loads(shape), "properties": record}
            for shape, record in zip(shapes, records, strict=True)
        ],
    }
    path.write_text(json.dumps(document, ensure_ascii=False, default=str, allow_nan=False), encoding="utf-8")


def _write_csv(layer: Layer, path: Path, *, form: Form) -> None:
    frame = pd.DataFrame(layer.frame.drop(columns="geometry", errors="ignore"))
    if isinstance(layer.frame, gpd.GeoDataFrame) and set(layer.frame.geom_type.dropna()) <= {"Point"}:
        frame["lon"] = layer.frame.geometry.x.round(COORDINATE_DECIMALS)
        frame["lat"] = layer.frame.geometry.y.round(COORDINATE_DECIMALS)
    _write_table(frame, path, form)


def _write_table(frame: pd.DataFrame, path: Path, form: Form) -> None:
    rows = frame.astype(object).where(frame.notna(), None).itertuples(index=False, name=None)
    path.write_text(table(list(frame.columns), rows, form), encoding="utf-8", newline="")


def _write_gpkg(layer: Layer, path: Path) -> None:
    import pyogrio

    for name, frame in ((layer.name, layer.frame), ("sources", layer.sources)):
        if frame is layer.sources and layer.name == "sources":
            continue
        pyogrio.write_dataframe(frame, path, layer=name, driver="GPKG", append=path.exists())


def _write_parquet(layer: Layer, path: Path) -> None:
    import pyarrow.parquet as pq

    if isinstance(layer.frame, gpd.GeoDataFrame):
        layer.frame.to_parquet(path, index=False, compression="zstd")
    else:
        layer.frame.to_parquet(path, index=False, compression="zstd")
    table = pq.read_table(path)
    told = {
        b"description": layer.description.encode("utf-8"),
        b"sources": json.dumps(_records(layer.sources), ensure_ascii=False, default=str).encode("utf-8"),
    }
    pq.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), **told}), path, compression="zstd")


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as mappings where an unknown value is None, whatever its type."""
    plain = pd.DataFrame(frame).astype(object)
    return [{str(k): v for k, v in row.items()} for row in plain.where(plain.notna(), None).to_dict("records")]


WRITERS: Final[dict[str, Callable[[Layer, Path], None]]] = {
    "geojson": _write_geojson,
    **{name: partial(_write_csv, form=form) for name, form in FORMS.items()},
    "gpkg": _write_gpkg,
    "parquet": _write_parquet,
}
