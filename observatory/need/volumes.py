"""Volumes where only a coarser figure is published: spread, rounded so that they add up, with an interval.

A figure of a département is spread over its communes in proportion to persons that are counted there. The result is an
estimate: it supposes the same rate everywhere in the département; the interval says how far rates are known to vary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from observatory.errors import NotComputedError, UsageError

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

NINETY_PERCENT_HALF_WIDTH: Final = 1.6448536269514722
"""Standard deviations on each side of the mean that hold 90 % of a normal distribution."""
_BISECTIONS: Final = 80


@dataclass(frozen=True, eq=False)
class SmallArea:
    """Estimates of a volume by commune, which add up to the published totals.

    ``communes`` is indexed by commune: ``parent_code``, ``volume`` (in the unit of the totals, whole or with the
    decimals asked for), ``variance`` of what the volume would be without the published total, and ``cap`` (the volume
    can't be above it; infinite where nothing bounds it).
    """

    communes: pd.DataFrame
    unit_size: float
    """Smallest step of a volume: 1 for whole persons, 0.1 for tonnes with one decimal."""


def apportion(
    total: int, key: npt.ArrayLike, *, lower: npt.ArrayLike | None = None, upper: npt.ArrayLike | None = None
) -> IntArray:
    """Share a whole number out in proportion to a key, in whole numbers that add up to it exactly.

    Parameters
    ----------
    total
        What is shared out, 0 or more.
    key
        0 or more, shape (n,); all zero: equal parts.
    lower, upper
        Least and greatest part of each, whole numbers, shape (n,); None: 0 and ``total``.

    Returns
    -------
    numpy.ndarray
        Shape (n,). The exact shares, brought inside their bounds, are rounded down and the units left go to the largest
        remainders (Hamilton's method), the first in order where they are equal.

    Raises
    ------
    UsageError
        If the bounds leave no way to reach the total.
    """
    weight = np.asarray(key, dtype=float)
    low = np.zeros(weight.shape, dtype=np.int64) if lower is None else np.asarray(lower, dtype=np.int64)
    high = np.full(weight.shape, total, dtype=np.int64) if upper is None else np.asarray(upper, dtype=np.int64)
    if (low > high).any() or not low.sum() <= total <= high.sum() or (weight < 0).any():
        raise UsageError(f"Le total {total} ne peut pas être réparti entre ces bornes : vérifiez les chiffres.")
    if not weight.sum() > 0:
        weight = np.ones(weight.shape)
    exact = _clipped_shares(total, weight, low, high)
    # A share that is a whole number up to rounding error must not lose its last unit.
    parts: IntArray = np.floor(exact + 1e-9).astype(np.int64)
    remainder = exact - parts
    left = total - int(parts.sum())
    while left > 0:
        order = np.argsort(np.where(parts < high, -remainder, np.inf), kind="stable")[:left]
        order = order[parts[order] < high[order]]
        parts[order] += 1
        remainder[order] -= 1.0
        left = total - int(parts.sum())
    return parts


def _clipped_shares(total: int, weight: FloatArray, low: IntArray, high: IntArray) -> FloatArray:
    """Return ``clip(scale × weight, low, high)`` with the scale that makes it sum to ``total``.

    What the positive weights can't carry, because they are at their upper bound, is spread evenly over the rest.
    """
    positive = weight > 0
    reachable = int(np.where(positive, high, low).sum())
    if total > reachable:
        exact = np.where(positive, high, low).astype(float)
        room = (high - exact) * ~positive
        spread: FloatArray = exact + room * ((total - reachable) / room.sum())
        return spread
    # The answer is bracketed: at scale 0 every part is at its lower bound, at the last one at its upper bound.
    start, end = 0.0, float((high[positive] / weight[positive]).max()) if positive.any() else 0.0
    for _ in range(_BISECTIONS):
        middle = (start + end) / 2.0
        if np.clip(middle * weight, low, high).sum() < total:
            start = middle
        else:
            end = middle
        if end - start <= np.spacing(end):
            break
    shares: FloatArray = np.clip(end * weight, low, high)
    return shares


def small_area(
    totals: pd.Series,
    key_count: pd.Series,
    parent_code: pd.Series,
    *,
    decimals: int = 0,
    is_share_of_key: bool = False,
) -> SmallArea:
    """Spread published totals over the units inside, in proportion to what is counted there.

    Parameters
    ----------
    totals
        Published volume, indexed by parent (département).
    key_count
        Persons by commune (unemployed for the long-term unemployed, inhabitants for tonnes of waste); a commune where
        they are unknown receives nothing.
    parent_code
        Parent of each commune, indexed by commune.
    decimals
        Of the published totals, kept in the volumes: 0 for persons, 1 for tonnes.
    is_share_of_key
        Whether the volume is a part of the persons of the key, and so can't be above them.

    Returns
    -------
    SmallArea
        Volumes of the communes, which add up to ``totals`` exactly.

    Raises
    ------
    NotComputedError
        If a parent has a total and nobody to spread it over, or a commune has a parent without total.
    """
    parent = parent_code.reindex(key_count.index)
    key = key_count.astype(float).fillna(0.0)
    absent = sorted({code for code in parent.dropna().unique() if code not in totals.index or pd.isna(totals[code])})
    if absent or parent.isna().any():
        who = absent[0] if absent else parent.index[parent.isna()][0]
        raise NotComputedError(f"Aucun total publié pour {who} : chargez la source du chiffre à répartir.")
    scale = 10.0**decimals
    steps = pd.Series(0, index=key.index, dtype="int64")
    for code, rows in key.groupby(parent):
        if not rows.sum() > 0:
            raise NotComputedError(f"Personne ne permet de répartir le total de {code} : la clé y est nulle.")
        upper = np.floor(rows.to_numpy() * scale) if is_share_of_key else None
        steps[rows.index] = apportion(round(float(totals[code]) * scale), rows.to_numpy(), upper=upper)
    volume = steps / scale
    rate = key.groupby(parent).transform("sum")
    rate = parent.map(totals.astype(float)) / rate
    variation = between_parents_variation(totals, key.groupby(parent).sum())
    sampling = volume * (1.0 - rate.clip(upper=1.0)) if is_share_of_key else volume * 0.0
    return SmallArea(
        pd.DataFrame(
            {
                "parent_code": parent,
                "volume": volume,
                "variance": sampling + (variation * volume) ** 2,
                "cap": key if is_share_of_key else np.inf,
            }
        ),
        1.0 / scale,
    )


def between_parents_variation(totals: pd.Series, key_count: pd.Series) -> float:
    """Return the coefficient of variation, between parents, of the rate ``totals / key_count``.

    Parameters
    ----------
    totals, key_count
        Indexed by parent; rates are weighted by ``key_count``.

    Notes
    -----
    What is known of how far the rate varies inside a parent is only how far it varies between them: rates of communes
    vary more, so that the intervals made from it are the narrowest that the data allow to claim. 0 for a single parent.
    """
    keys = key_count[key_count > 0].astype(float)
    rates = totals.reindex(keys.index).astype(float) / keys
    mean = float(np.average(rates, weights=keys))
    if not mean > 0:
        return 0.0
    return float(np.sqrt(np.average((rates - mean) ** 2, weights=keys)) / mean)


def estimated_volumes(estimates: SmallArea, group_code: pd.Series | None = None) -> pd.DataFrame:
    """Return the volumes of the communes, or of groups of them, with their interval.

    Parameters
    ----------
    estimates
        What `small_area` returns.
    group_code
        Group of each commune (EPCI, département, region…), indexed by commune; None: the communes themselves.

    Returns
    -------
    pandas.DataFrame
        Index: groups. ``volume`` (plain sum of the communes), ``volume_low`` and ``volume_high`` (90 % interval),
        ``status`` (``estimated``, or ``observed`` where the group is made of whole parents: their published total).

    Notes
    -----
    Communes are taken as independent around their estimate, normal, given that each parent adds up to its published
    total: a part of a parent with variance ``a`` out of ``A`` keeps ``a (1 − a / A)``, nothing when it is the whole
    (conditional normal distribution). J. N. K. Rao and I. Molina, "Small Area Estimation" (2015), ch. 3, for synthetic
    estimates and benchmarking.
    """
    communes = estimates.communes
    group = communes.index.to_series() if group_code is None else group_code.reindex(communes.index)
    parts = communes.groupby([group.rename("group"), communes["parent_code"].rename("parent")])[["variance"]].sum()
    whole = communes.groupby("parent_code")["variance"].sum()
    a, total = parts["variance"], whole.reindex(parts.index.get_level_values("parent")).to_numpy()
    kept = (a * (1.0 - np.divide(a, total, out=np.ones(len(a)), where=total > 0))).clip(lower=0.0)
    variance = kept.groupby(level="group").sum()
    frame = pd.DataFrame({"volume": communes.groupby(group)["volume"].sum()})
    half = NINETY_PERCENT_HALF_WIDTH * np.sqrt(variance.reindex(frame.index))
    cap = communes.groupby(group)["cap"].sum()
    frame["volume_low"] = _stepped((frame["volume"] - half).clip(lower=0.0), estimates.unit_size, np.floor)
    frame["volume_high"] = _stepped(np.minimum(frame["volume"] + half, cap), estimates.unit_size, np.ceil)
    sizes = communes.groupby([group.rename("group"), "parent_code"]).size()
    is_whole = (
        sizes == communes.groupby("parent_code").size().reindex(sizes.index.get_level_values("parent_code")).array
    )
    frame["status"] = np.where(is_whole.groupby(level="group").all().reindex(frame.index), "observed", "estimated")
    frame.loc[frame["status"] == "observed", ["volume_low", "volume_high"]] = frame["volume"]
    return (frame.reindex(communes.index) if group_code is None else frame).rename_axis("code")


def _stepped(values: pd.Series, unit_size: float, rounding: np.ufunc) -> pd.Series:
    """Round to whole steps, away from the estimate; a hair of rounding error does not make a step."""
    nearest = np.round(values / unit_size)
    steps = np.where(np.isclose(values / unit_size, nearest, atol=1e-6), nearest, rounding(values / unit_size))
    return pd.Series(steps * unit_size, index=values.index)
