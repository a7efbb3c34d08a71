"""Tonnes of waste by département, year and class, from SINOE's tables; a sum that lacks a row is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd

from observatory.sources.batch import REPEATED_HEADER, Batch, Sieve
from observatory.sources.figures.long_form import VALUE_COLUMNS
from observatory.sources.formats import cell_text
from observatory.sources.formats.cell_text import heading

KILOGRAM_DECIMALS: Final = 3
PLACE: Final = ["code", "period"]


def by_class(
    sieve: Sieve, *, keys: Sequence[str], classes: Mapping[str, str], departements: set[str], total: str | None
) -> Batch:
    """Add up the tonnes of some départements by year and class, and by year.

    Parameters
    ----------
    sieve
        Rows with ``departement_code, year, class, tonnes`` as text, and the other ``keys``.
    keys
        Columns that one row of the table has alone. Rows that say the same twice are duplicates; rows that contradict
        each other are put aside.
    classes
        What ``class`` may say, whatever its case and accents → indicator.
    departements
        Those to keep.
    total
        Indicator of all classes together; None: the table's classes aren't to be added up.

    Returns
    -------
    Batch
        Frame: ``code, period, indicator, value`` (tonnes). ``value`` is NaN where a row of the sum was put aside.
    """
    known = {heading(name): indicator for name, indicator in classes.items()}
    if REPEATED_HEADER in sieve.frame:
        cell_text.reject_repeated_headers(sieve)
    sieve.leave_outside(~sieve.frame["departement_code"].isin(departements))
    sieve.reject(~sieve.frame["year"].fillna("").str.fullmatch(r"\d{4}"), "année illisible")
    indicator = sieve.frame["class"].fillna("").map(heading).map(known)
    told = sieve.frame.assign(code=sieve.frame["departement_code"], period=sieve.frame["year"], indicator=indicator)
    cell_text.numbers(sieve, ["tonnes"])
    sieve.reject(sieve.frame["tonnes"].isna() | (sieve.frame["tonnes"] < 0), "tonnage absent ou négatif")
    sieve.reject(indicator.loc[sieve.frame.index].isna(), "classe hors nomenclature")
    first = sieve.frame.drop_duplicates([*keys, "tonnes"]).index
    repeated = told.index.isin(sieve.frame.index.difference(first))
    cell_text.reject_contradictions(sieve, list(keys), ["tonnes"])
    lost = told.loc[~told.index.isin(sieve.frame.index) & ~repeated]
    kept = told.loc[sieve.frame.index].assign(value=sieve.frame["tonnes"])
    parts = _added(kept, [*PLACE, "indicator"], lost)
    if total is None:
        return sieve.batch(parts)
    whole = _added(parts, PLACE, lost).assign(indicator=total)
    return sieve.batch(pd.concat([parts, whole], ignore_index=True)[[*PLACE, "indicator", "value"]])


def values(frame: pd.DataFrame, source_id: str) -> pd.DataFrame:
    """Return the tonnages in long form, level ``departement``, from the frame of :func:`by_class`."""
    status = frame["value"].notna().map({True: "observed", False: "missing"})
    return frame.assign(level="departement", status=status, source_id=source_id)[list(VALUE_COLUMNS)]


def _added(frame: pd.DataFrame, by: list[str], lost: pd.DataFrame) -> pd.DataFrame:
    """Add up to the kilogram, so that the total is the sum of its parts as shown; NaN where ``lost`` has a row."""
    added = frame.groupby(by, sort=True)["value"].sum(min_count=1).round(KILOGRAM_DECIMALS).reset_index()
    holes = pd.MultiIndex.from_frame(lost[by])
    return added.assign(value=added["value"].mask(pd.MultiIndex.from_frame(added[by]).isin(holes)))
