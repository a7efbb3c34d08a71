"""What changed between two analyses: the parts of data, method and perimeter, which add up to the change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from observatory.need import Indicator, NeedStudy, aggregate, normalise
from observatory.need.explanation import round_to_total
from observatory.parameters import SCORE_DECIMALS

TOLERANCE: Final = 0.05 + 1e-6
"""Scores are stored rounded to one decimal: one that is worked out again must round to the stored one."""
EFFECTS: Final = ("data_effect", "method_effect", "perimeter_effect", "rounding_effect")
PARTS: Final = EFFECTS[:-1]


@dataclass(frozen=True, eq=False)
class Perimeter:
    """Units that are not the sum of the same members before and after."""

    moved: pd.Index[str] | None
    """Their codes; None if the members of one side are not known: then any unit may have moved."""
    indicators: pd.DataFrame
    """Indicators of those that can be worked out with the figures of one side and the members of the other."""
    is_after: bool
    """Whether these figures are those of after, with the members of before; else the other way round."""

    def has_moved(self, units: pd.Index[str]) -> pd.Series:
        """Return whether each unit changed members, or may have."""
        return pd.Series(True if self.moved is None else units.isin(self.moved), index=units)


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
    perimeter: Perimeter | None = None,
) -> pd.DataFrame:
    """Share the change of a need's score between its data, its method and its perimeter.

    Parameters
    ----------
    before, after
        Indicators in their own units, one row per unit of one level, NaN where unknown; the columns of each study.
    before_study, after_study
        What each was scored with.
    before_score, after_score
        Scores as stored, one decimal.
    perimeter
        Units that changed members; None where units have none.

    Returns
    -------
    pandas.DataFrame
        Index: units of both. ``change`` (after less before, as printed), `EFFECTS`, one decimal, which add up to it:
        the parts of the change before rounding, and what rounding both scores adds to it. Effects are NaN where a score
        can't be worked out again from what is stored (a figure covered by secrecy, an indicator that one study alone
        has). ``perimeter_effect`` alone is NaN where it isn't told apart from the effect of the data, which then holds
        it, and where ``perimeter`` is None.

    Notes
    -----
    Shapley's value over two factors (L. S. Shapley, 1953): the effect of the data is the mean of what it does under the
    old and under the new method; that of the method likewise. No order of replacement is preferred. The perimeter is
    then taken out of the data: what the score changes by when, with the figures of one side, the members of the other
    are replaced by its own, in the mean of both methods.
    """
    units = before.index.intersection(after.index)
    change = (after_score.reindex(units).astype(float) - before_score.reindex(units).astype(float)).round(
        SCORE_DECIMALS
    )
    names = [one for one in before_study.indicator_ids if one in after_study.indicator_ids]
    if names != before_study.indicator_ids or len(names) != len(after_study.indicator_ids):
        effects = pd.DataFrame(np.nan, index=units, columns=list(EFFECTS))
        return effects.assign(change=change)[["change", *EFFECTS]]
    studies = (before_study, after_study)
    first, last = _scores(before.loc[units], studies), _scores(after.loc[units], studies)
    data = (last[0] - first[0] + last[1] - first[1]) / 2
    method = (first[1] - first[0] + last[1] - last[0]) / 2
    part, is_apart = _perimeter_part(before.loc[units], after.loc[units], studies, perimeter)
    is_same = (first[0] - before_score.reindex(units)).abs().le(TOLERANCE) & (
        last[1] - after_score.reindex(units)
    ).abs().le(TOLERANCE)
    parts = pd.DataFrame(dict(zip(PARTS, (data - part, method, part), strict=True))).where(is_same & change.notna())
    whole = parts.sum(axis="columns", min_count=len(PARTS)).round(SCORE_DECIMALS)
    rounded = round_to_total(parts, whole, decimals=SCORE_DECIMALS) + 0.0
    rounded["perimeter_effect"] = rounded["perimeter_effect"].where(is_apart)
    rounding = (change - whole).round(SCORE_DECIMALS) + 0.0
    return rounded.assign(change=change, rounding_effect=rounding)[["change", *EFFECTS]]


def _scores(values: pd.DataFrame, studies: tuple[NeedStudy, NeedStudy]) -> tuple[pd.Series, pd.Series]:
    """Return the scores of one table under the method of before and under that of after."""
    before, after = (aggregate(normalise(values, study), study)["score"] for study in studies)
    return before, after


def _perimeter_part(
    before: pd.DataFrame, after: pd.DataFrame, studies: tuple[NeedStudy, NeedStudy], perimeter: Perimeter | None
) -> tuple[pd.Series, pd.Series]:
    """Return the part of the perimeter, 0 where it isn't told apart from the data, and whether it is."""
    nothing = pd.Series(0.0, index=before.index)
    if perimeter is None:
        return nothing, pd.Series(data=False, index=before.index)
    has_moved = perimeter.has_moved(before.index)
    own = after if perimeter.is_after else before
    swapped = own.copy()
    replaced = swapped.index.intersection(perimeter.indicators.index)
    swapped.loc[replaced] = perimeter.indicators.loc[replaced, swapped.columns]
    pairs = zip(_scores(own, studies), _scores(swapped, studies), strict=True)
    steps = [here - there for here, there in pairs]
    step = (steps[0] + steps[1]) / 2 * (1 if perimeter.is_after else -1)
    is_worked_out = has_moved & has_moved.index.isin(replaced) & step.notna()
    return step.where(is_worked_out, nothing), is_worked_out | ~has_moved
