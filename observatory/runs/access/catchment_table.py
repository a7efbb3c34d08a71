"""The access of every demand point to one service as a table, worked out here or on a Dask cluster."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from observatory.access.distribution import concentration_index, gini, palma, theil
from observatory.access.partition import Reached, Territory
from observatory.access.travel import note_of
from observatory.declared.study_reading import read_study
from observatory.parameters import require_threshold
from observatory.runs.access.access_run import service_steps, service_supply
from observatory.runs.access.tile_runner import Runner, catchment, here
from observatory.runs.access.travel_cost import places, reach_m, travel_in_force, travel_within
from observatory.runs.loaded_inputs import DEMAND_LEVEL, read_inputs
from observatory.store import read

INCOME: Final = "median_eur"
"""Indicator that orders communes from the poorest to the richest."""


def service_catchment(
    connection: Connection,
    service: str,
    *,
    threshold_min: float | None = None,
    study_path: Path | None = None,
    run: Runner = here,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the access of every commune, commune déléguée and QPV of Normandy and its border to a service.

    Returns
    -------
    tuple
        Rows ``level, code, is_border, access_index, nearest_min, reachable_supply`` (minutes NaN beyond the
        threshold), and the parameters: ``service, threshold_min, steps, travel,
        completeness, inequality`` (Gini and Theil between inhabitants; mean access of the richest 10 % over that of
        the poorest 40 %, and concentration index, by the median income of communes, where it is known).

    Raises
    ------
    UsageError
        If the service is unknown or the threshold out of range.
    """
    study = read_study(study_path)
    declared = study.service(service)
    minutes = require_threshold(declared.threshold_min if threshold_min is None else threshold_min)
    supply = service_supply(connection, declared, read_inputs(connection))
    steps = service_steps(declared, minutes)
    starts, sites = places(supply.demand), places(supply.offered)
    travel = travel_in_force(connection, study)
    # A network or a matrix is on this machine: its drives are worked out here, and handed out.
    cost = None
    if travel.loaded is not None:
        cost = travel_within(starts, sites, travel, max_min=minutes, allowed=supply.allowed)
    demand, units = supply.demand["weight"].to_numpy(dtype=float), np.ones(len(supply.offered))
    territory = Territory(starts, demand, sites, units, supply.allowed, cost)
    constants = study.travel.constants
    reached = catchment(territory, constants=constants, steps=steps, run=run, radius_m=reach_m(travel, minutes))
    index = supply.demand.index
    labels = {name: index.get_level_values(name).to_numpy() for name in ("level", "code")}
    labels["is_border"] = supply.demand["is_border"].to_numpy(dtype=bool)
    parameters = {
        "service": service,
        "threshold_min": minutes,
        "steps": [[float(upper), float(weight)] for upper, weight in steps],
        "travel": note_of(constants) if cost is None else cost.note,
        "completeness": read.loaded_completeness(connection).get(service, declared.completeness),
        "inequality": _inequality(connection, pd.Series(reached.index, index), supply.inputs.population_count),
    }
    return as_frame(reached, labels), parameters


def _inequality(connection: Connection, access: pd.Series, population_count: pd.Series) -> dict[str, float | None]:
    """Return how unequally the inhabitants of the region's communes share the access; None where it isn't defined."""
    persons = population_count.dropna().astype(float)
    index = access.loc[DEMAND_LEVEL].reindex(persons.index).fillna(0.0)
    incomes = read.latest_values(connection, [INCOME], [DEMAND_LEVEL]).set_index("code")["value"].reindex(persons.index)
    found = {
        "gini": gini(index, persons),
        "theil": theil(index, persons),
        "palma": palma(index, persons, incomes),
        "concentration": concentration_index(index, persons, incomes),
    }
    return {name: None if math.isnan(value) else round(value, 4) for name, value in found.items()}


def as_frame(reached: Reached, labels: Mapping[str, Any]) -> pd.DataFrame:
    """Return one row per demand point; minutes are NaN where nothing is reached."""
    minutes = np.where(np.isfinite(reached.nearest_min), reached.nearest_min, np.nan)
    return pd.DataFrame(
        {
            **labels,
            "access_index": reached.index,
            "nearest_min": minutes,
            "reachable_supply": reached.within.astype(np.int64),
        }
    )
