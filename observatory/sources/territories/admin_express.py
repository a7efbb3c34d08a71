"""Outlines of communes from IGN's Admin Express: layer COMMUNE of its GeoPackage, or its shapefile."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd
import shapely

from observatory import crs
from observatory.declared.region import home_region
from observatory.errors import InputFileError
from observatory.sources.batch import LINE, Batch, Sieve
from observatory.sources.formats import cell_text
from observatory.sources.registry import Source
from observatory.sources.territories.coverage import multipolygons

FILE: Final = "ADE-COG.gpkg"
SOURCE_ID: Final = "ign_admin_express"
LAYER: Final = "commune"
CODES: Final = ("insee_com", "code_insee", "code_insee_de_la_commune")
NAMES: Final = ("nom", "nom_officiel", "nom_com")


def read(path: Path) -> gpd.GeoDataFrame:
    """Read the communes, in whatever CRS the file declares.

    Returns
    -------
    geopandas.GeoDataFrame
        ``commune_code, name, geometry`` and ``line``, the rank of the feature.

    Raises
    ------
    InputFileError
        If the file can't be read, has no layer of communes, no code, or no declared CRS.
    """
    from pyogrio.errors import DataSourceError

    if not path.exists():
        raise InputFileError(f"Le fichier « {path} » est introuvable : indiquez le bon dossier.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            layers = list(gpd.list_layers(path)["name"])
            layer = next((one for one in layers if one.lower() == LAYER), layers[0] if len(layers) == 1 else None)
            frame = gpd.read_file(path, layer=layer) if layer is not None else None
    except (DataSourceError, ValueError, OSError) as error:
        raise InputFileError(
            f"« {path.name} » n’est pas un GeoPackage ou un shapefile lisible : téléchargez-le de nouveau."
        ) from error
    if frame is None:
        raise InputFileError(
            f"« {path.name} » n’a pas de couche COMMUNE (il a : {', '.join(layers)}) : est-ce Admin Express ?"
        )
    columns = {str(name).lower(): name for name in frame.columns}
    code = next((columns[one] for one in CODES if one in columns), None)
    name = next((columns[one] for one in NAMES if one in columns), None)
    if code is None or name is None:
        raise InputFileError(f"« {path.name} » n’a pas le code Insee ou le nom des communes : est-ce Admin Express ?")
    if frame.crs is None:
        raise InputFileError(f"« {path.name} » ne dit pas son système de coordonnées : donnez le fichier d’origine.")
    result = gpd.GeoDataFrame(
        {"commune_code": frame[code].astype(object), "name": frame[name].astype(object)},
        geometry=frame.geometry.to_numpy(),
        crs=frame.crs,
    )
    return result.assign(**{LINE: range(1, len(result) + 1)})


def normalise(
    frame: gpd.GeoDataFrame, *, region_communes: set[str], departements: set[str], file_name: str = FILE
) -> Batch:
    """Keep the communes of the region, reprojected, their outlines made valid; how many were not is in the notes.

    Returns
    -------
    Batch
        Frame (GeoDataFrame, EPSG:2154, multipolygons): ``code``.

    Raises
    ------
    InputFileError
        If the file lacks the outline of a commune of the region.
    """
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=("commune_code", "name"))
    cell_text.keep_departements(sieve, departements)
    cell_text.reject_unknown_communes(sieve, region_communes)
    shapes = gpd.GeoSeries(sieve.frame["geometry"], crs=frame.crs)
    sieve.reject(shapes.isna() | shapes.is_empty, "contour absent")
    sieve.reject(sieve.frame.duplicated("commune_code", keep=False), "deux contours pour la même commune")
    absent = sorted(region_communes - set(sieve.frame["commune_code"]))
    if absent:
        raise InputFileError(
            f"« {file_name} » n’a pas le contour de {len(absent)} des {len(region_communes)} communes "
            f"{home_region().names.genitive} (par exemple {', '.join(absent[:3])}) : il est tronqué, "
            "ou d’un autre millésime du code officiel géographique. Rien n’est changé."
        )
    placed = gpd.GeoSeries(sieve.frame["geometry"], crs=frame.crs).to_crs(crs.STORAGE)
    sieve.repair(int((~placed.is_valid).sum()), "contours invalides remis en ordre")
    whole = gpd.GeoSeries(shapely.make_valid(placed.to_numpy()), index=placed.index, crs=crs.STORAGE)
    result = gpd.GeoDataFrame({"code": sieve.frame["commune_code"]}, geometry=multipolygons(whole), crs=crs.STORAGE)
    return sieve.batch(result.reset_index(drop=True))


def outlines(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the rows to load, from a normalised frame: outlines in WKB."""
    return pd.DataFrame({"code": frame["code"], "geometry": frame.geometry.to_wkb(), "source_id": SOURCE_ID})


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=("outlines",),
    needs={"region_communes": "region_communes", "departements": "departements"},
    read=read,
    normalise=normalise,
    tables=lambda batch, _: {"outlines": outlines(gpd.GeoDataFrame(batch.frame))},
)
