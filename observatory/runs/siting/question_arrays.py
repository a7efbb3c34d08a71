"""A siting question put in arrays from the database: units, persons concerned, candidates, structures, minutes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from sqlalchemy import Connection

from observatory.declared.siting_study import NamedCandidate, SitingStudy
from observatory.declared.study_reading import Study
from observatory.errors import UsageError
from observatory.runs.access.supply import SAME_POINT_M, ZONED_SERVICES, Supply, service_supply, supply_norm, zones_of
from observatory.runs.access.travel_cost import (
    LONGEST_DRIVE_MIN,
    TravelInForce,
    error_at,
    places,
    travel_in_force,
    travel_within,
    with_error,
)
from observatory.runs.loaded_inputs import DEMAND_LEVEL, Inputs
from observatory.runs.siting.candidates import candidate_places, communes_of, no_candidate
from observatory.runs.siting.limits import forbid, limits_of
from observatory.siting.question.arrays import SitingModel
from observatory.siting.question.mesh import split_communes
from observatory.siting.solvers.solution import Booleans, Floats
from observatory.store import read

UNITS_MAX: Final = 800
"""Most units of a siting question (convention de l'observatoire): a département; a region is another scale."""
NEAREST_KEPT: Final = 2
"""Structures beyond the threshold that are kept for each unit: its nearest, and the next should that one close; one
more for each structure that the question lets close."""


@dataclass(frozen=True, eq=False)
class SitingInputs:
    """The model, and who its rows and columns are."""

    model: SitingModel
    units: pd.DataFrame
    """In the order of the model's rows: ``unit_level, code, commune_code, name, x_m, y_m, density, population_count``,
    one column per défi, ``is_counted``."""
    sites: pd.DataFrame
    """In the order of the model's columns: ``code, name, x_m, y_m, density, commune_code, is_existing, note,
    source_id``."""
    supplies: dict[str, Supply]
    territory: dict[str, Any]
    named: tuple[NamedCandidate, ...]
    travel_note: str
    hidden: Mapping[str, Booleans]
    """Whether the persons of each unit concerned by each défi are not to be shown, ``(n_units,)``."""
    norms: Mapping[str, float]
    """Norm of each service's supply per inhabitant, that of today."""
    travel: TravelInForce
    public: frozenset[str] = frozenset()
    """Défis whose persons concerned are public: their small counts are shown."""


def siting_inputs(
    connection: Connection,
    siting: SitingStudy,
    study: Study,
    *,
    volumes: Mapping[str, pd.Series],
    inputs: Inputs,
    hidden: Mapping[str, frozenset[str]] | None = None,
    public: frozenset[str] = frozenset(),
) -> SitingInputs:
    """Read what a siting question is about.

    Parameters
    ----------
    volumes
        Persons concerned by each défi, by commune; estimates where they are under secrecy.
    hidden
        Communes whose persons concerned by a défi are not to be shown.
    public
        Défis whose persons concerned are public.

    Raises
    ------
    UsageError
        If a candidate or a structure named isn't there, or the territory is too large.
    UnknownTerritoryError
        If no territory bears a code.
    """
    level = read.territory_level(connection, siting.territory)
    territory = read.territory(connection, level, siting.territory)
    own = communes_of(connection, siting.territory)
    around = [code for one in siting.catchment for code in communes_of(connection, one) if code not in set(own)]
    units = _units(siting, own, list(dict.fromkeys(around)), volumes=volumes, inputs=inputs)
    if len(units) > UNITS_MAX:
        raise UsageError(
            f"{territory['name']} compte trop d’unités pour une étude d’implantation ({len(units)}, au plus "
            f"{UNITS_MAX}) : choisissez une intercommunalité ou un département."
        )
    supplies = {name: service_supply(connection, study.service(name), inputs) for name in siting.services}
    candidates = candidate_places(connection, siting, study, units=units, inputs=inputs)
    travel = travel_in_force(connection, study)
    existing, existing_min, offers = _existing(siting, travel, units, supplies, inputs)
    candidate_min = np.full((len(units), len(candidates)), np.inf)
    cost = travel_within(places(units), places(candidates), travel, max_min=LONGEST_DRIVE_MIN)
    candidate_min[cost.origin_idx, cost.destination_idx] = cost.duration_min
    sites = pd.concat([existing, candidates], ignore_index=True) if len(candidates) else existing
    forbid(siting, units, sites, existing_min, candidate_min)
    model = SitingModel(
        population_count=units["population_count"].to_numpy(dtype=np.int64),
        concerned_count={defi: units[defi].to_numpy(dtype=np.int64) for defi in siting.defis},
        weights=dict(siting.defis),
        is_counted=units["is_counted"].to_numpy(dtype=bool),
        existing_min=existing_min,
        offers=offers,
        is_kept=_kept(siting, existing),
        candidate_min=candidate_min,
        services=siting.services,
        poles=siting.poles,
        objective=siting.objective,
        threshold_min=siting.threshold_min,
        unit_names=tuple(units["name"].astype(str)),
        no_candidate="" if len(candidates) else no_candidate(connection, siting, study, units=units, inputs=inputs),
        limits=limits_of(siting, sites),
        capacity=siting.capacity_count,
    )
    commune = units["commune_code"].astype(str)
    secret = {defi: commune.isin((hidden or {}).get(defi, frozenset())).to_numpy(dtype=bool) for defi in siting.defis}
    norms = {name: supply_norm(study.service(name), supply)[0] for name, supply in supplies.items()}
    note = with_error(cost.note, error_at(travel, siting.threshold_min))
    return SitingInputs(model, units, sites, supplies, territory, siting.named, note, secret, norms, travel, public)


def _units(
    siting: SitingStudy, own: list[str], around: list[str], *, volumes: Mapping[str, pd.Series], inputs: Inputs
) -> pd.DataFrame:
    counts = ["population_count", *siting.defis]
    frame = inputs.communes[["name", "x_m", "y_m", "population_count"]].copy()
    frame["density"] = inputs.density.reindex(frame.index)
    for defi in siting.defis:
        frame[defi] = volumes[defi].reindex(frame.index)
    frame[counts] = frame[counts].fillna(0)
    frame = frame[frame["x_m"].notna()]
    mine, theirs = (
        frame.reindex([code for code in own if code in frame.index]),
        frame.reindex(around).dropna(subset=["x_m"]),
    )
    parts = inputs.territories["commune_deleguee"][["name", "population_count", "x_m", "y_m"]].copy()
    parents = inputs.parents.get(("commune_deleguee", DEMAND_LEVEL), pd.Series(dtype=str))
    parts["commune_code"] = parents.reindex(parts.index)
    if siting.mesh == "commune":
        parts = parts.iloc[:0]
    inside = split_communes(mine, parts, counts=counts).assign(is_counted=True)
    outside = split_communes(theirs, parts.iloc[:0], counts=counts).assign(is_counted=False)
    return pd.concat([inside, outside], ignore_index=True) if len(outside) else inside


def _existing(
    siting: SitingStudy, travel: TravelInForce, units: pd.DataFrame, supplies: dict[str, Supply], inputs: Inputs
) -> tuple[pd.DataFrame, Floats, Any]:
    """Return the structures that may matter, minutes to each, and which services each offers."""
    minutes: dict[str, Floats] = {}
    offered = {name: _at_units(supply.offered, units) for name, supply in supplies.items()}
    together = pd.concat(offered.values())
    together = together[~together.index.duplicated()].sort_index()
    for name, frame in offered.items():
        minutes[name] = _to_structures(name, units, frame, travel, inputs)
    useful: set[str] = set()
    for name, frame in offered.items():
        kept_count = NEAREST_KEPT + len(siting.closable)
        useful |= _that_matter(minutes[name], frame.index.to_numpy(), siting.threshold_min, kept_count)
    named = {*(siting.keep or ()), *(one.code for one in siting.closable)}
    kept = together[together.index.isin(useful | named)]
    existing_min = np.full((len(units), len(kept)), np.inf)
    offers = np.zeros((len(kept), len(siting.services)), dtype=np.bool_)
    for service, name in enumerate(siting.services):
        site = kept.index.get_indexer(offered[name].index)  # a structure may receive at several places
        there = site >= 0
        offers[site[there], service] = True
        np.minimum.at(existing_min.T, site[there], minutes[name].T[there])
    sites = pd.DataFrame(
        {
            "code": kept.index,
            "name": kept["name"].to_numpy(),
            "x_m": kept["x_m"].to_numpy(),
            "y_m": kept["y_m"].to_numpy(),
            "density": kept["density"].to_numpy(),
            "commune_code": kept["commune_code"].to_numpy(),
            "is_existing": True,
            "note": kept["place_quality"].to_numpy(),
            "source_id": kept["source_id"].to_numpy(),
        }
    )
    return sites, existing_min, offers


def _at_units(offered: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Return structures with those that stand at the point of a unit put there exactly: the same place is a tie.

    A town hall is known to the centimetre on one side and to the decimetre on the other.
    """
    if offered.empty or units.empty:
        return offered
    point_m = offered[["x_m", "y_m"]].to_numpy(dtype=float)
    unit_m = units[["x_m", "y_m"]].to_numpy(dtype=float)
    found = cKDTree(unit_m).query(point_m, distance_upper_bound=SAME_POINT_M)
    is_there, nearest = np.isfinite(found[0]), np.asarray(found[1])
    point_m[is_there] = unit_m[nearest[is_there]]
    return offered.assign(x_m=point_m[:, 0], y_m=point_m[:, 1])


def _to_structures(
    name: str, units: pd.DataFrame, offered: pd.DataFrame, travel: TravelInForce, inputs: Inputs
) -> Floats:
    allowed = zones_of(offered, units, inputs) if name in ZONED_SERVICES else None
    found = np.full((len(units), len(offered)), np.inf)
    if len(offered):
        cost = travel_within(places(units), places(offered), travel, max_min=LONGEST_DRIVE_MIN, allowed=allowed)
        found[cost.origin_idx, cost.destination_idx] = cost.duration_min
    return found


def _that_matter(
    minutes: Floats,
    codes: Any,  # noqa: ANN401  (an index's array)
    threshold_min: float,
    kept_count: int,
) -> set[str]:
    """Return the structures within reach of a unit, travel error included, or among its nearest."""
    if minutes.shape[1] == 0:
        return set()
    near = np.asarray((minutes <= 1.5 * threshold_min).any(axis=0), dtype=np.bool_)
    first = np.argsort(minutes, axis=1, kind="stable")[:, :kept_count]
    near[np.unique(first)] = True
    return {str(code) for code in codes[near]}


def _kept(siting: SitingStudy, existing: pd.DataFrame) -> Any:  # noqa: ANN401  (a boolean array)
    if siting.keep is None:
        return np.ones(len(existing), dtype=np.bool_)
    unknown = [code for code in siting.keep if code not in set(existing["code"])]
    if unknown:
        raise UsageError(f"Structures à garder inconnues pour ces services : {', '.join(unknown[:5])}.")
    return existing["code"].isin(siting.keep).to_numpy(dtype=bool)
