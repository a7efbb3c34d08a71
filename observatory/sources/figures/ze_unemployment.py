"""Localised unemployment rate by zone d'emploi and quarter (INSEE)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from observatory.sources.batch import LINE, Batch, Sieve
from observatory.sources.figures.long_form import valued
from observatory.sources.formats import cell_text
from observatory.sources.formats.tables import read_exact, read_sheet
from observatory.sources.formats.workbooks import is_workbook
from observatory.sources.registry import Source, figures

FILE: Final = "ze_unemployment_quarterly.csv"
SOURCE_ID: Final = "insee_ze_unemployment"
FIGURE: Final = "unemployment_pct"
QUARTER: Final = r"\d{4}-T[1-4]"
SHEET: Final = "txcho_ze"
ZONE: Final = ("ZE2020", "Code de la zone d'emploi 2020")
ZONE_NAME: Final = ("LIBZE2020", "Libellé de la zone d'emploi 2020")


def read(path: Path) -> pd.DataFrame:
    """Read the table, or the sheet ``txcho_ze`` of INSEE's workbook, as text: zone codes keep their leading zeros.

    Raises
    ------
    InputFileError
        If it is absent or is not what it should be.
    """
    if not is_workbook(path):
        return read_exact(path, ("ze2020", "ze2020_name", "quarter", FIGURE))
    wide = read_sheet(path, SHEET, {"ze2020": ZONE, "ze2020_name": ZONE_NAME}, also=QUARTER)
    quarters = [name for name in wide.columns if name not in ("ze2020", "ze2020_name", LINE)]
    long = wide.melt(
        id_vars=["ze2020", "ze2020_name", LINE], value_vars=quarters, var_name="quarter", value_name=FIGURE
    )
    return long.assign(ze2020=cell_text.restored(long["ze2020"], digits=4))


def normalise(frame: pd.DataFrame, *, zones: set[str], file_name: str = FILE) -> Batch:
    """Keep the zones that hold communes of Normandy.

    Returns
    -------
    Batch
        Frame: ``ze2020, quarter, unemployment_pct`` as a float.
    """
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=("ze2020", "quarter", FIGURE))
    sieve.leave_outside(~sieve.frame["ze2020"].isin(zones))
    sieve.reject(~sieve.frame["quarter"].fillna("").str.fullmatch(QUARTER), "trimestre illisible")
    cell_text.numbers(sieve, [FIGURE])
    cell_text.reject_contradictions(sieve, ["ze2020", "quarter"], [FIGURE])
    return sieve.batch()


def values(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rates in long form, level ``zone_emploi``."""
    told = frame.rename(columns={"ze2020": "code", "quarter": "period", FIGURE: "value"})
    return valued(told.assign(level="zone_emploi", indicator=FIGURE), SOURCE_ID)


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=("values",),
    needs={"zones": "zones"},
    read=read,
    normalise=normalise,
    tables=figures(values),
    snapshot_file=FILE,
)
