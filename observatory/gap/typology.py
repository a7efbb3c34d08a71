"""Cross need with access: the priority and the four quadrants, read from the scores as they are printed."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from observatory.declared.verdict_study import Cuts
from observatory.parameters import SCORE_DECIMALS

PRIORITY: Final = "prioritaire"
TO_REINFORCE: Final = "a_conforter"
TO_WATCH: Final = "a_surveiller"
COVERED: Final = "couvert"
UNDETERMINED: Final = "indetermine"


def priority(need_score: pd.Series, access_score: pd.Series) -> pd.Series:
    """Return need × lack of access, from 0 to 100, rounded like the scores; NaN where either is unknown."""
    return (need_score * (100.0 - access_score) / 100.0).round(SCORE_DECIMALS)


def typology(need_score: pd.Series, access_score: pd.Series, *, cuts: Cuts) -> pd.Series:
    """Name the quadrant of each unit.

    Parameters
    ----------
    need_score, access_score
        0 to 100, same index, already rounded: what is printed is what is compared. NaN where unknown.
    cuts
        Declared in the study.

    Returns
    -------
    pandas.Series
        ``prioritaire`` (high need, poor access), ``a_conforter`` (high need, good access), ``a_surveiller`` (low need,
        poor access), ``couvert`` (low need, good access), ``indetermine`` where a score is unknown.
    """
    is_known = need_score.notna() & access_score.notna()
    is_high, is_good = need_score >= cuts.need, access_score >= cuts.access
    names = np.select(
        [~is_known, is_high & ~is_good, is_high & is_good, ~is_high & ~is_good],
        [UNDETERMINED, PRIORITY, TO_REINFORCE, TO_WATCH],
        default=COVERED,
    )
    return pd.Series(names, index=need_score.index, name="typology")
