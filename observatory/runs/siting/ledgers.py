"""The ledger of the gap pages, before and after a proposal, at the mesh of the study and at that of the gap pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from observatory.access import e2sfca, nearest
from observatory.declared.study_reading import ServiceStudy
from observatory.gap import ledger
from observatory.runs.access.access_run import service_steps
from observatory.runs.access.supply import ZONED_SERVICES, zones_of
from observatory.runs.access.travel_cost import places, reach_m, travel_within
from observatory.runs.loaded_inputs import DEMAND_LEVEL
from observatory.runs.siting.document import without_small
from observatory.runs.siting.question_arrays import SitingInputs

Allowed = npt.NDArray[np.bool_] | None
"""Which site (column) is open to which demand point (row); None: all to all."""


def territory_ledger(
    found: SitingInputs,
    service: ServiceStudy,
    *,
    sites: tuple[int, ...],
    threshold_min: float,
    is_gap_mesh: bool,
) -> dict[str, int | None]:
    """Return who is served, reachable but full, out of reach, and concerned out of reach, over the territory.

    Parameters
    ----------
    sites
        Columns of the open sites; structures that no column stands for stay open.
    is_gap_mesh
        True: communes at their town hall, as on the gap pages. False: the study's units.

    Notes
    -----
    Supply per inhabitant (E2SFCA) is worked out over all of Normandy and its border, each open pole counting for one
    structure; the norm stays that of today.
    """
    supply = found.supplies[service.service]
    demand, persons = _demand(found, supply.demand, is_gap_mesh=is_gap_mesh)
    offered, allowed = _offered(found, service, demand, sites)
    norm = found.norms[service.service]
    demand, offered, allowed = _around(demand, offered, allowed, radius_m=reach_m(found.travel, threshold_min))
    cost = travel_within(places(demand), places(offered), found.travel, max_min=threshold_min, allowed=allowed)
    pairs = cost.origin_idx, cost.destination_idx, cost.duration_min
    steps = service_steps(service, threshold_min)
    index = e2sfca(*pairs, demand["weight"].to_numpy(dtype=float), np.ones(len(offered)), weights=steps)
    minutes, _ = nearest(*pairs, len(demand))
    own = demand["is_own"].to_numpy(dtype=bool)
    account = ledger(
        demand["weight"].to_numpy(dtype=np.int64)[own], minutes[own], index[own], threshold_min=threshold_min, norm=norm
    )
    far = ~account.is_reachable
    concerned = {defi: int(values[far].sum()) for defi, values in persons.items()}
    return {
        "population_count": int(account.population_count.sum()),
        "served_count": int(account.served_count.sum()),
        "reachable_full_count": int(account.reachable_full_count.sum()),
        "out_of_reach_count": int(account.out_of_reach_count.sum()),
        **{f"{defi}_out_of_reach_count": count for defi, count in without_small(found, concerned).items()},
    }


def _demand(found: SitingInputs, demand: pd.DataFrame, *, is_gap_mesh: bool) -> tuple[pd.DataFrame, Mapping[str, Any]]:
    """Return every demand point, those of the territory first, and the persons concerned at these."""
    communes = demand[demand.index.get_level_values("level") == DEMAND_LEVEL].droplevel("level")
    units = found.units[found.units["is_counted"]]
    own_codes = list(dict.fromkeys(units["commune_code"]))
    rest = communes[~communes.index.isin(own_codes)].assign(is_own=False)
    defis = list(found.model.weights)
    if is_gap_mesh:
        own = communes.reindex(own_codes).assign(is_own=True)
        persons = units.groupby("commune_code")[defis].sum().reindex(own_codes)
    else:
        own = units.set_index("code")[["x_m", "y_m", "density", "commune_code"]]
        own = own.assign(weight=units["population_count"].to_numpy(dtype=float), is_border=False, is_own=True)
        persons = units.set_index("code")[defis]
    columns = ["x_m", "y_m", "weight", "density", "commune_code", "is_own"]
    every = pd.concat([own[columns], rest[columns]], ignore_index=True)
    return every, {defi: persons[defi].to_numpy(dtype=np.int64) for defi in defis}


def _offered(
    found: SitingInputs, service: ServiceStudy, demand: pd.DataFrame, sites: tuple[int, ...]
) -> tuple[pd.DataFrame, Allowed]:
    """Return the open sites of a service, and who each serves (None: everybody)."""
    supply = found.supplies[service.service]
    closed = found.sites[found.sites["is_existing"] & ~found.sites.index.isin(sites)]["code"]
    stays = supply.offered[~supply.offered.index.isin(closed)]
    opened = found.sites.loc[[site for site in sites if not found.sites.loc[site, "is_existing"]]]
    columns = ["x_m", "y_m", "density"]
    offered = pd.concat([stays[columns], opened[columns]], ignore_index=True)
    if service.service not in ZONED_SERVICES:
        return offered, None
    zones = zones_of(stays, demand, supply.inputs)
    return offered, np.hstack([zones, np.ones((len(demand), len(opened)), dtype=np.bool_)])


def _around(
    demand: pd.DataFrame, offered: pd.DataFrame, allowed: Allowed, *, radius_m: float
) -> tuple[pd.DataFrame, pd.DataFrame, Allowed]:
    """Keep the sites that the territory may reach and the demand that may compete for them: nothing else counts."""
    own = demand[demand["is_own"]]
    low, high = own[["x_m", "y_m"]].min(), own[["x_m", "y_m"]].max()
    is_near = _within(offered, low, high, radius_m)
    competes = _within(demand, low, high, 2.0 * radius_m)
    kept = None if allowed is None else allowed[competes][:, is_near]
    return demand[competes].reset_index(drop=True), offered[is_near].reset_index(drop=True), kept


def _within(frame: pd.DataFrame, low: pd.Series, high: pd.Series, margin_m: float) -> npt.NDArray[np.bool_]:
    inside = [frame[axis].between(low[axis] - margin_m, high[axis] + margin_m) for axis in ("x_m", "y_m")]
    return (inside[0] & inside[1]).to_numpy(dtype=bool)
