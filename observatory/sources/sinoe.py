"""Tonnages brought to déchèteries, by département, year and type of waste (ADEME, SINOE)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.csv_file import read_csv
from observatory.sources.values import VALUE_COLUMNS

FILE: Final = "sinoe_decheterie_tonnage_dept.csv"
SOURCE_ID: Final = "ademe_sinoe_decheterie"
TONNAGE: Final = "TONNAGE_DECH"
KEYS: Final = ("ANNEE", "C_DEPT", "C_TYP_REG_DECHET", "C_TYP_REG_SERVICE")
KILOGRAM_DECIMALS: Final = 3
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
    """Read the file as text.

    Raises
    ------
    InputFileError
        If it is absent or is not what it should be.
    """
    return read_csv(path, (*KEYS, TONNAGE))


def normalise(frame: pd.DataFrame, *, departements: set[str]) -> Batch:
    """Add up the treatments: tonnes by département, year and type of waste, and all types together.

    Returns
    -------
    Batch
        Frame: ``code, period, indicator, value`` (tonnes).
    """
    sieve = Sieve(frame, SOURCE_ID, FILE)
    sieve.leave_outside(~sieve.frame["C_DEPT"].isin(departements))
    sieve.drop_duplicates(list(KEYS))
    sieve.number([TONNAGE])
    sieve.reject(sieve.frame[TONNAGE].isna() | (sieve.frame[TONNAGE] < 0), "tonnage absent ou négatif")
    sieve.reject(~sieve.frame["C_TYP_REG_DECHET"].isin(TYPES), "type de déchet hors nomenclature")
    typed = sieve.frame.assign(indicator=sieve.frame["C_TYP_REG_DECHET"].map(TYPES))
    parts = _added(typed.rename(columns={"C_DEPT": "code", "ANNEE": "period", TONNAGE: "value"}))
    return sieve.batch(pd.concat([parts, _added(parts.assign(indicator=TOTAL))], ignore_index=True))


def _added(frame: pd.DataFrame) -> pd.DataFrame:
    """Add up to the kilogram, so that the total is the sum of its parts as they are shown."""
    added = frame.groupby(["code", "period", "indicator"], sort=True)["value"].sum().round(KILOGRAM_DECIMALS)
    return added.reset_index()


def values(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the tonnages in long form, level ``departement``."""
    long = frame.assign(level="departement", status="observed", source_id=SOURCE_ID)
    return long[list(VALUE_COLUMNS)]
