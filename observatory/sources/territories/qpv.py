"""Quartiers prioritaires de la politique de la ville, 2024 perimeters (ANCT)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from observatory import crs
from observatory.errors import InputFileError
from observatory.sources.batch import LINE, Batch, Sieve
from observatory.sources.formats import layers
from observatory.sources.formats.cell_text import UNKNOWN_COMMUNE, code_list
from observatory.sources.formats.encodings import read_text
from observatory.sources.registry import Source
from observatory.sources.territories.coverage import multipolygons

FILE: Final = "qpv_2024.geojson"
_NOT_IT: Final = (
    "Le fichier « {name} » n’est pas la couche des quartiers prioritaires (code_qp, lib_qp, insee_com) : reprenez-le "
    "auprès de son producteur."
)
SOURCE_ID: Final = "anct_qpv_2024"
VINTAGE: Final = "2024 (décret 2023-1314)"
OF_2015: Final = "QP"
"""How the codes of the perimeters of 2015 begin; those of 2024 begin with QN."""
PROPERTIES: Final = {
    "qpv_code": ("qpv_code", "code_qp"),
    "qpv_name": ("qpv_name", "lib_qp", "nom_qp"),
    "commune_codes": ("commune_codes", "insee_com", "commune_qp"),
}
"""Our name → the names, whatever their case, in the table of figures, in the ANCT's 2024 file, and in its 2015 file."""


def read(path: Path) -> gpd.GeoDataFrame:
    """Read a GeoJSON or a zipped Shapefile, in any CRS; ``line`` is the rank of the feature.

    Returns
    -------
    geopandas.GeoDataFrame
        ``qpv_code, qpv_name, commune_codes`` as text, shapes in EPSG:2154.

    Raises
    ------
    InputFileError
        If the file is absent, is not a layer, is empty, or lacks a property.
    """
    if not layers.is_layer(path):
        read_text(path)  # which says what else it is
        raise InputFileError(_NOT_IT.format(name=path.name))
    layer = layers.opened(path, prefer="wgs84")
    names = {str(name).lower(): name for name in layer.columns}
    found = {ours: next((names[one] for one in theirs if one in names), None) for ours, theirs in PROPERTIES.items()}
    if layer.empty or None in found.values() or not isinstance(layer, gpd.GeoDataFrame):
        raise InputFileError(_NOT_IT.format(name=path.name))
    notes: list[str] = []
    shapes = layers.in_metres(gpd.GeoSeries(layer.geometry), path.name, notes)
    texts = {ours: pd.Series([_text(one) for one in layer[theirs]], dtype=object) for ours, theirs in found.items()}
    frame = gpd.GeoDataFrame(texts, geometry=shapes.to_numpy(), crs=crs.STORAGE)
    return frame.assign(**{LINE: range(1, len(frame) + 1)})


def normalise(frame: gpd.GeoDataFrame, *, communes: set[str], file_name: str = FILE) -> Batch:
    """Keep the quartiers of Normandy; a quartier may lie in several communes.

    Returns
    -------
    Batch
        Frame (GeoDataFrame, EPSG:2154): ``code, name, commune_codes`` (list)``, geometry``.

    Raises
    ------
    InputFileError
        If they are the perimeters of 2015, which :mod:`observatory.sources.territories.qpv_2015` reads.
    """
    if frame["qpv_code"].fillna("").str.startswith(OF_2015).any():
        raise InputFileError(
            f"« {file_name} » donne les quartiers prioritaires de 2015, que ceux du décret 2023-1314 ont remplacés : "
            "chargez-les à part, par « observatory ingest qpv_2015 --from-file FICHIER »."
        )
    listed = frame.assign(commune_codes=[code_list(text) for text in frame["commune_codes"]])
    sieve = Sieve(listed, SOURCE_ID, file_name, shown=("qpv_code", "qpv_name"))
    sieve.leave_outside(~sieve.frame["commune_codes"].map(lambda codes: bool(communes.intersection(codes))))
    sieve.reject(sieve.frame["qpv_code"].isna() | sieve.frame["qpv_name"].isna(), "code ou nom absent")
    sieve.drop_duplicates(["qpv_code"])
    unknown = sieve.frame["commune_codes"].map(lambda codes: not communes.issuperset(codes))
    sieve.reject(unknown, UNKNOWN_COMMUNE)
    kept = surfaces(sieve, frame.crs)
    result = gpd.GeoDataFrame(
        {
            "code": kept["qpv_code"],
            "name": kept["qpv_name"].str.split().str.join(" "),
            "commune_codes": kept["commune_codes"],
        },
        geometry=kept.geometry,
        crs=crs.STORAGE,
    )
    return sieve.batch(result.reset_index(drop=True))


def surfaces(sieve: Sieve, frame_crs: Any) -> gpd.GeoDataFrame:  # noqa: ANN401 - whatever names a CRS
    """Put outlines right, reject those that hold no surface, and return the rows that stay, in EPSG:2154."""
    placed = gpd.GeoDataFrame(sieve.frame, geometry="geometry", crs=frame_crs).to_crs(crs.STORAGE)
    outlines = placed.geometry.to_numpy()
    is_wrong = pd.Series(~(shapely.is_missing(outlines) | shapely.is_valid(outlines)), index=placed.index)
    placed = placed.set_geometry(multipolygons(placed.geometry))
    outlines = placed.geometry.to_numpy()
    is_empty = pd.Series(shapely.is_missing(outlines) | shapely.is_empty(outlines), index=placed.index)
    sieve.reject(is_empty, "contour absent ou sans surface")
    sieve.repair(int((is_wrong & ~is_empty).sum()), "contours invalides remis en ordre")
    return placed[~is_empty]


def quarters(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the rows to load, from a normalised frame: outlines in WKB."""
    rows = pd.DataFrame(frame.drop(columns="geometry"))
    return rows.assign(geometry=frame.geometry.to_wkb(), vintage=VINTAGE, source_id=SOURCE_ID)


def links(frame: pd.DataFrame) -> pd.DataFrame:
    """Return ``code, commune_code``: one row per quartier and commune."""
    return frame[["code", "commune_codes"]].explode("commune_codes").rename(columns={"commune_codes": "commune_code"})


def _text(value: object) -> str | None:
    """Return a property as text; codes in a list are joined by commas."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return ",".join(str(one) for one in value) or None
    return None if value is None or value != value else str(value).strip() or None  # noqa: PLR0124 - NaN is not itself


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=("quarters",),
    needs={"communes": "region_communes"},
    read=read,
    normalise=normalise,
    tables=lambda batch, _: {"quarters": quarters(gpd.GeoDataFrame(batch.frame))},
)
