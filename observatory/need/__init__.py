"""Need: from indicators with their denominators to a score, a volume and the reasons for both."""

from __future__ import annotations

from observatory.declared.need_study import Group, Indicator, Measure, NeedStudy, Volume, Weight
from observatory.need.aggregation import aggregate, nominal_weights, unit_weights
from observatory.need.denominators import IndicatorTable, indicator_table, volume_counts
from observatory.need.explanation import contributions, effective_weights, round_to_total
from observatory.need.normalisation import Treated, beyond_goalposts, normalise, winsorise

__all__ = [
    "Group",
    "Indicator",
    "IndicatorTable",
    "Measure",
    "NeedStudy",
    "Treated",
    "Volume",
    "Weight",
    "aggregate",
    "beyond_goalposts",
    "contributions",
    "effective_weights",
    "indicator_table",
    "nominal_weights",
    "normalise",
    "round_to_total",
    "unit_weights",
    "volume_counts",
    "winsorise",
]
