"""Income and minima sociaux by commune (INSEE, Filosofi 2021): small communes are absent by statistical secrecy."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.figures.long_form import long_values
from observatory.sources.formats import cell_text
from observatory.sources.formats.tables import read_exact, read_table
from observatory.sources.formats.vintage import vintage
from observatory.sources.registry import Source, figures
from observatory.sources.territories import history

FILE: Final = "filosofi_communes_2021.csv"
SOURCE_ID: Final = "insee_filosofi_2021"
PERIOD: Final = "2021"
FIGURES: Final = ("median_eur", "minima_pct")
HEADING: Final = r"(?:DISP_)?(?:MED|Q2|TP60|PPMINI)(\d\d)"
NAMES: Final = {"median_eur": ("DISP_MED", "MED", "Q2"), "minima_pct": ("DISP_PPMINI", "PPMINI")}
"""Figure → headings of INSEE's own files, without the year (``Q2`` is the median of disposable income)."""
POVERTY: Final = ("DISP_TP60", "TP60")
HIDDEN: Final = cell_text.MISSING | {"ns", "s"}
"""INSEE writes ``ns`` or ``s`` for a figure that it hides, ``nd`` for one that it doesn't have."""


def read(path: Path) -> pd.DataFrame:
    """Read the table of figures, or INSEE's own file by commune or by IRIS, as text.

    Returns
    -------
    pandas.DataFrame
        ``commune_code`` and the figures; or, from a file by IRIS, ``iris_code``, ``poverty_pct`` and ``median_eur``.
        ``period`` is the year of INSEE's own file.

    Raises
    ------
    InputFileError
        If it is absent or is not what it should be.
    """
    year = vintage(path, HEADING)
    if year is None:
        return read_exact(path, ("commune_code", *FIGURES))
    columns = {name: tuple(f"{one}{year[2:]}" for one in names) for name, names in NAMES.items()}
    columns["poverty_pct"] = tuple(f"{one}{year[2:]}" for one in POVERTY)
    head = {"iris_code": ("IRIS",), "commune_code": ("CODGEO", "COM")}
    table = read_table(path, {**head, **columns}, optional=[*head, "minima_pct", "poverty_pct"], missing=HIDDEN)
    is_iris = table["iris_code"].notna().any()
    kept = table.drop(columns="commune_code" if is_iris else "iris_code")
    return kept.assign(period=year)


def normalise(
    frame: pd.DataFrame,
    *,
    communes: set[str],
    successor: dict[str, str],
    renamed: dict[str, str],
    iris: AbstractSet[str] = frozenset(),
    file_name: str = FILE,
) -> Batch:
    """Keep the figures that describe a commune of today, whole; the others are missing, not zero.

    A median or a share of a commune that has merged since describes neither the part nor the whole: the rows of the
    communes concerned are put aside. A commune that only changed its code keeps its figures.

    Returns
    -------
    Batch
        Frame: one row for each of ``communes``, figures as floats, NaN where INSEE publishes nothing; or, from a file
        by IRIS, one for each of ``iris`` that it gives.
    """
    if "iris_code" in frame:
        return _by_iris(frame, iris, file_name)
    period = frame["period"].iloc[0] if "period" in frame else PERIOD
    frame = frame.assign(commune_code=cell_text.restored(frame["commune_code"]))
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=("commune_code", *FIGURES))
    cell_text.numbers(sieve, list(FIGURES))
    cell_text.reject_contradictions(sieve, ["commune_code"], list(FIGURES))
    today = history.carried(sieve, communes=communes, successor=successor)
    former = sieve.frame["commune_code"]
    merged = set(today[former.ne(today) & former.map(renamed).ne(today)])
    is_part = today.isin(merged)
    sieve.reject(is_part, "commune fusionnée depuis : une médiane ne s’additionne pas, la figure est manquante")
    today = today.loc[sieve.frame.index]
    figures = sieve.frame.assign(commune_code=today).set_index("commune_code")[list(FIGURES)]
    result = figures.reindex(sorted(communes)).rename_axis("commune_code").reset_index()
    return sieve.batch(result.assign(period=period))


def values(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the figures in long form, level ``commune``, or ``iris`` from a file by IRIS."""
    level = "iris" if "iris_code" in frame else "commune"
    figures = ("poverty_pct", "median_eur") if level == "iris" else FIGURES
    said = [one for one in figures if frame[one].notna().any()]  # a column that the file lacks says nothing
    columns = {column: (column, str(frame["period"].iloc[0])) for column in said or figures}
    return long_values(frame, level=level, code=f"{level}_code", columns=columns, source_id=SOURCE_ID)


def _by_iris(frame: pd.DataFrame, iris: AbstractSet[str], file_name: str) -> Batch:
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=("iris_code", "median_eur", "poverty_pct"))
    cell_text.reject_repeated_headers(sieve)
    sieve.frame = sieve.frame.assign(iris_code=cell_text.restored(sieve.frame["iris_code"], digits=9))
    sieve.reject(
        ~sieve.frame["iris_code"].fillna("").str.fullmatch(cell_text.COMMUNE + r"\d{4}"), "code IRIS illisible"
    )
    sieve.leave_outside(~sieve.frame["iris_code"].str[:2].isin({code[:2] for code in iris}))
    sieve.reject(~sieve.frame["iris_code"].isin(iris), "IRIS absent des territoires de l’observatoire")
    cell_text.numbers(sieve, ["median_eur", "poverty_pct"])
    cell_text.reject_contradictions(sieve, ["iris_code"], ["median_eur", "poverty_pct"])
    return sieve.batch(sieve.frame[["iris_code", "median_eur", "poverty_pct", "period"]].reset_index(drop=True))


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=("values",),
    needs={"communes": "communes", "successor": "successor", "renamed": "renamed", "iris": "iris"},
    read=read,
    normalise=normalise,
    tables=figures(values, gives_some=lambda _: True),
    snapshot_file=FILE,
)
