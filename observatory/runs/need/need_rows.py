"""Rows of a need: scores with the part of each indicator, statuses, and what a reader must know of the indicators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from observatory.need import (
    Indicator,
    NeedStudy,
    aggregate,
    beyond_goalposts,
    contributions,
    effective_weights,
    normalise,
    round_to_total,
    unit_weights,
)
from observatory.parameters import SCORE_DECIMALS
from observatory.runs.loaded_inputs import DEMAND_LEVEL, Figures, Inputs
from observatory.runs.need.small_counts import Protected

WHOLE_SHARE: Final = 0.95
"""Share of a commune's inhabitants under which its rates are said to be those of a part of it (convention de
l'observatoire)."""
VALUE_DECIMALS: Final = 4
"""Digits kept of an indicator's value in the components: more than any source publishes."""


def level_rows(
    level: str,
    protected: Protected,
    need: NeedStudy,
    *,
    provenance: Mapping[str, Mapping[str, Any]],
    inputs: Inputs,
) -> pd.DataFrame:
    """Return the rows of one level, index (level, code): score, weight share, volume, status and components.

    Parameters
    ----------
    protected
        Indicators and volume, estimates where counts are hidden; what is hidden is left out of the rows.
    provenance
        Indicator → period and source (`provenance_of`).
    inputs
        Whose membership the volumes are summed by.
    """
    values, volume = protected.table.indicators[level], protected.volume
    normalised = normalise(values, need)
    scores = aggregate(normalised, need)
    score = scores["score"].round(SCORE_DECIMALS)
    parts = round_to_total(contributions(normalised, need), score, decimals=SCORE_DECIMALS)
    if level != DEMAND_LEVEL:
        keys = inputs.parents[DEMAND_LEVEL, level].reindex(volume.index)
        volume = volume.groupby(keys).sum(min_count=1)
    hidden = pd.DataFrame({name: protected.hides(name, level, values.index) for name in values.columns})
    hidden &= values.notna()
    is_secret = protected.hides_volume(level, values.index)
    covered = protected.table.covered_share[level]
    unsure = hidden | (covered.reindex(values.index) < WHOLE_SHARE) if level == DEMAND_LEVEL else hidden
    status = _statuses(need, values, score, unsure=unsure & values.notna()).mask(is_secret, "suppressed")
    tables = (values, normalised, unit_weights(normalised, need), parts, covered, hidden)
    arrays = [frame.reindex(values.index).to_numpy(dtype=float) for frame in tables]
    components = [
        _components(need, provenance, *(array[position] for array in arrays)) for position in range(len(values))
    ]
    return pd.DataFrame(
        {
            "level": level,
            "code": values.index,
            "score": score.to_numpy(),
            "weight_share": scores["weight_share"].to_numpy(),
            "volume": volume.reindex(values.index).mask(is_secret).array,
            "status": status.to_numpy(),
            "components": components,
        }
    ).set_index(["level", "code"])


def _statuses(need: NeedStudy, values: pd.DataFrame, score: pd.Series, *, unsure: pd.DataFrame) -> pd.Series:
    """Return ``missing`` without a score, ``estimated`` when an estimate takes part in it, ``observed`` otherwise.

    ``unsure`` tells which values are estimates of their own: hidden, or those of a part of a commune.
    """
    estimated = [indicator.id for indicator in need.indicators if indicator.status == "estimated"]
    has_estimate = values[estimated].notna().any(axis="columns") | unsure.any(axis="columns")
    names = np.select([score.isna(), has_estimate], ["missing", "estimated"], default="observed")
    return pd.Series(names, index=values.index)


def _components(
    need: NeedStudy,
    provenance: Mapping[str, Mapping[str, Any]],
    *columns: Any,  # noqa: ANN401
) -> dict[str, dict[str, Any]]:
    found = {}
    for indicator, value, normalised, weight, part, covered, hidden in zip(need.indicators, *columns, strict=True):
        is_known = bool(np.isfinite(value)) and not hidden
        origin = provenance[indicator.id]
        found[indicator.id] = {
            "value": round(float(value), VALUE_DECIMALS) if is_known else None,
            "normalised": round(float(normalised), SCORE_DECIMALS) if is_known else None,
            "weight": round(float(weight), VALUE_DECIMALS) if np.isfinite(weight) else None,
            "contribution": round(float(part), SCORE_DECIMALS) if np.isfinite(part) else None,
            "covered_share": round(float(covered), VALUE_DECIMALS) if np.isfinite(covered) else None,
            "period": origin["period"],
            "status": indicator.status if is_known else "suppressed" if hidden else "missing",
            "source_id": origin["source_id"],
        }
    return found


def provenance_of(indicator: Indicator, figures: Figures) -> dict[str, Any]:
    """Return the period and source of an indicator's figure, as the database has them, else as the study says."""
    measure = indicator.measure
    origin = None if measure is None else figures.provenance.get((measure.level, measure.figure))
    if origin is not None:
        return {"period": origin.period, "source_id": origin.source_id}
    return {"period": indicator.vintage, "source_id": None}


def parameters_of(need: NeedStudy, communes: pd.DataFrame, provenance: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what explains the scores: the study's choices and, for each indicator, how it weighs in fact.

    Parameters
    ----------
    communes
        Indicators of the communes, in their own units.
    provenance
        Indicator → period and source.
    """
    normalised = normalise(communes, need)
    beyond = beyond_goalposts(communes, need).to_dict("index")
    effective = effective_weights(normalised, need)
    return {
        "defi": need.id,
        "defi_label": need.label,
        "note": need.note,
        "normalisation": need.normalisation,
        "aggregation": need.aggregation,
        "min_weight_share": need.min_weight_share,
        "volume_label": "" if need.volume is None else need.volume.label,
        "indicators": [
            {
                "id": one.id,
                "label": one.label,
                "unit": one.unit,
                "denominator": one.denominator,
                "direction": one.direction,
                "weight": one.weight,
                "low": one.low,
                "high": one.high,
                "status": one.status,
                "note": one.note,
                "goalposts_note": one.goalposts_note,
                **provenance[one.id],
                "below_low_count": int(beyond[one.id]["low_count"]),
                "above_high_count": int(beyond[one.id]["high_count"]),
                "known_count": int(beyond[one.id]["known_count"]),
                "effective_weight": _rounded(effective.loc[one.id, "variance_share"]),
                "correlation": _rounded(effective.loc[one.id, "correlation"]),
            }
            for one in need.indicators
        ],
    }


def _rounded(value: Any) -> float | None:  # noqa: ANN401  (a cell of a frame)
    return round(float(value), 3) if np.isfinite(value) else None
