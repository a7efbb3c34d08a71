"""Quartiers prioritaires of 2015 to 2023 (ANCT): a dated class of the communes and of the quartiers of 2024, apart."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd

from observatory.errors import InputFileError
from observatory.sources.batch import Batch, Sieve
from observatory.sources.registry import Source
from observatory.sources.territories import qpv
from observatory.sources.territories.zoning import ZONING_COLUMNS
from observatory.words.numbers import percent

FILE: Final = "QP_METROPOLEOUTREMER_WGS84_EPSG4326.zip"
SOURCE_ID: Final = "anct_qpv_2015"
ZONING: Final = "qpv_2015"
VINTAGE: Final = "2015 à 2023 (décret 2014-1750)"
LEAST_SHARE: Final = 0.05
"""A smaller share of a quartier's surface is the inaccuracy of an outline (convention de l'observatoire)."""
NONE: Final = "aucun"


def read(path: Path) -> gpd.GeoDataFrame:
    """Read a GeoJSON or a zipped Shapefile, in any CRS (``CODE_QP, NOM_QP, COMMUNE_QP``, a commune's name).

    Raises
    ------
    InputFileError
        If the file is absent, is not a layer, is empty, or lacks a property.
    """
    return qpv.read(path)


def normalise(frame: gpd.GeoDataFrame, *, departements: set[str], file_name: str = FILE) -> Batch:
    """Keep the quartiers whose code names a département of the region (``QP014001``: the Calvados).

    Returns
    -------
    Batch
        Frame (GeoDataFrame, EPSG:2154): ``code, name, geometry``.

    Raises
    ------
    InputFileError
        If a code isn't one of 2015.
    """
    codes = frame["qpv_code"].fillna("").astype(str).str.strip()
    if not codes.str.startswith(qpv.OF_2015).any():
        raise InputFileError(
            f"« {file_name} » ne donne pas les quartiers prioritaires de 2015, dont les codes commencent par "
            f"{qpv.OF_2015} : chargez ceux de 2024 par « observatory ingest qpv »."
        )
    sieve = Sieve(frame.assign(qpv_code=codes), SOURCE_ID, file_name, shown=("qpv_code", "qpv_name", "commune_codes"))
    sieve.reject(~codes.str.fullmatch(r"QP\d[\dAB]\d{4}"), "code de quartier illisible")
    sieve.leave_outside(~sieve.frame["qpv_code"].str[2:5].isin({f"0{code}" for code in departements}))
    sieve.reject(sieve.frame["qpv_name"].isna(), "nom absent")
    sieve.drop_duplicates(["qpv_code"])
    kept = qpv.surfaces(sieve, frame.crs)
    names = kept["qpv_name"].str.split().str.join(" ")
    result = gpd.GeoDataFrame({"code": kept["qpv_code"], "name": names}, geometry=kept.geometry, crs=kept.crs)
    return sieve.batch(result.reset_index(drop=True))


def zonings(frame: gpd.GeoDataFrame, *, communes: gpd.GeoDataFrame, quarters: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return which quartiers of 2015 each commune had, and what each quartier of 2024 takes up of them.

    Parameters
    ----------
    frame
        Normalised.
    communes, quarters
        ``code`` and outlines of the region's communes and quartiers of 2024, in EPSG:2154.

    Returns
    -------
    pandas.DataFrame
        Rows of ``zonings``: level ``commune`` where there was a quartier, level ``qpv`` for every quartier of 2024.
        A share under :data:`LEAST_SHARE` of the smaller surface is left out.
    """
    held = _overlaps(communes, frame, of="former")
    held = held[held["share"] >= LEAST_SHARE]
    taken = _overlaps(quarters, frame, of="own")
    taken = taken[taken["share"] >= LEAST_SHARE]
    rows = [("commune", code, *_had(group)) for code, group in held.groupby("code", sort=True)]
    parts = dict(iter(taken.groupby("code")))
    rows += [("qpv", code, *_came_from(parts.get(code))) for code in sorted(quarters["code"])]
    found = pd.DataFrame(rows, columns=["level", "code", "value_code", "value_label"])
    return found.assign(zoning=ZONING, vintage=VINTAGE, source_id=SOURCE_ID)[list(ZONING_COLUMNS)]


def _overlaps(places: gpd.GeoDataFrame, former: gpd.GeoDataFrame, *, of: str) -> pd.DataFrame:
    """Return ``code, former_code, former_name, share``: the part of one's surface (``of``) that both hold."""
    ours = places[["code", "geometry"]].reset_index(drop=True)
    theirs = former.rename(columns={"code": "former_code", "name": "former_name"})
    pairs = gpd.sjoin(ours, theirs, predicate="intersects").reset_index(names="own")
    mine = ours.geometry.loc[pairs["own"]].reset_index(drop=True)
    its = theirs.geometry.loc[pairs["index_right"]].reset_index(drop=True)
    whole = mine if of == "own" else its
    share = mine.intersection(its).area / whole.area
    return pd.DataFrame(pairs[["code", "former_code", "former_name"]]).assign(share=share.to_numpy())


def _had(group: pd.DataFrame) -> tuple[str, str]:
    rows = group.sort_values("former_code")
    told = " ; ".join(f"{name} ({code})" for name, code in zip(rows["former_name"], rows["former_code"], strict=True))
    return " ".join(rows["former_code"]), told


def _came_from(group: pd.DataFrame | None) -> tuple[str, str]:
    if group is None:
        return NONE, "hors des périmètres de 2015"
    rows = group.sort_values("share", ascending=False)
    told = " ; ".join(
        f"{percent(share, digits=0)} de sa surface dans {name} ({code})"
        for share, name, code in zip(rows["share"], rows["former_name"], rows["former_code"], strict=True)
    )
    return " ".join(rows["former_code"]), told


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=("zonings",),
    needs={"departements": "departements"},
    read=read,
    normalise=normalise,
    tables=lambda batch, context: {
        "zonings": zonings(
            gpd.GeoDataFrame(batch.frame), communes=context.outlines("commune"), quarters=context.outlines("qpv")
        )
    },
    rests_on_quarters=True,
)
