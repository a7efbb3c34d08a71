"""Share of the long-term unemployed among job seekers, by département (CGET, 2013 and 2017)."""

from __future__ import annotations

from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.figures.long_form import long_values
from observatory.sources.formats import cell_text
from observatory.sources.formats.tables import reader
from observatory.sources.registry import Source, figures

FILE: Final = "deld_dept_2013_2017.csv"
SOURCE_ID: Final = "cget_deld_2017"
FIGURE: Final = "long_term_share_pct"
PAIRS: Final = (("year0", "value0"), ("year1", "value1"))

read: Final = reader(("codgeo", *(column for pair in PAIRS for column in pair)))


def normalise(frame: pd.DataFrame, *, departements: set[str], file_name: str = FILE) -> Batch:
    """Keep the départements of Normandy, one row per year.

    Returns
    -------
    Batch
        Frame: ``departement_code, year, long_term_share_pct`` as a float.
    """
    sieve = Sieve(frame, SOURCE_ID, file_name)
    sieve.leave_outside(~sieve.frame["codgeo"].isin(departements))
    cell_text.numbers(sieve, [value for _, value in PAIRS])
    cell_text.reject_contradictions(sieve, ["codgeo"], [column for pair in PAIRS for column in pair])
    years = [
        sieve.frame[["codgeo", year, value]].set_axis(["departement_code", "year", FIGURE], axis="columns")
        for year, value in PAIRS
    ]
    return sieve.batch(pd.concat(years, ignore_index=True))


def values(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the shares in long form, level ``departement``."""
    parts = [
        long_values(
            part,
            level="departement",
            code="departement_code",
            columns={FIGURE: (FIGURE, str(year))},
            source_id=SOURCE_ID,
        )
        for year, part in frame.groupby("year")
    ]
    return pd.concat(parts, ignore_index=True)


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=("values",),
    needs={"departements": "departements"},
    read=read,
    normalise=normalise,
    tables=figures(values),
    snapshot_file=FILE,
)
