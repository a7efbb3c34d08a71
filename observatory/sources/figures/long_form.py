"""Wide figures to long values: one row per territory, indicator and period, with status and source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd

VALUE_COLUMNS: Final = ("level", "code", "indicator", "period", "value", "status", "source_id")


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
    parts = []
    for column, (indicator, period) in columns.items():
        value = frame[column].astype("float64")
        parts.append(
            pd.DataFrame(
                {
                    "level": level,
                    "code": frame[code].to_numpy(),
                    "indicator": indicator,
                    "period": period,
                    "value": value.to_numpy(),
                    "status": value.notna().map({True: "observed", False: "missing"}).to_numpy(),
                    "source_id": source_id,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)[list(VALUE_COLUMNS)]
