"""Territories alike: the nearest neighbours of each in need and supply, to share what works between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from observatory.errors import UsageError

MIN_SHARED_WEIGHT: Final = 0.6
"""Least share of the weight known on both sides for two territories to be compared (that of the need's own rule)."""


def standardised(profile: pd.DataFrame) -> pd.DataFrame:
    """Return each column less its mean, over its standard deviation; a column that does not vary is all zero.

    Parameters
    ----------
    profile
        One row per territory of one level, one figure per column, NaN where unknown (left so).
    """
    values = profile.astype(float)
    spread = values.std(ddof=0)
    centred = values - values.mean()
    # A column that does not vary says nothing; its deviation may be a hair above zero.
    varies = spread > 1e-12 * values.abs().max().clip(lower=1.0)
    return (centred * varies) / spread.where(varies, 1.0)


def distances(profile: pd.DataFrame, *, weights: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Return how different the territories are, two by two.

    Parameters
    ----------
    profile
        As in `standardised`.
    weights
        Of the columns, above 0; None: 1 each.

    Returns
    -------
    pandas.DataFrame
        Territory × territory: root mean square of the differences in standard deviations, weighted, over the columns
        known on both sides (1: one standard deviation apart on average). NaN where these hold under
        ``MIN_SHARED_WEIGHT`` of the weight, and nowhere else.

    Raises
    ------
    UsageError
        If a weight is missing or not positive, or there is no column.

    Notes
    -----
    Gower's treatment of what is missing (J. C. Gower, "A general coefficient of similarity", Biometrics 27, 1971), with
    standardised Euclidean distance.
    """
    if profile.shape[1] == 0:
        raise UsageError("Aucun indicateur pour comparer les territoires : choisissez-en au moins un.")
    weight = np.array([1.0 if weights is None else float(weights.get(str(name), 0.0)) for name in profile.columns])
    if not (np.isfinite(weight) & (weight > 0)).all():
        raise UsageError("Chaque indicateur comparé doit avoir un poids positif : corrigez les poids.")
    scores = standardised(profile)
    known = scores.notna().to_numpy(dtype=float)
    filled = scores.fillna(0.0).to_numpy()
    shared = (known * weight) @ known.T
    squares = (filled**2 * weight) @ known.T
    # (a − b)² = a² + b² − 2ab, over the columns known on both sides.
    total = squares + squares.T - 2.0 * (filled * weight) @ filled.T
    enough = shared >= MIN_SHARED_WEIGHT * weight.sum() - 1e-9
    mean = np.divide(np.maximum(total, 0.0), shared, out=np.full(total.shape, np.nan), where=enough & (shared > 0))
    distance = np.sqrt(mean)
    # A territory is at no distance from itself, whatever rounding says.
    np.fill_diagonal(distance, np.where(np.isnan(np.diag(distance)), np.nan, 0.0))
    return pd.DataFrame(distance, index=profile.index, columns=profile.index)


def alike(
    profile: pd.DataFrame, *, count: int = 5, weights: Mapping[str, float] | None = None, reasons: int = 3
) -> pd.DataFrame:
    """Return the territories most like each one, and on what.

    Parameters
    ----------
    profile, weights
        As in `distances`: indicators of need and supply per inhabitant, not sizes.
    count
        How many for each territory.
    reasons
        How many columns to name on each side.

    Returns
    -------
    pandas.DataFrame
        One row per pair: ``code, rank`` (1: the most alike), ``alike_code, distance, nearest_on`` (columns where they
        are closest) and ``farthest_on`` (where they differ most). Ties in the order of ``profile``.
    """
    if count < 1:
        raise UsageError("Le nombre de territoires semblables doit être d’au moins 1.")
    found = distances(profile, weights=weights).to_numpy()
    scores = standardised(profile).to_numpy()
    names = np.array([str(name) for name in profile.columns])
    rows = []
    for position, code in enumerate(profile.index):
        others = found[position].copy()
        others[position] = np.nan
        order = np.argsort(np.where(np.isnan(others), np.inf, others), kind="stable")[:count]
        for rank, other in enumerate(order[~np.isnan(others[order])], start=1):
            apart = np.abs(scores[position] - scores[other])
            by_nearness = [one for one in np.argsort(apart, kind="stable") if not np.isnan(apart[one])]
            rows.append(
                {
                    "code": code,
                    "rank": rank,
                    "alike_code": profile.index[other],
                    "distance": round(float(others[other]), 3),
                    "nearest_on": names[by_nearness[:reasons]].tolist(),
                    "farthest_on": names[by_nearness[::-1][:reasons]].tolist(),
                }
            )
    return pd.DataFrame(rows, columns=["code", "rank", "alike_code", "distance", "nearest_on", "farthest_on"])
