"""How much the persons concerned grow from a reference year to another, by unit, at the nearest level projected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from observatory.siting.solvers.solution import Floats


@dataclass(frozen=True, eq=False)
class Growth:
    """Factor of each unit from the reference year to another."""

    factor: Floats
    """NaN where no level tells, ``(n_units,)``."""
    level: tuple[str | None, ...]
    """Level that tells for each unit."""


def growth(
    figures: pd.DataFrame, parents: Mapping[str, Sequence[str | None]], *, reference_year: int, year: int
) -> Growth:
    """Return the growth of each unit, from the first level whose projection covers both years.

    Parameters
    ----------
    figures
        Projected persons: ``level, code, year, persons_count``; years as integers.
    parents
        Level → code of each unit's territory there, the nearest level first.

    Notes
    -----
    Between two projected years, persons follow a straight line (convention de l'observatoire); beyond the first and
    the last, nothing is known. Nobody in the reference year: no growth can be told at that level.
    """
    count = len(next(iter(parents.values())))
    factor = np.full(count, np.nan)
    told: list[str | None] = [None] * count
    for level, codes in parents.items():
        rows = figures[figures["level"].eq(level) & figures["persons_count"].notna()]
        known = {str(code): _ratio(one, reference_year, year) for code, one in rows.groupby("code")}
        for unit, code in enumerate(codes):
            ratio = known.get(str(code), np.nan)
            if told[unit] is None and np.isfinite(ratio):
                factor[unit], told[unit] = ratio, level
    return Growth(factor, tuple(told))


def _ratio(rows: pd.DataFrame, reference_year: int, year: int) -> float:
    ordered = rows.sort_values("year")
    years, persons = ordered["year"].to_numpy(dtype=float), ordered["persons_count"].to_numpy(dtype=float)
    start, end = np.interp([reference_year, year], years, persons, left=np.nan, right=np.nan)
    return float(end / start) if start > 0 else np.nan
