"""Access of every commune, commune déléguée and QPV to one service, stored once for the three défis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from observatory.access.travel import TravelCost
from observatory.declared.region import home_region
from observatory.declared.study_reading import ServiceStudy, Study
from observatory.errors import NotComputedError
from observatory.runs.access.supply import ZONED_SERVICES, Supply, demand_points, service_supply, supply_norm, zones_of
from observatory.runs.access.travel_cost import (
    TravelInForce,
    error_at,
    nearest_drive,
    places,
    travel_in_force,
    travel_parameters,
    travel_within,
    with_error,
)
from observatory.runs.identity import run_hash
from observatory.runs.loaded_inputs import DEMAND_LEVEL, Inputs, at_level
from observatory.store import read, results
from observatory.store.tables import AccessResult
from observatory.words.numbers import count

__all__ = [
    "CLOSED_BORDER",
    "ZONED_SERVICES",
    "AccessRun",
    "Supply",
    "access_hash",
    "access_run",
    "demand_points",
    "service_steps",
    "service_supply",
    "supply_norm",
    "zones_of",
]

CLOSED_BORDER: Final = "closed_border_access"
"""Parameter that holds, by commune whose access would change, ``[nearest_min, access_index]`` without the outside."""
COLUMNS: Final = (
    "level",
    "code",
    "nearest_min",
    "nearest_structure_id",
    "reachable_supply",
    "access_index",
    "satisfied_share",
)


@dataclass(frozen=True, eq=False)
class AccessRun:
    """Access to one service at one threshold.

    ``rows`` is indexed by (level, code): ``nearest_min, nearest_structure_id, reachable_supply, access_index,
    satisfied_share``, NaN minutes where there is no site.
    """

    run_hash: str
    rows: pd.DataFrame
    parameters: dict[str, Any]
    source_ids: list[str]

    @property
    def communes(self) -> pd.DataFrame:
        """Rows of the communes, indexed by code."""
        return at_level(self.rows, DEMAND_LEVEL)

    @property
    def closed_border(self) -> pd.DataFrame:
        """Minutes and index of the communes as if nothing lay beyond Normandy: ``nearest_min, access_index``."""
        found = self.communes[["nearest_min", "access_index"]].astype(float)
        for code, (minutes, index) in self.parameters[CLOSED_BORDER].items():
            found.loc[code] = (np.nan if minutes is None else minutes, index)
        return found


def access_hash(
    study: Study, travel: TravelInForce, service: ServiceStudy, threshold_min: float, checksums: dict[str, str]
) -> str:
    """Return the name of an access run."""
    content = {
        "study": study.digest,
        "service": service.service,
        "threshold_min": threshold_min,
        "travel": travel_parameters(travel),
        "inputs": checksums,
    }
    return run_hash("access", content)


def access_run(
    connection: Connection, study: Study, service: ServiceStudy, *, threshold_min: float, inputs: Inputs
) -> AccessRun:
    """Return the access to a service, from the store or worked out and stored."""
    travel = travel_in_force(connection, study)
    name = access_hash(study, travel, service, threshold_min, dict(inputs.checksums))
    stored = results.find_run(connection, name)
    if stored is None:
        results.lock_run(connection, name)
        stored = results.find_run(connection, name)
    if stored is not None:
        return AccessRun(name, _read_rows(connection, name), stored.parameters, stored.source_ids)
    said = read.loaded_completeness(connection).get(service.service, service.completeness)
    service = replace(service, completeness=said)
    worked_out = _work_out(name, travel, service, threshold_min, service_supply(connection, service, inputs))
    results.store_run(
        connection,
        run_hash=name,
        kind="access",
        defi=None,
        service=service.service,
        parameters=worked_out.parameters,
        inputs=inputs.checksums,
        source_ids=worked_out.source_ids,
    )
    rows = worked_out.rows.reset_index()[list(COLUMNS)]
    results.copy_frame(connection, AccessResult, rows.assign(run_hash=name))
    return worked_out


def stored_access(connection: Connection, name: str) -> AccessRun:
    """Return an access run by its name.

    Raises
    ------
    NotComputedError
        If it isn't stored any more.
    """
    stored = results.find_run(connection, name)
    if stored is None:
        raise NotComputedError("Ce calcul d’accès n’est plus en base : relancez « observatory compute ».")
    return AccessRun(name, _read_rows(connection, name), stored.parameters, stored.source_ids)


def _work_out(
    name: str, travel: TravelInForce, service: ServiceStudy, threshold_min: float, supply: Supply
) -> AccessRun:
    inputs, offered, demand = supply.inputs, supply.offered, supply.demand
    norm, supply_count, population_count = supply_norm(service, supply)
    steps = service_steps(service, threshold_min)
    rows, note, closed = _measure(travel, supply, steps=steps, threshold_min=threshold_min, norm=norm)
    error = error_at(travel, threshold_min)
    parameters = {
        "service": service.service,
        "service_label": service.label,
        "threshold_min": threshold_min,
        "threshold_note": service.note,
        "steps": [[float(upper), float(weight)] for upper, weight in steps],
        "norm_sites_per_inhabitant": norm,
        "norm_persons_per_site": round(1.0 / norm) if norm > 0 else None,
        "norm_origin": _norm_origin(service, supply_count, population_count),
        "supply_unit": "Une structure compte pour une unité d’offre : les capacités ne sont pas connues.",
        "supply_count": supply_count,
        "border_supply_count": len(offered) - supply_count,
        "border_demand_count": int(demand["is_border"].sum()),
        "completeness": service.completeness,
        "is_complete": service.is_complete,
        "travel": {
            **travel_parameters(travel),
            "note": with_error(note, error),
            "error": None if error is None else {"median": error.median, "p90": error.p90},
        },
        "warnings": supply.warnings,
        CLOSED_BORDER: closed,
    }
    source_ids = sorted({*offered["source_id"], *inputs.source_ids})
    return AccessRun(name, rows[~demand["is_border"].to_numpy(dtype=bool)], parameters, source_ids)


def service_steps(service: ServiceStudy, threshold_min: float) -> list[tuple[float, float]]:
    """Return the (minutes, weight) steps of a service at a threshold: the study's own, or the APL's."""
    from observatory.access import apl_steps

    if service.steps is None:
        return apl_steps(threshold_min)
    return [(fraction * threshold_min, weight) for fraction, weight in service.steps]


def _measure(
    travel: TravelInForce, supply: Supply, *, steps: list[tuple[float, float]], threshold_min: float, norm: float
) -> tuple[pd.DataFrame, str, dict[str, list[float | None]]]:
    """Return one row per demand point, border included, how travel was estimated, and what a closed border changes."""
    from observatory.access import cumulative, e2sfca

    origins, sites = places(supply.demand), places(supply.offered)
    cost = travel_within(origins, sites, travel, max_min=threshold_min, allowed=supply.allowed)
    pairs = cost.origin_idx, cost.destination_idx, cost.duration_min
    units = np.ones(len(supply.offered))
    index = e2sfca(*pairs, supply.demand["weight"].to_numpy(dtype=float), units, weights=steps)
    within = cumulative(*pairs, units, thresholds=[threshold_min], n_origins=len(supply.demand))[:, 0]
    minutes, position = nearest_drive(cost, origins, sites, travel, allowed=supply.allowed)
    rows = pd.DataFrame(
        {
            "nearest_min": np.where(np.isfinite(minutes), minutes, np.nan),
            "nearest_structure_id": supply.offered.index.to_series().reset_index(drop=True).reindex(position).array,
            "reachable_supply": within,
            "access_index": index,
            "satisfied_share": np.minimum(1.0, index / norm) if norm > 0 else np.zeros(len(index)),
        },
        index=supply.demand.index,
    )
    return rows, cost.note, _closed_border(travel, supply, cost, rows, position=position, steps=steps)


def _closed_border(
    travel: TravelInForce,
    supply: Supply,
    cost: TravelCost,
    rows: pd.DataFrame,
    *,
    position: npt.NDArray[np.int64],
    steps: list[tuple[float, float]],
) -> dict[str, list[float | None]]:
    """Return minutes and index of the communes whose access changes when nothing beyond Normandy counts."""
    from observatory.access import e2sfca

    demand, offered = supply.demand, supply.offered
    is_own = (demand.index.get_level_values("level") == DEMAND_LEVEL) & ~demand["is_border"].to_numpy(dtype=bool)
    is_inside = offered["commune_code"].isin(supply.inputs.population_count.index).to_numpy(dtype=bool)
    kept = cost.select(is_own[cost.origin_idx] & is_inside[cost.destination_idx])
    pairs = kept.origin_idx, kept.destination_idx, kept.duration_min
    index = e2sfca(*pairs, demand["weight"].to_numpy(dtype=float), np.ones(len(offered)), weights=steps)
    minutes = rows["nearest_min"].to_numpy(dtype=float).copy()
    # Only those whose nearest site lies outside have another one to look for.
    elsewhere = np.flatnonzero(is_own & (position >= 0) & ~np.append(is_inside, False)[position])
    if elsewhere.size:
        allowed = None if supply.allowed is None else supply.allowed[np.ix_(elsewhere, np.flatnonzero(is_inside))]
        starts, sites = places(demand.iloc[elsewhere]), places(offered[is_inside])
        none = travel_within(starts, sites, travel, max_min=0.0, allowed=allowed)
        found, _ = nearest_drive(none, starts, sites, travel, allowed=allowed)
        minutes[elsewhere] = np.where(np.isfinite(found), found, np.nan)
    changed = is_own & ((index != rows["access_index"].to_numpy()) | ~_same(minutes, rows["nearest_min"].to_numpy()))
    codes = demand.index.get_level_values("code").tolist()
    return {
        codes[k]: [None if np.isnan(minutes[k]) else float(minutes[k]), float(index[k])]
        for k in np.flatnonzero(changed)
    }


def _same(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    same: npt.NDArray[np.bool_] = (one == other) | (np.isnan(one) & np.isnan(other))
    return same


def _norm_origin(service: ServiceStudy, supply_count: int, population_count: int) -> str:
    if service.persons_per_site:
        return f"Norme déclarée par l’étude : un site pour {service.persons_per_site:g} habitants."
    known = f"{supply_count} structures comptées pour {count(population_count)} habitants"
    return f"Moyenne {home_region().names.adjective_f}, convention de l’observatoire : {known}."


def _read_rows(connection: Connection, name: str) -> pd.DataFrame:
    columns: Sequence[str] = COLUMNS
    query = sa.select(*(getattr(AccessResult, column) for column in columns)).where(AccessResult.run_hash == name)
    rows = pd.DataFrame(list(map(tuple, connection.execute(query))), columns=list(columns))
    return rows.astype({"nearest_min": float}).set_index(["level", "code"])
