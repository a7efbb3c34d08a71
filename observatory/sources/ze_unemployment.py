"""Localised unemployment rate by zone d'emploi and quarter (INSEE)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.csv_file import read_csv
from observatory.sources.values import VALUE_COLUMNS

FILE: Final = "ze_unemployment_quarterly.csv"
SOURCE_ID: Final = "insee_ze_unemployment"
FIGURE: Final = "unemployment_pct"
QUARTER: Final = r"\d{4}-T[1-4]"


def read(path: Path) -> pd.DataFrame:
    """Read the file as text: zone codes keep their leading zeros.

    Raises
    ------
    InputFileError
        If it is absent or is not what it should be.
    """
    return read_csv(path, ("ze2020", "ze2020_name", "quarter", FIGURE))


def normalise(frame: pd.DataFrame, *, zones: set[str]) -> Batch:
    """Keep the zones that hold communes of Normandy.

    Returns
    -------
    Batch
        Frame: ``ze2020, quarter, unemployment_pct`` as a float.
    """
    sieve = Sieve(frame, SOURCE_ID, FILE, shown=("ze2020", "quarter", FIGURE))
    sieve.leave_outside(~sieve.frame["ze2020"].isin(zones))
    sieve.drop_duplicates(["ze2020", "quarter"])
    sieve.reject(~sieve.frame["quarter"].fillna("").str.fullmatch(QUARTER), "trimestre illisible")
    sieve.number([FIGURE])
    return sieve.batch()


def values(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rates in long form, level ``zone_emploi``."""
    long = pd.DataFrame(
        {
            "level": "zone_emploi",
            "code": frame["ze2020"],
            "indicator": FIGURE,
            "period": frame["quarter"],
            "value": frame[FIGURE],
            "status": frame[FIGURE].notna().map({True: "observed", False: "missing"}),
            "source_id": SOURCE_ID,
        }
    )
    return long[list(VALUE_COLUMNS)]
