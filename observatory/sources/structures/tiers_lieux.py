"""The census of tiers-lieux (France Tiers-Lieux), identity sheet of 2023 or 2026. Contact lines are not carried."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.formats.tables import read_table
from observatory.sources.registry import Source
from observatory.sources.structures import structure_file

FILE: Final = "bdftl-fiche-identite.csv"
SOURCE_ID: Final = "france_tiers_lieux"
KIND: Final = "TIERS_LIEU"
COLUMNS: Final = {
    "record_id": ("ID_UNIQUE",),
    "name": ("NOM",),
    "address": ("ADRESSE",),
    "post_code": ("CODPOST",),
    "city": ("VILLE",),
    "lat": ("LATITUDE",),
    "lon": ("LONGITUDE",),
    "label": ("familles_tiers_lieux",),
}
UNKNOWN_PERIOD: Final = "inconnue"


def read(path: Path) -> pd.DataFrame:
    """Read the places as text; the year is that of the file's name, if it has one.

    Raises
    ------
    InputFileError
        If it is absent or is not what it should be.
    """
    year = re.search(r"(?<!\d)20\d\d(?!\d)", path.name)
    table = read_table(path, COLUMNS, optional=["label"])
    return table.assign(period=year[0] if year else UNKNOWN_PERIOD)


def normalise(frame: pd.DataFrame, *, departements: set[str], file_name: str = FILE) -> Batch:
    """Keep the places of some départements, told by their postal code.

    Returns
    -------
    Batch
        Frame: the common columns of structures (see :mod:`observatory.sources.structures.structure_file`).
    """
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=("record_id", "name", "post_code", "city"))
    structure_file.keep_departements(sieve, departements, codes=["post_code"])
    sieve.reject(sieve.frame["name"].isna(), "nom absent")
    sieve.drop_duplicates(["record_id"])
    structure_file.repair_points(sieve)
    period = str(frame["period"].iloc[0])
    return sieve.batch(structure_file.records(sieve.frame.assign(kind=KIND), source_id=SOURCE_ID, period=period))


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=structure_file.FILLED,
    needs={"departements": "all_departements"},
    read=read,
    normalise=normalise,
    tables=structure_file.placed,
)
