"""What moves the ranking of a need, and which orders of two territories hold; stored with analyses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from observatory.gap.spatial import moran, scale_sensitivity
from observatory.need import NeedStudy
from observatory.need.uncertainty import dominance, monte_carlo, total_indices
from observatory.runs.loaded_inputs import DEMAND_LEVEL, Inputs, at_level
from observatory.runs.memory import kept
from observatory.runs.need.need_run import NeedRun

DRAW_COUNT: Final = 1000
SEED: Final = 0
LEVEL: Final = "epci"
SURE_SHARE: Final = 0.95
"""Share of the draws in which a need must be the greater to be surely so (convention de l'observatoire)."""
LEAST_UNITS: Final = 10
"""Units under which a test of spatial autocorrelation says nothing (convention de l'observatoire)."""
DIGITS: Final = 3


def ranking(
    need: NeedRun, study: NeedStudy, *, neighbours: Mapping[str, Sequence[str]], inputs: Inputs
) -> dict[str, Any]:
    """Return what moves the ranking of the EPCI, ready to be stored as JSON.

    Parameters
    ----------
    need, study
        Its indicators, those under secrecy replaced by estimates, and what they were scored with.
    neighbours
        Communes that touch each commune.
    inputs
        For the names of the EPCI.

    Returns
    -------
    dict
        ``level, draws, seed, sure_share``; ``indicators`` (``id, label, weight, effective_weight, total_index``);
        ``choices`` (``normalisation, aggregation``: Sobol total indices of the mean shift of ranks); ``dominance``
        (``code, name, above_count, below_count``: others whose need is surely smaller, surely greater) with
        ``pair_count`` and ``sure_pair_count``; ``moran`` (``statistic, expected, p_value, permutations``, scores of the
        communes) and ``s_maup`` (their sensitivity to being grouped into EPCI).
    """
    return kept(("ranking", need.run_hash), lambda: _work_out(need, study, neighbours, inputs))


def indicator_frame(need: NeedRun, study: NeedStudy, level: str) -> pd.DataFrame:
    """Return the indicators of a level in their own units; NaN where unknown."""
    return need.indicator_values(level)[study.indicator_ids]


def _work_out(
    need: NeedRun, study: NeedStudy, neighbours: Mapping[str, Sequence[str]], inputs: Inputs
) -> dict[str, Any]:
    values = indicator_frame(need, study, LEVEL)
    index = _plain_shares(total_indices(values, study, seed=SEED))
    share = dominance(monte_carlo(values, study, draw_count=DRAW_COUNT, seed=SEED))
    above = (share >= SURE_SHARE).sum(axis="columns")
    below = (share <= 1.0 - SURE_SHARE).sum(axis="columns")
    scored_count = int(share.notna().any(axis="columns").sum())
    names = inputs.territories[LEVEL]["name"]
    return {
        "level": LEVEL,
        "draws": DRAW_COUNT,
        "seed": SEED,
        "sure_share": SURE_SHARE,
        "indicators": [
            {
                **{name: one[name] for name in ("id", "label", "weight", "effective_weight")},
                "total_index": index[one["id"]],
            }
            for one in need.parameters["indicators"]
        ],
        "choices": {name: index[name] for name in ("normalisation", "aggregation")},
        "dominance": [
            {
                "code": str(code),
                "name": str(names[code]),
                "above_count": int(above[code]),
                "below_count": int(below[code]),
            }
            for code in share.index
        ],
        "pair_count": scored_count * (scored_count - 1) // 2,
        "sure_pair_count": int(above.sum()),
        **_spatial(at_level(need.rows, DEMAND_LEVEL)["score"].astype(float).dropna(), neighbours, len(share)),
    }


def _plain_shares(index: pd.Series) -> dict[str, float | None]:
    return {str(name): round(float(one), DIGITS) if np.isfinite(one) else None for name, one in index.items()}


def _spatial(scores: pd.Series, neighbours: Mapping[str, Sequence[str]], group_count: int) -> dict[str, Any]:
    """Return global Moran's I of the communes' scores, and how sensitive they are to the size of the mesh."""
    near = {code: [one for one in neighbours[code] if one in scores.index] for code in scores.index}
    is_enough = len(scores) >= max(LEAST_UNITS, group_count + 1) and any(near.values())
    if not is_enough or not np.ptp(scores.to_numpy()) > 0:
        return {"moran": None, "s_maup": None}
    found = moran(scores, near, seed=SEED)
    sensitivity = scale_sensitivity(len(scores), group_count, found.statistic)
    return {
        "moran": {
            "statistic": round(found.statistic, DIGITS),
            "expected": round(found.expected, DIGITS + 1),
            "p_value": round(found.p_value, DIGITS),
            "permutations": found.permutations,
        },
        "s_maup": round(sensitivity, DIGITS),
    }
