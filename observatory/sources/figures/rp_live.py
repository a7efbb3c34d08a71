"""Census counts by commune from INSEE's own files (``P21_POP``…), or from its API Melodi."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from observatory.errors import InputFileError
from observatory.sources.batch import LINE, REPEATED_HEADER, Batch, Sieve
from observatory.sources.figures.long_form import long_values
from observatory.sources.formats import cell_text
from observatory.sources.formats.json_lists import is_json, json_rows
from observatory.sources.formats.tables import read_table
from observatory.sources.formats.vintage import vintage
from observatory.sources.territories.history import carry

SOURCE_ID: Final = "insee_rp_2021"
FILE: Final = "base-cc-evol-struct-pop.csv"
HEADING: Final = r"P(\d\d)_(?:POP|POP6074|CHOM1564)"
FIGURES: Final = {
    "population_count": "POP",
    "age1564_count": "POP1564",
    "age6074_count": "POP6074",
    "age75p_count": "POP75P",
    "unemployed_1564_count": "CHOM1564",
    "active_1564_count": "ACT1564",
}
"""Count → heading, after ``P`` and the year. Two of INSEE's files hold them: each gives what it has."""
AGE_60P: Final = "age60p_count"
MELODI_GEO: Final = r"(?:\d{4}-)?COM-(\w{5})"
MELODI_AGES: Final = {
    "_T": "population_count",
    "Y15T64": "age1564_count",
    "Y60T74": "age6074_count",
    "Y_GE75": "age75p_count",
}
TOTAL: Final = "_T"
CLASSES: Final = {"Y60T74", "Y_GE75"}


def is_own_file(path: Path) -> bool:
    """Tell whether a file is one of INSEE's own, or an answer of Melodi, not the table of figures."""
    return is_json(path) or vintage(path, HEADING) is not None


def read(path: Path) -> pd.DataFrame:
    """Read the counts as text: ``commune_code``, those of ``FIGURES`` that the file holds, and ``period``.

    Raises
    ------
    InputFileError
        If it is absent or is not what it should be.
    """
    if is_json(path):
        return _melodi(path)
    year = vintage(path, HEADING)
    if year is None:
        raise InputFileError(
            f"Le fichier « {path.name} » n'a pas les colonnes du recensement (P21_POP…), ou mêle plusieurs "
            "millésimes : donnez le fichier d'un seul."
        )
    columns = {name: (f"P{year[2:]}_{heading}",) for name, heading in FIGURES.items()}
    table = read_table(path, {"commune_code": ("CODGEO",), **columns}, optional=columns)
    return table.dropna(axis="columns", how="all").assign(period=year)


def normalise(
    frame: pd.DataFrame, *, communes: set[str], successor: dict[str, str], departements: set[str], file_name: str = FILE
) -> Batch:
    """Add the counts of merged communes to their commune of today; 60 and over are 60–74 and 75 and over.

    Returns
    -------
    Batch
        Frame: ``commune_code`` of today, the counts that the file holds, ``period``.
    """
    figures = [name for name in FIGURES if name in frame]
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=("commune_code", *figures))
    cell_text.reject_repeated_headers(sieve)
    cell_text.reject_codes(sieve, "commune_code")
    sieve.leave_outside(~sieve.frame["commune_code"].str[:2].isin(departements))
    cell_text.numbers(sieve, figures)
    cell_text.reject_contradictions(sieve, ["commune_code"], figures)
    today = carry(sieve.frame["commune_code"], known=communes, successor=successor)
    sieve.reject(today.isna(), "commune absente des territoires de l'observatoire, et sans commune qui lui succède")
    today = today.loc[sieve.frame.index]
    counts = sieve.frame.assign(commune_code=today).groupby("commune_code")[figures].sum(min_count=1)
    if {"age6074_count", "age75p_count"} <= set(figures):
        counts[AGE_60P] = counts["age6074_count"] + counts["age75p_count"]
    period = str(frame["period"].iloc[0])
    return sieve.batch(counts.reindex(sorted(communes)).rename_axis("commune_code").reset_index().assign(period=period))


def values(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the counts in long form, level ``commune``."""
    period = str(frame["period"].iloc[0])
    names = [name for name in (*FIGURES, AGE_60P) if name in frame and name not in {"age6074_count", "age75p_count"}]
    columns = {name: (name, period) for name in names}
    return long_values(frame, level="commune", code="commune_code", columns=columns, source_id=SOURCE_ID)


def _melodi(path: Path) -> pd.DataFrame:
    """Lay the observations of the API, one per commune and age, in one row per commune; other crossings are left."""
    found: dict[str, dict[str, Any]] = {}
    periods: set[str] = set()
    try:
        for row in json_rows(path):
            seen = row["dimensions"]
            name = MELODI_AGES.get(seen.get("AGE", TOTAL))
            code = pd.Series([seen["GEO"]]).str.extract(f"^{MELODI_GEO}$", expand=False).iloc[0]
            if name is None or pd.isna(code) or not _is_total(seen):
                continue
            value = row["measures"]["OBS_VALUE_NIVEAU"].get("value")
            periods.add(str(seen["TIME_PERIOD"]))
            found.setdefault(str(code), {})[name] = None if value is None else str(value)
    except (KeyError, AttributeError, TypeError) as error:
        raise InputFileError(
            f"Le fichier « {path.name} » n'est pas une réponse de l'API Melodi (dimensions, measures) : téléchargez-le "
            "de nouveau."
        ) from error
    if len(periods) != 1:
        raise InputFileError(
            f"La réponse de Melodi « {path.name} » mêle {len(periods)} millésimes : demandez-en un seul (TIME_PERIOD)."
        )
    rows = [{"commune_code": code, **counts, LINE: rank} for rank, (code, counts) in enumerate(found.items(), start=1)]
    return (
        pd.DataFrame(rows, dtype=object)
        .assign(period=periods.pop(), **{REPEATED_HEADER: False})
        .astype({LINE: "int64", REPEATED_HEADER: "bool"})
    )


def _is_total(dimensions: Mapping[str, str]) -> bool:
    """Tell whether every dimension but place, time, age and measure is at its total."""
    kept = {"GEO", "TIME_PERIOD", "AGE", "RP_MEASURE", "FREQ", "OCS", "GEO_OBJECT"}
    measure = dimensions.get("RP_MEASURE", "POP")
    return measure == "POP" and all(value == TOTAL for name, value in dimensions.items() if name not in kept)
