"""Quartiers prioritaires de la politique de la ville, 2024 perimeters (ANCT)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pandas as pd
from shapely.errors import ShapelyError
from shapely.geometry import shape

from observatory import crs
from observatory.errors import InputFileError
from observatory.sources.batch import LINE, Batch, Sieve
from observatory.sources.cells import code_list
from observatory.sources.coverage import multipolygons
from observatory.sources.encoding import read_text

FILE: Final = "qpv_2024.geojson"
SOURCE_ID: Final = "anct_qpv_2024"
VINTAGE: Final = "2024 (décret 2023-1314)"
OF_2015: Final = "QP"
"""How the codes of the perimeters of 2015 begin; those of 2024 begin with QN."""
PROPERTIES: Final = {
    "qpv_code": ("qpv_code", "code_qp", "CODE_QP"),
    "qpv_name": ("qpv_name", "lib_qp", "NOM_QP"),
    "commune_codes": ("commune_codes", "insee_com", "COMMUNE_QP"),
}
"""Our name → the names in the table of figures, in the ANCT's 2024 file, and in its 2015 file."""


def read(path: Path) -> gpd.GeoDataFrame:
    """Read the GeoJSON (EPSG:4326); ``line`` is the rank of the feature.

    Raises
    ------
    InputFileError
        If the file is absent, is not GeoJSON, or lacks a property.
    """
    try:
        features = json.loads(read_text(path)[0])["features"]
        rows = [_row(feature, rank) for rank, feature in enumerate(features, start=1)]
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration, ShapelyError, RecursionError) as error:
        raise InputFileError(
            f"Le fichier « {path.name} » n'est pas le GeoJSON des quartiers prioritaires ({', '.join(PROPERTIES)}) : "
            "reprenez-le auprès de son producteur."
        ) from error
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=crs.EXCHANGE)


def normalise(frame: gpd.GeoDataFrame, *, communes: set[str], file_name: str = FILE) -> Batch:
    """Keep the quartiers of Normandy; a quartier may lie in several communes.

    Returns
    -------
    Batch
        Frame (GeoDataFrame, EPSG:2154): ``code, name, commune_codes`` (list)``, geometry``.
    """
    listed = frame.assign(commune_codes=[code_list(text) for text in frame["commune_codes"]])
    sieve = Sieve(listed, SOURCE_ID, file_name, shown=("qpv_code", "qpv_name"))
    sieve.leave_outside(~sieve.frame["commune_codes"].map(lambda codes: bool(communes.intersection(codes))))
    sieve.drop_duplicates(["qpv_code"])
    unknown = sieve.frame["commune_codes"].map(lambda codes: not communes.issuperset(codes))
    sieve.reject(unknown, "commune absente des territoires de l'observatoire")
    kept = gpd.GeoDataFrame(sieve.frame, geometry="geometry", crs=frame.crs).to_crs(crs.STORAGE)
    sieve.repair(int((~kept.geometry.is_valid).sum()), "contours invalides remis en ordre")
    result = gpd.GeoDataFrame(
        {
            "code": kept["qpv_code"],
            "name": kept["qpv_name"].str.split().str.join(" "),
            "commune_codes": kept["commune_codes"],
        },
        geometry=multipolygons(kept.geometry),
        crs=crs.STORAGE,
    )
    return sieve.batch(result.reset_index(drop=True))


def quarters(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the rows to load, from a normalised frame: outlines in WKB.

    Raises
    ------
    InputFileError
        If they are the perimeters of 2015: the database holds those of 2024.
    """
    if frame["code"].str.startswith(OF_2015).any():
        raise InputFileError(
            "Ce fichier donne les quartiers prioritaires de 2015, que ceux du décret 2023-1314 ont remplacés : chargez "
            "ceux de 2024."
        )
    rows = pd.DataFrame(frame.drop(columns="geometry"))
    return rows.assign(geometry=frame.geometry.to_wkb(), vintage=VINTAGE, source_id=SOURCE_ID)


def links(frame: pd.DataFrame) -> pd.DataFrame:
    """Return ``code, commune_code``: one row per quartier and commune."""
    return frame[["code", "commune_codes"]].explode("commune_codes").rename(columns={"commune_codes": "commune_code"})


def _row(feature: dict[str, Any], rank: int) -> dict[str, Any]:
    properties = feature["properties"]
    named = {name: next(properties[one] for one in names if one in properties) for name, names in PROPERTIES.items()}
    return {**named, LINE: rank, "geometry": shape(feature["geometry"])}
