"""What changed between two analyses: the part of the data and that of the method, which add up to the change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from observatory.need import Indicator, NeedStudy, aggregate, normalise
from observatory.need.explanation import round_to_total
from observatory.parameters import SCORE_DECIMALS

TOLERANCE: Final = 0.05 + 1e-6
"""Scores are stored rounded to one decimal: one that is worked out again must round to the stored one."""
EFFECTS: Final = ("data_effect", "method_effect", "rounding_effect")


def study_of(parameters: Mapping[str, Any]) -> NeedStudy:
    """Return the study that a stored need was worked out with, from the parameters of its run."""
    names = ("id", "label", "direction", "weight", "low", "high")
    return NeedStudy(
        id=str(parameters["defi"]),
        indicators=tuple(Indicator(**{name: one[name] for name in names}) for one in parameters["indicators"]),
        normalisation=parameters["normalisation"],
        aggregation=parameters["aggregation"],
        min_weight_share=parameters["min_weight_share"],
    )


def score_effects(
    before: pd.DataFrame,
    after: pd.DataFrame,
    before_study: NeedStudy,
    after_study: NeedStudy,
    *,
    before_score: pd.Series,
    after_score: pd.Series,
) -> pd.DataFrame:
    """Share the change of a need's score between its data and its method.

    Parameters
    ----------
    before, after
        Indicators in their own units, one row per unit of one level, NaN where unknown; the columns of each study.
    before_study, after_study
        What each was scored with.
    before_score, after_score
        Scores as stored, one decimal.

    Returns
    -------
    pandas.DataFrame
        Index: units of both. ``change`` (after less before, as printed), `EFFECTS`, one decimal, which add up to it:
        the parts of the change before rounding, and what rounding both scores adds to it. Effects are NaN where a score
        can't be worked out again from what is stored (a figure covered by secrecy, an indicator that one study alone
        has).

    Notes
    -----
    Shapley's value over two factors (L. S. Shapley, 1953): the effect of the data is the mean of what it does under the
    old and under the new method; that of the method likewise. No order of replacement is preferred.
    """
    units = before.index.intersection(after.index)
    change = (after_score.reindex(units).astype(float) - before_score.reindex(units).astype(float)).round(
        SCORE_DECIMALS
    )
    names = [one for one in before_study.indicator_ids if one in after_study.indicator_ids]
    if names != before_study.indicator_ids or len(names) != len(after_study.indicator_ids):
        effects = pd.DataFrame(np.nan, index=units, columns=list(EFFECTS))
        return effects.assign(change=change)[["change", *EFFECTS]]
    score = {
        (data, method): aggregate(normalise(frame.loc[units], study), study)["score"]
        for data, frame in (("before", before), ("after", after))
        for method, study in (("before", before_study), ("after", after_study))
    }
    data = (
        score["after", "before"] - score["before", "before"] + score["after", "after"] - score["before", "after"]
    ) / 2
    method = (
        score["before", "after"] - score["before", "before"] + score["after", "after"] - score["after", "before"]
    ) / 2
    is_same = (score["before", "before"] - before_score.reindex(units)).abs().le(TOLERANCE) & (
        score["after", "after"] - after_score.reindex(units)
    ).abs().le(TOLERANCE)
    parts = pd.DataFrame({"data_effect": data, "method_effect": method}).where(is_same & change.notna())
    whole = parts.sum(axis="columns", min_count=len(parts.columns)).round(SCORE_DECIMALS)
    rounded = round_to_total(parts, whole, decimals=SCORE_DECIMALS)
    rounding = (change - whole).round(SCORE_DECIMALS) + 0.0
    return rounded.assign(change=change, rounding_effect=rounding)[["change", *EFFECTS]]
