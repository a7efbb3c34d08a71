"""Say why a unit scores what it scores: contributions that add up, and the weights that indicators really have."""

from __future__ import annotations

import numpy as np
import pandas as pd

from observatory.declared.need_study import NeedStudy
from observatory.need.aggregation import aggregate, nominal_weights, unit_weights
from observatory.need.normalisation import indicator_values
from observatory.parameters import GEOMETRIC_FLOOR, VARIATION_TOLERANCE


def contributions(frame: pd.DataFrame, study: NeedStudy) -> pd.DataFrame:
    """Split each unit's score between its indicators.

    Parameters
    ----------
    frame
        Normalised indicators, one row per unit.
    study
        The study the score comes from.

    Returns
    -------
    pandas.DataFrame
        Index of ``frame``, one column per indicator, in points of score. A row sums to the score; a missing indicator
        contributes 0; NaN where there is no score.

    Notes
    -----
    Arithmetic mean: weight × normalised value. Geometric mean: the logarithmic-mean split (Ang, 2005, Energy Policy
    33: 867-871), ``w × (1 + L(score, 1) × ln x)`` with ``L(a, b) = (a − b) / (ln a − ln b)``, which leaves no residue.
    """
    weights = unit_weights(frame, study)
    known = indicator_values(frame, study).fillna(0.0)
    if study.aggregation == "arithmetic":
        return weights * known
    logs = pd.DataFrame(np.log(np.maximum(known, GEOMETRIC_FLOOR)), index=frame.index)
    log_score = (weights * logs).sum(axis="columns", skipna=False)
    mean = (np.expm1(log_score) / log_score.where(log_score > 0, np.nan)).fillna(1.0)
    return weights * (1.0 + logs.mul(mean, axis="index"))


def round_to_total(parts: pd.DataFrame, total: pd.Series, *, decimals: int) -> pd.DataFrame:
    """Round the parts of each row so that, as printed, they add up to the rounded total.

    Parameters
    ----------
    parts
        Rows whose sum is ``total``; a row that is NaN stays so.
    total
        Index of ``parts``.
    decimals
        Digits after the point in ``parts`` and ``total`` alike.

    Returns
    -------
    pandas.DataFrame
        The largest remainders are rounded up, the others down; zeros stay zero unless nothing else can take the unit.
    """
    scale = 10.0**decimals
    scaled = parts.to_numpy(dtype=float) * scale
    floors = np.floor(scaled)
    target = np.round(total.to_numpy(dtype=float) * scale)
    known = np.isfinite(scaled).all(axis=1) & np.isfinite(target)
    missing = np.where(known, target - np.where(known[:, None], floors, 0.0).sum(axis=1), 0.0)
    remainder = np.where(scaled == floors, -1.0, scaled - floors)
    order = np.argsort(np.argsort(-remainder, axis=1, kind="stable"), axis=1, kind="stable")
    rounded = floors + (order < missing[:, None])
    return pd.DataFrame(np.where(known[:, None], rounded / scale, np.nan), index=parts.index, columns=parts.columns)


def effective_weights(frame: pd.DataFrame, study: NeedStudy) -> pd.DataFrame:
    """Compare the weight given to each indicator with the influence that it has on the scores.

    Parameters
    ----------
    frame
        Normalised indicators of all the units; units without a score are left out.
    study
        The study.

    Returns
    -------
    pandas.DataFrame
        Index: indicators. ``nominal_weight`` (sums to 1); ``correlation`` of the indicator with the score (Pearson,
        over the units where both are known); ``importance_share``: squared correlation over the sum of them;
        ``variance_share``: covariance of the contribution with the score over the variance of the score, which sums
        to 1. NaN where the scores do not vary.

    Notes
    -----
    Squared correlations as importance: Paruolo, Saisana and Saltelli, 2013, Journal of the Royal Statistical Society A
    176(3): 609-634.
    """
    score = aggregate(frame, study)["score"]
    values = indicator_values(frame, study)[score.notna()]
    score = score[score.notna()]
    parts = contributions(values, study)
    correlation = pd.Series({name: _correlation(values[name], score) for name in study.indicator_ids})
    squared = correlation.pow(2)
    # Equal scores may differ by the noise of their sums: that is no variance.
    varies = len(score) > 1 and float(np.ptp(score)) > VARIATION_TOLERANCE
    variance = float(score.var(ddof=0)) if varies else 0.0
    covariance = parts.sub(parts.mean()).mul(score - score.mean(), axis="index").mean()
    return pd.DataFrame(
        {
            "nominal_weight": nominal_weights(study),
            "correlation": correlation,
            "importance_share": squared / squared.sum() if squared.sum() > 0 else squared * np.nan,
            "variance_share": covariance / variance if variance > 0 else covariance * np.nan,
        }
    )


def _correlation(values: pd.Series, score: pd.Series) -> float:
    both = values.notna()
    left, right = values[both].to_numpy(dtype=float), score[both].to_numpy(dtype=float)
    if left.size == 0 or min(np.ptp(left), np.ptp(right)) <= VARIATION_TOLERANCE:
        return float("nan")
    return float(np.corrcoef(left, right)[0, 1])
