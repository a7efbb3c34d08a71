"""Census counts by commune (INSEE, 2021) and births and deaths (2022)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.figures.long_form import long_values
from observatory.sources.formats import cell_text
from observatory.sources.formats.tables import read_exact
from observatory.sources.territories.history import carry

FILE: Final = "commune_rp2021.csv"
SOURCE_ID: Final = "insee_rp_2021"
VITAL_SOURCE_ID: Final = "insee_etat_civil_2022"
CENSUS: Final = {
    "population_count": "2021",
    "population_2015_count": "2015",
    "households_count": "2021",
    "age1564_count": "2021",
    "unemployed_1564_count": "2021",
    "active_1564_count": "2021",
}
VITAL: Final = {"births_2022_count": "2022", "deaths_2022_count": "2022"}
FIGURES: Final = (*CENSUS, *VITAL)


def read(path: Path) -> pd.DataFrame:
    """Read the file as text.

    Raises
    ------
    InputFileError
        If it is absent or is not what it should be.
    """
    return read_exact(path, ("commune_code", *FIGURES))


def normalise(frame: pd.DataFrame, *, communes: set[str], successor: dict[str, str]) -> Batch:
    """Add the counts of merged communes to their commune of today: no person is lost.

    Returns
    -------
    Batch
        Frame: ``commune_code`` of today and the counts. ``notes`` name each commune that was carried.
    """
    sieve = Sieve(frame, SOURCE_ID, FILE, shown=("commune_code", *FIGURES))
    cell_text.numbers(sieve, list(FIGURES))
    cell_text.reject_contradictions(sieve, ["commune_code"], list(FIGURES))
    today = carry(sieve.frame["commune_code"], known=communes, successor=successor)
    sieve.reject(today.isna(), "commune absente des territoires de l'observatoire, et sans commune qui lui succède")
    today = today.loc[sieve.frame.index]
    for former, present in zip(sieve.frame["commune_code"], today, strict=True):
        if former != present:
            sieve.notes.append(f"{former} ajoutée à {present}")
    counts = sieve.frame.assign(commune_code=today).groupby("commune_code")[list(FIGURES)].sum(min_count=1)
    return sieve.batch(counts.reindex(sorted(communes)).rename_axis("commune_code").reset_index())


def values(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the counts in long form, level ``commune``."""
    census = {column: (column, period) for column, period in CENSUS.items()}
    vital = {column: (column, period) for column, period in VITAL.items()}
    return pd.concat(
        [
            long_values(frame, level="commune", code="commune_code", columns=census, source_id=SOURCE_ID),
            long_values(frame, level="commune", code="commune_code", columns=vital, source_id=VITAL_SOURCE_ID),
        ],
        ignore_index=True,
    )
