"""Déchèteries of households' waste (ADEME, SINOE's directory): the last year of each. Contact lines are not carried."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.formats.tables import read_table
from observatory.sources.registry import Source
from observatory.sources.structures import structure_file

FILE: Final = "sinoe_annuaire_decheteries.json"
SOURCE_ID: Final = "ademe_sinoe_annuaire"
KIND: Final = "DECHETERIE"
COLUMNS: Final = {
    "year": ("ANNEE",),
    "record_id": ("C_SERVICE",),
    "name": ("N_SERVICE",),
    "address": ("AD1_SITE",),
    "post_code": ("CP_SITE",),
    "city": ("L_VILLE_SITE",),
    "commune_code": ("C_COMM",),
    "departement_code": ("C_DEPT",),
    "label": ("LST_TYPE_DECHET",),
    "place": ("_geopoint",),
    "lat": ("GPS_LAT",),
    "lon": ("GPS_LONG",),
}


def read(path: Path) -> pd.DataFrame:
    """Read the lines of Data Fair, or their CSV export, as text; ``_geopoint`` is "latitude,longitude".

    Raises
    ------
    InputFileError
        If it is absent or is not what it should be.
    """
    optional = ["commune_code", "departement_code", "label", "place", "lat", "lon"]
    table = read_table(path, COLUMNS, optional=optional, as_list=True)
    said = table["place"].fillna("").astype(str).str.split(",", n=1, expand=True).reindex(columns=[0, 1])
    point = said.map(lambda text: text.strip() or None if isinstance(text, str) else None)
    return table.drop(columns="place").assign(
        lat=point[0].combine_first(table["lat"]), lon=point[1].combine_first(table["lon"])
    )


def normalise(frame: pd.DataFrame, *, departements: set[str], file_name: str = FILE) -> Batch:
    """Keep the déchèteries that the directory's last year lists in some départements.

    A line of an earlier year is a duplicate: it tells the same place as it was. A déchèterie that the last year no
    longer lists is out of use, and is put aside with that reason.

    Returns
    -------
    Batch
        Frame: the common columns of structures (see :mod:`observatory.sources.structures.structure_file`).
    """
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=("year", "record_id", "name", "post_code", "city"))
    structure_file.keep_departements(sieve, departements, unreadable="commune et code postal illisibles")
    sieve.reject(~sieve.frame["year"].fillna("").str.fullmatch(r"\d{4}"), "année illisible")
    sieve.reject(sieve.frame["name"].isna() | sieve.frame["record_id"].isna(), "nom ou code du service absent")
    sieve.frame = sieve.frame.sort_values("year", ascending=False, kind="stable")
    sieve.drop_duplicates(["record_id"])
    last = str(sieve.frame["year"].max())
    sieve.reject(sieve.frame["year"].ne(last), f"n’est plus dans l’annuaire de {last}")
    structure_file.repair_points(sieve)
    return sieve.batch(structure_file.records(sieve.frame.assign(kind=KIND), source_id=SOURCE_ID, period=last))


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=structure_file.FILLED,
    needs={"departements": "all_departements"},
    read=read,
    normalise=normalise,
    tables=structure_file.placed,
)
