"""Tonnages brought to déchèteries, by département, year and type of waste (ADEME, SINOE)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.figures import tonnage
from observatory.sources.formats.tables import read_table

FILE: Final = "sinoe_decheterie_tonnage_dept.csv"
SOURCE_ID: Final = "ademe_sinoe_decheterie"
COLUMNS: Final = {
    "year": ("ANNEE",),
    "departement_code": ("C_DEPT",),
    "class": ("C_TYP_REG_DECHET",),
    "treatment": ("C_TYP_REG_SERVICE",),
    "tonnes": ("TONNAGE_DECH",),
}
KEYS: Final = ("year", "departement_code", "class", "treatment")
TOTAL: Final = "decheterie_total_t"
TYPES: Final = {
    "02A": "decheterie_dangereux_t",
    "02B": "decheterie_recyclables_t",
    "02C": "decheterie_verts_t",
    "02D": "decheterie_encombrants_t",
    "02E": "decheterie_gravats_t",
    "02F": "decheterie_deee_t",
    "02Z": "decheterie_autres_t",
}
"""SINOE's type of waste (``C_TYP_REG_DECHET``) → indicator."""


def read(path: Path) -> pd.DataFrame:
    """Read the lines of Data Fair, or their CSV export, as text.

    Raises
    ------
    InputFileError
        If it is absent or is not what it should be.
    """
    return read_table(path, COLUMNS)


def normalise(frame: pd.DataFrame, *, departements: set[str], file_name: str = FILE) -> Batch:
    """Add up the treatments: tonnes by département, year and type of waste, and all types together.

    Returns
    -------
    Batch
        Frame: ``code, period, indicator, value`` (tonnes).
    """
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=tuple(COLUMNS))
    # A spreadsheet that takes « 02A » for « 2A » loses nothing: no other code ends so.
    classes = TYPES | {code.lstrip("0"): indicator for code, indicator in TYPES.items()}
    return tonnage.by_class(sieve, keys=KEYS, classes=classes, departements=departements, total=TOTAL)


def values(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the tonnages in long form, level ``departement``."""
    return tonnage.values(frame, SOURCE_ID)
