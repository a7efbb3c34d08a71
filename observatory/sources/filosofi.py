"""Income and minima sociaux by commune (INSEE, Filosofi 2021): small communes are absent by statistical secrecy."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.csv_file import read_csv
from observatory.sources.history import carry
from observatory.sources.values import long_values

FILE: Final = "filosofi_communes_2021.csv"
SOURCE_ID: Final = "insee_filosofi_2021"
PERIOD: Final = "2021"
FIGURES: Final = ("median_eur", "minima_pct")


def read(path: Path) -> pd.DataFrame:
    """Read the file as text.

    Raises
    ------
    InputFileError
        If it is absent or is not what it should be.
    """
    return read_csv(path, ("commune_code", *FIGURES))


def normalise(frame: pd.DataFrame, *, communes: set[str], successor: dict[str, str], renamed: dict[str, str]) -> Batch:
    """Keep the figures that describe a commune of today, whole; the others are missing, not zero.

    A median or a share of a commune that has merged since describes neither the part nor the whole: the rows of the
    communes concerned are put aside. A commune that only changed its code keeps its figures.

    Returns
    -------
    Batch
        Frame: one row for each of ``communes``, figures as floats, NaN where INSEE publishes nothing.
    """
    sieve = Sieve(frame, SOURCE_ID, FILE, shown=("commune_code", *FIGURES))
    sieve.drop_duplicates(["commune_code"])
    sieve.number(list(FIGURES))
    today = carry(sieve.frame["commune_code"], known=communes, successor=successor)
    sieve.reject(today.isna(), "commune absente des territoires de l'observatoire, et sans commune qui lui succède")
    today = today.loc[sieve.frame.index]
    former = sieve.frame["commune_code"]
    merged = set(today[former.ne(today) & former.map(renamed).ne(today)])
    is_part = today.isin(merged)
    sieve.reject(is_part, "commune fusionnée depuis : une médiane ne s'additionne pas, la figure est manquante")
    today = today.loc[sieve.frame.index]
    figures = sieve.frame.assign(commune_code=today).set_index("commune_code")[list(FIGURES)]
    return sieve.batch(figures.reindex(sorted(communes)).rename_axis("commune_code").reset_index())


def values(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the figures in long form, level ``commune``."""
    columns = {column: (column, PERIOD) for column in FIGURES}
    return long_values(frame, level="commune", code="commune_code", columns=columns, source_id=SOURCE_ID)
