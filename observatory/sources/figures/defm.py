"""Registered job seekers by month (France Travail, STMT): communes over 5,000 inhabitants, and départements."""

from __future__ import annotations

from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.figures.long_form import valued
from observatory.sources.formats import cell_text
from observatory.sources.formats.cell_text import heading
from observatory.sources.formats.tables import reader
from observatory.sources.registry import Source, figures

FILE: Final = "defm_communes_over_5000.csv"
SOURCE_ID: Final = "france_travail_stmt"
FIGURE: Final = "job_seekers_count"
MONTHS: Final = (
    "janvier",
    "fevrier",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "aout",
    "septembre",
    "octobre",
    "novembre",
    "decembre",
)

read: Final = reader(("commune_code", "month", FIGURE))


def normalise(frame: pd.DataFrame, *, communes: set[str], departements: set[str], file_name: str = FILE) -> Batch:
    """Turn French months into ``2020-01``; rows that contradict each other are put aside, all of them.

    A code of two digits is the total of a département.

    Returns
    -------
    Batch
        Frame: ``level, code, period, job_seekers_count`` as a float.
    """
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=("commune_code", "month", FIGURE))
    is_total = sieve.frame["commune_code"].str.len().eq(2)
    sieve.leave_outside(is_total & ~sieve.frame["commune_code"].isin(departements))
    sieve.drop_duplicates()
    contradicted = sieve.frame.duplicated(["commune_code", "month"], keep=False)
    sieve.reject(contradicted, "deux valeurs différentes pour la même commune et le même mois")
    known = sieve.frame["commune_code"].isin(communes | departements)
    sieve.reject(~known, cell_text.UNKNOWN_COMMUNE)
    sieve.frame = sieve.frame.assign(period=sieve.frame["month"].map(period))
    sieve.reject(sieve.frame["period"].isna(), "mois illisible")
    cell_text.numbers(sieve, [FIGURE])
    is_total = sieve.frame["commune_code"].str.len().eq(2)
    level = is_total.map({True: "departement", False: "commune"})
    return sieve.batch(sieve.frame.assign(level=level, code=sieve.frame["commune_code"]))


def period(month: str | None) -> str | None:
    """Return ``"2024-02"`` for ``"fevrier_2024"`` or ``"Février 2024"``, None for anything else."""
    name, _, year = heading((month or "").replace("_", " ")).partition(" ")
    if name not in MONTHS or not (year.isascii() and year.isdigit()):
        return None
    return f"{year}-{MONTHS.index(name) + 1:02d}"


def values(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the counts in long form, levels ``commune`` and ``departement``."""
    return valued(frame.assign(indicator=FIGURE, value=frame[FIGURE]), SOURCE_ID)


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=("values",),
    needs={"communes": "communes", "departements": "departements"},
    read=read,
    normalise=normalise,
    tables=figures(values),
    snapshot_file=FILE,
)
