"""Figures that a need starts from: those it reads, those the observatory works out, and their small counts replaced."""

from __future__ import annotations

from typing import Final

import pandas as pd
from sqlalchemy import Connection

from observatory.declared.study_reading import Study
from observatory.need import NeedStudy, indicator_table, volume_counts
from observatory.runs.access.access_run import access_run, demand_points
from observatory.runs.access.travel_cost import TravelInForce, places, travel_in_force, travel_within
from observatory.runs.loaded_inputs import DEMAND_LEVEL, SUMMED_LEVELS, Figures, Inputs, at_level
from observatory.runs.need import small_counts
from observatory.runs.need.small_counts import Protected

REUSE_SERVICE: Final = "ressourcerie"


def figure_names(need: NeedStudy) -> set[str]:
    """Return every figure of the database that a need is worked out from."""
    names: set[str] = set()
    for indicator in need.indicators:
        measure = indicator.measure
        if measure is not None and measure.kind != "computed":
            names |= {measure.figure, measure.over or measure.figure}
    for weight in need.weights.values():
        names |= {weight.figure, weight.share or weight.figure, weight.spread_by or weight.figure}
    if need.volume is not None and need.volume.kind == "count":
        names.add(need.volume.indicator)
    return names


def protected_need(need: NeedStudy, read: Figures, computed: pd.DataFrame, inputs: Inputs) -> Protected:
    """Return the indicators and the volume of a need at every level, its small counts replaced.

    Parameters
    ----------
    read
        Figures that the need names, with those that protect them.
    computed
        Figures of `computed_figures`.
    inputs
        Whose membership the communes are summed by.
    """
    population = inputs.population_count
    figures = dict(read.by_level)
    figures[DEMAND_LEVEL] = figures[DEMAND_LEVEL].reindex(population.index).join(computed)
    table = indicator_table(
        need, figures=figures, parents=inputs.parents, population_count=population, levels=SUMMED_LEVELS
    )
    volume = volume_counts(
        need, figures=figures, indicators=table.indicators[DEMAND_LEVEL], population_count=population
    )
    return small_counts.protect(need, table, volume, figures=figures, inputs=inputs)


def computed_figures(
    connection: Connection, study: Study, need: NeedStudy, inputs: Inputs, *, travel_factor: float = 1.0
) -> tuple[pd.DataFrame, set[str]]:
    """Work out the figures of communes that no source publishes: time to reuse, inhabitants around.

    Parameters
    ----------
    travel_factor
        How many times longer every drive is than the study's.

    Returns
    -------
    tuple
        Figures, index: communes that count; and the sources that they come from.
    """
    names = {one.measure.figure for one in need.indicators if one.measure and one.measure.kind == "computed"}
    found = pd.DataFrame(index=inputs.population_count.index)
    sources: set[str] = set()
    if "reuse_nearest_min" in names:
        service = study.service(REUSE_SERVICE)
        access = access_run(connection, study, service, threshold_min=service.threshold_min, inputs=inputs)
        found["reuse_nearest_min"] = access.communes["nearest_min"] * travel_factor
        sources |= set(access.source_ids)
    if "catchment_population_count" in names:
        found["catchment_population_count"] = _catchment_population(
            study.catchment_threshold_min / travel_factor, travel_in_force(connection, study), inputs
        )
    return found, sources


def _catchment_population(threshold_min: float, travel: TravelInForce, inputs: Inputs) -> pd.Series:
    """Count the inhabitants, on both sides of the border, within a drive of each commune."""
    from observatory.access import cumulative

    demand = at_level(demand_points(inputs), DEMAND_LEVEL)
    origins = demand[~demand["is_border"].astype(bool)]
    cost = travel_within(places(origins), places(demand), travel, max_min=threshold_min)
    counts = cumulative(
        cost.origin_idx,
        cost.destination_idx,
        cost.duration_min,
        demand["weight"].to_numpy(dtype=float),
        thresholds=[threshold_min],
        n_origins=len(origins),
    )
    return pd.Series(counts[:, 0], index=origins.index)
