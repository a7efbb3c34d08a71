"""Census counts by commune (INSEE): the table of figures, INSEE's own files (``P21_POP``…), or its API Melodi.

The table of figures also holds births and deaths.
"""

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
from observatory.sources.formats.tables import read_exact, read_table
from observatory.sources.formats.vintage import vintage
from observatory.sources.registry import Source, figures
from observatory.sources.territories import history

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
"""Columns of the table of figures."""
HEADING: Final = r"P(\d\d)_(?:POP|POP6074|CHOM1564)"
OWN_FIGURES: Final = {
    "population_count": "POP",
    "age1564_count": "POP1564",
    "age6074_count": "POP6074",
    "age75p_count": "POP75P",
    "unemployed_1564_count": "CHOM1564",
    "active_1564_count": "ACT1564",
}
"""Count → heading of INSEE's own files, after ``P`` and the year. Two files hold them: each gives what it has."""
AGE_60P: Final = "age60p_count"
PARTS_OF_60P: Final = ["age6074_count", "age75p_count"]
MELODI_GEO: Final = r"(?:\d{4}-)?COM-(\w{5})"
MELODI_AGES: Final = {
    "_T": "population_count",
    "Y15T64": "age1564_count",
    "Y60T74": "age6074_count",
    "Y_GE75": "age75p_count",
}
TOTAL: Final = "_T"


def read(path: Path) -> pd.DataFrame:
    """Read the counts as text: the table of figures, or those of ``OWN_FIGURES`` that INSEE's own file holds.

    Returns
    -------
    pandas.DataFrame
        ``commune_code`` and the counts; ``period`` is the year of INSEE's own file, or of Melodi's answer.

    Raises
    ------
    InputFileError
        If it is absent or is not what it should be.
    """
    if is_json(path):
        return _melodi(path)
    year = vintage(path, HEADING)
    if year is None:
        return read_exact(path, ("commune_code", *FIGURES))
    columns = {name: (f"P{year[2:]}_{heading}",) for name, heading in OWN_FIGURES.items()}
    table = read_table(path, {"commune_code": ("CODGEO",), **columns}, optional=columns)
    return table.dropna(axis="columns", how="all").assign(period=year)


def normalise(
    frame: pd.DataFrame,
    *,
    communes: set[str],
    successor: dict[str, str],
    departements: set[str] | None = None,
    file_name: str = FILE,
) -> Batch:
    """Add the counts of merged communes to their commune of today: no person is lost.

    Parameters
    ----------
    frame
        As read.
    communes
        Those of today.
    successor
        Former code → present code.
    departements
        Those to keep of INSEE's own files, which are of the whole country; None: those of ``communes``.
    file_name
        Where INSEE's own file comes from.

    Returns
    -------
    Batch
        Frame: ``commune_code`` of today, the counts that the file holds, and ``period`` if it is INSEE's own: 60 and
        over are then 60–74 and 75 and over. ``notes`` name each commune of the table of figures that was carried.
    """
    is_own = "period" in frame
    figures = [name for name in (OWN_FIGURES if is_own else FIGURES) if name in frame]
    sieve = Sieve(frame, SOURCE_ID, file_name if is_own else FILE, shown=("commune_code", *figures))
    if is_own:
        cell_text.keep_departements(sieve, departements or {code[:2] for code in communes})
    cell_text.numbers(sieve, figures)
    cell_text.reject_contradictions(sieve, ["commune_code"], figures)
    today = history.carried(sieve, communes=communes, successor=successor)
    counts = history.added(sieve.frame[figures], today, communes=communes)
    if is_own:
        if set(PARTS_OF_60P) <= set(figures):
            counts[AGE_60P] = counts[PARTS_OF_60P].sum(axis="columns", skipna=False)
        return sieve.batch(counts.assign(period=str(frame["period"].iloc[0])))
    moved = zip(sieve.frame["commune_code"], today, strict=True)
    sieve.notes.extend(f"{former} ajoutée à {present}" for former, present in moved if former != present)
    return sieve.batch(counts)


def values(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the counts in long form, level ``commune``."""
    if "period" in frame:
        period = str(frame["period"].iloc[0])
        told = {name: period for name in (*OWN_FIGURES, AGE_60P) if name in frame and name not in PARTS_OF_60P}
        return _long(frame, told, SOURCE_ID)
    return pd.concat([_long(frame, CENSUS, SOURCE_ID), _long(frame, VITAL, VITAL_SOURCE_ID)], ignore_index=True)


def _long(frame: pd.DataFrame, periods: Mapping[str, str], source_id: str) -> pd.DataFrame:
    columns = {name: (name, period) for name, period in periods.items()}
    return long_values(frame, level="commune", code="commune_code", columns=columns, source_id=source_id)


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
            f"Le fichier « {path.name} » n’est pas une réponse de l’API Melodi (dimensions, measures) : téléchargez-le "
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


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=("values",),
    needs={"communes": "communes", "successor": "successor", "departements": "all_departements"},
    read=read,
    normalise=normalise,
    tables=figures(values, gives_some=lambda frame: "period" in frame),
    snapshot_file=FILE,
)
