"""Bring indicators of different units onto one scale where more means more need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from observatory.declared.need_study import NeedStudy
from observatory.errors import NotComputedError
from observatory.parameters import SIGNIFICANT_BITS, TSCORE_MEAN, TSCORE_SPREAD


@dataclass(frozen=True, eq=False)
class Treated:
    """Values after winsorising, and how many were brought back at each end, per indicator."""

    frame: pd.DataFrame
    low_count: pd.Series
    high_count: pd.Series


def indicator_values(frame: pd.DataFrame, study: NeedStudy) -> pd.DataFrame:
    """Return the study's indicators in its order, as floats, index preserved.

    Raises
    ------
    NotComputedError
        If a column of the study is missing from ``frame``.
    """
    absent = [name for name in study.indicator_ids if name not in frame.columns]
    if absent:
        raise NotComputedError(
            f"L’indicateur « {absent[0]} » de l’étude {study.id} manque dans les données : chargez sa source."
        )
    return frame[study.indicator_ids].astype(float)


def winsorise(frame: pd.DataFrame, study: NeedStudy) -> Treated:
    """Bring values beyond the study's quantiles back to these quantiles, and count them.

    Parameters
    ----------
    frame
        One row per unit, one column per indicator, in the indicators' units; NaN where unknown (left as it is).
    study
        ``study.winsorise`` holds the two quantiles; None leaves every value as it is and counts nothing.

    Notes
    -----
    Quantiles are linear interpolations over the known values (OECD/JRC Handbook, 2008, step 5). They depend on the
    units given, unlike fixed goalposts.
    """
    values = indicator_values(frame, study)
    if study.winsorise is None:
        nothing = pd.Series(0, index=values.columns, dtype="int64")
        return Treated(values, nothing, nothing.copy())
    low = values.quantile(study.winsorise[0])
    high = values.quantile(study.winsorise[1])
    below, above = values.lt(low, axis="columns"), values.gt(high, axis="columns")
    return Treated(values.clip(low, high, axis="columns"), below.sum(), above.sum())


def beyond_goalposts(frame: pd.DataFrame, study: NeedStudy) -> pd.DataFrame:
    """Count the units that lie beyond each goalpost, and so score 0 or 100 on that indicator.

    Returns
    -------
    pandas.DataFrame
        Index: indicators; columns ``low_count``, ``high_count``, ``known_count``.
    """
    values = indicator_values(frame, study)
    low = pd.Series({indicator.id: indicator.low for indicator in study.indicators})
    high = pd.Series({indicator.id: indicator.high for indicator in study.indicators})
    return pd.DataFrame(
        {
            "low_count": values.lt(low, axis="columns").sum(),
            "high_count": values.gt(high, axis="columns").sum(),
            "known_count": values.notna().sum(),
        }
    )


def normalise(frame: pd.DataFrame, study: NeedStudy) -> pd.DataFrame:
    """Put every indicator on a scale from 0 (no need) to 100, direction included.

    Parameters
    ----------
    frame
        One row per unit (any index), one column per indicator in its own unit; NaN where unknown.
    study
        Goalposts, directions, winsorising and the normalisation chosen.

    Returns
    -------
    pandas.DataFrame
        Same index, the study's indicators in its order, values in [0, 100], NaN kept.

    Raises
    ------
    NotComputedError
        If an indicator of the study has no column.

    Notes
    -----
    ``goalposts``: ``100 × (x − low) / (high − low)``, clipped, so that no unit depends on another.
    ``percentile``: ``100 × (rank − 1) / (n − 1)``, mean rank for ties, 50 where only one value is known.
    ``zscore``: ``50 + 10 z`` with the sample standard deviation, clipped; 50 where all the values are equal.
    The last two depend on the units given, and take values that agree to twelve digits for equal: the rate that a
    département gives to its communes is one value, whatever noise their populations leave in it. OECD/JRC, Handbook on
    Constructing Composite Indicators, 2008, step 5.
    """
    values = winsorise(frame, study).frame
    direction = pd.Series({indicator.id: indicator.direction for indicator in study.indicators}, dtype=float)
    if study.normalisation == "percentile":
        return _percentile(_settled(values * direction))
    if study.normalisation == "zscore":
        return _tscore(_settled(values * direction))
    low = pd.Series({indicator.id: indicator.low for indicator in study.indicators}, dtype=float)
    high = pd.Series({indicator.id: indicator.high for indicator in study.indicators}, dtype=float)
    start = low.where(direction > 0, high)
    return ((values - start) / (high - low) * direction * 100.0).clip(0.0, 100.0)


def _settled(values: pd.DataFrame) -> pd.DataFrame:
    """Return the values without the noise of floating sums, so that equal ones are equal."""
    mantissa, exponent = np.frexp(values.to_numpy(dtype=float))
    step = 2.0**SIGNIFICANT_BITS
    settled = np.ldexp(np.rint(mantissa * step) / step, exponent)
    return pd.DataFrame(settled, index=values.index, columns=values.columns)


def _percentile(oriented: pd.DataFrame) -> pd.DataFrame:
    known_count = oriented.notna().sum()
    share = (oriented.rank(method="average") - 1.0) / (known_count - 1).where(known_count > 1, np.nan)
    return (share * 100.0).mask(oriented.notna() & share.isna(), 50.0)


def _tscore(oriented: pd.DataFrame) -> pd.DataFrame:
    # The mean of equal values may differ from them by a hair, and their deviation from nothing.
    spread = oriented.std(ddof=1).where(oriented.max() > oriented.min(), np.nan)
    score = (oriented - oriented.mean()) / spread
    return (TSCORE_MEAN + TSCORE_SPREAD * score).mask(oriented.notna() & score.isna(), TSCORE_MEAN).clip(0.0, 100.0)
