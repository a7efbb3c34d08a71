"""Wide figures to long values: one row per territory, indicator and period, with status and source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd

from observatory.sources.table_declarations import VALUES

VALUE_COLUMNS: Final = tuple(VALUES.columns)


def valued(frame: pd.DataFrame, source_id: str, *, known: str = "observed") -> pd.DataFrame:
    """Give figures in long form their status and their source.

    Parameters
    ----------
    frame
        ``level, code, indicator, period`` and ``value``; NaN is a figure that the producer does not give.
    source_id
        Source of the figures.
    known
        Status of a figure that is there.

    Returns
    -------
    pandas.DataFrame
        Columns ``VALUE_COLUMNS``, same index; status ``missing`` where there is no value.
    """
    status = frame["value"].notna().map({True: known, False: "missing"})
    return frame.assign(status=status, source_id=source_id)[list(VALUE_COLUMNS)]


def long_values(
    frame: pd.DataFrame, *, level: str, code: str, columns: Mapping[str, tuple[str, str]], source_id: str
) -> pd.DataFrame:
    """Turn one column per figure into one row per figure.

    Parameters
    ----------
    frame
        One row per territory, figures as floats; NaN is a figure that the producer does not give.
    level
        Level of the territories.
    code
        Column of their code.
    columns
        Column → (indicator, period).
    source_id
        Source of the figures.

    Returns
    -------
    pandas.DataFrame
        Columns ``VALUE_COLUMNS``; status ``observed``, or ``missing`` where there is no value.
    """
    parts = [
        pd.DataFrame({"level": level, "code": frame[code].to_numpy(), "value": frame[column].astype("float64")}).assign(
            indicator=indicator, period=period
        )
        for column, (indicator, period) in columns.items()
    ]
    return valued(pd.concat(parts, ignore_index=True), source_id)
