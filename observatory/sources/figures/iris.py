"""IRIS figures: INSEE's census of 2022 and Filosofi of 2021, Normandy."""

from __future__ import annotations

from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.figures.long_form import long_values
from observatory.sources.formats import cell_text
from observatory.sources.formats.tables import reader
from observatory.sources.registry import Source, figures

FILE: Final = "iris_rp2022.csv"
SOURCE_ID: Final = "insee_iris_rp2022"
VINTAGE: Final = "RP 2022"
INCOME_SOURCE_ID: Final = "insee_filosofi_2021"
KEYS: Final = ("iris_code", "commune_code")
CENSUS: Final = (
    "population_count",
    "age60p_pct",
    "age65p_pct",
    "age75p_pct",
    "age80p_pct",
    "age80p_living_alone_pct",
    "age15p_living_alone_pct",
    "unemployment_1564_pct",
    "unemployment_1524_pct",
    "unemployment_5564_pct",
    "below_bac_pct",
    "single_parent_households_pct",
    "households_count",
)
INCOME: Final = {"median_income_eur_2021": "median_eur", "poverty_2021_pct": "poverty_pct"}
WHOLE_COMMUNE: Final = "0000"
"""A commune that INSEE does not divide is one IRIS: its code followed by four zeros."""
FULL_PCT: Final = 100.0

read: Final = reader((*KEYS, *CENSUS, *INCOME))


def normalise(frame: pd.DataFrame, *, communes: set[str], file_name: str = FILE) -> Batch:
    """Turn figures into numbers; a share beyond 0–100 % is put aside, its row stays.

    Returns
    -------
    Batch
        Frame: the file's columns, figures as floats.
    """
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=KEYS)
    cell_text.reject_unknown_communes(sieve, communes)
    sieve.reject(sieve.frame["iris_code"].str[:5].ne(sieve.frame["commune_code"]), "code IRIS étranger à sa commune")
    figures = [*CENSUS, *INCOME]
    cell_text.numbers(sieve, figures)
    cell_text.reject_contradictions(sieve, ["iris_code"], figures)
    for column in figures:
        value = sieve.frame[column]
        top = FULL_PCT if column.endswith("_pct") else float("inf")
        sieve.reject_cells(column, (value < 0) | (value > top), "valeur hors de l’étendue possible")
    return sieve.batch()


def values(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the figures in long form, level ``iris``."""
    census = {column: (column, "2022") for column in CENSUS}
    income = {column: (indicator, "2021") for column, indicator in INCOME.items()}
    return pd.concat(
        [
            long_values(frame, level="iris", code="iris_code", columns=census, source_id=SOURCE_ID),
            long_values(frame, level="iris", code="iris_code", columns=income, source_id=INCOME_SOURCE_ID),
        ],
        ignore_index=True,
    )


def names(frame: pd.DataFrame, commune_names: pd.Series) -> pd.Series:
    """Return a name for each IRIS: its commune's, with its number where the commune has several."""
    commune = frame["commune_code"].map(commune_names)
    number = frame["iris_code"].str[5:]
    return commune.where(number.eq(WHOLE_COMMUNE), commune + " – IRIS " + number)


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=("values",),
    needs={"communes": "communes"},
    read=read,
    normalise=normalise,
    tables=figures(values),
    snapshot_file=FILE,
)
