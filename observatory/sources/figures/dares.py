"""Job seekers by commune and quarter (Dares): categories, sex and age; no duration. Figures are rounded to 5."""

from __future__ import annotations

from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.figures.long_form import valued
from observatory.sources.formats import cell_text
from observatory.sources.formats.tables import reader
from observatory.sources.registry import Source, figures

FILE: Final = "dares_communes_sample.csv"
SOURCE_ID: Final = "dares_communes"
COLUMNS: Final = {
    "period": ("Date",),
    "commune_code": ("Code commune",),
    "kind": ("Type de données",),
    "category": ("Catégorie",),
    "sex": ("Sexe",),
    "age": ("Tranche d'âge",),
    "job_seekers_count": ("Nombre de demandeurs d'emploi",),
}
KEYS: Final = ("period", "commune_code", "kind", "category", "sex", "age")
PERIOD: Final = r"\d{4}-T[1-4]"
RAW: Final = "Brutes"
CATEGORY: Final = "ABC"
TOTAL: Final = "Total"
INDICATORS: Final = {
    (TOTAL, TOTAL): "job_seekers_abc_count",
    ("Femmes", TOTAL): "job_seekers_abc_women_count",
    (TOTAL, "Moins de 25 ans"): "job_seekers_abc_under25_count",
    (TOTAL, "50 ans et plus"): "job_seekers_abc_50plus_count",
}
"""Sex and age → indicator; the other crossings of the file stay out."""

read: Final = reader(COLUMNS)


def normalise(frame: pd.DataFrame, *, communes: set[str], departements: set[str], file_name: str = FILE) -> Batch:
    """Keep the communes that the observatory knows.

    Returns
    -------
    Batch
        Frame: the columns of ``COLUMNS``, counts as floats (persons), NaN where the Dares gives none.
    """
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=(*KEYS, "job_seekers_count"))
    cell_text.keep_departements(sieve, departements)
    sieve.reject(~sieve.frame["period"].fillna("").str.fullmatch(PERIOD), "trimestre illisible")
    cell_text.reject_unknown_communes(sieve, communes)
    cell_text.numbers(sieve, ["job_seekers_count"])
    cell_text.reject_contradictions(sieve, list(KEYS), ["job_seekers_count"])
    return sieve.batch(sieve.frame[[*COLUMNS]].reset_index(drop=True))


def values(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the raw counts of categories A, B and C together in long form, level ``commune``.

    Any other series of the file (corrected for the season, one category) is not an indicator of the observatory.
    """
    wanted = frame[frame["kind"].eq(RAW) & frame["category"].eq(CATEGORY)]
    indicator = [INDICATORS.get(pair) for pair in zip(wanted["sex"], wanted["age"], strict=True)]
    long = wanted.assign(indicator=pd.Series(indicator, index=wanted.index, dtype=object)).dropna(subset="indicator")
    told = long.assign(level="commune", code=long["commune_code"], value=long["job_seekers_count"])
    return valued(told, SOURCE_ID).reset_index(drop=True)


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=("values",),
    needs={"communes": "communes", "departements": "all_departements"},
    read=read,
    normalise=normalise,
    tables=figures(values),
)
