"""Where a service is offered and where demand is: the sites that count, the points around them, and who each serves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection

from observatory.runs.inputs import DEMAND_LEVEL, POINT_LEVELS, Inputs
from observatory.runs.phases import phase_places, phase_zones
from observatory.store import read
from observatory.studies import PHASES, ServiceStudy

ZONED_SERVICES: Final = ("accompagnement", *(f"accompagnement:{phase}" for phase in PHASES))
"""Services whose bodies only serve their zone of intervention."""


@dataclass(frozen=True, eq=False)
class Supply:
    """A service's sites that count, the demand around them, and which site is open to whom (None: all to all)."""

    offered: pd.DataFrame
    demand: pd.DataFrame
    allowed: npt.NDArray[np.bool_] | None
    warnings: list[str]
    inputs: Inputs


def service_supply(connection: Connection, service: ServiceStudy, inputs: Inputs) -> Supply:
    """Return a service's sites that count, with the demand around them and who each serves."""
    if service.phase is not None:
        offered, warnings = phase_places(connection, service.phase)
        offered = offered.assign(density=offered["density_level"])
        demand = demand_points(inputs)
        return Supply(offered, demand, phase_zones(connection, offered, demand, inputs), warnings, inputs)
    offered, warnings = _offered(read.supply_frame(connection, service.service), service)
    offered = offered.assign(density=offered["density_level"])
    demand = demand_points(inputs)
    allowed = zones_of(offered, demand, inputs) if service.service in ZONED_SERVICES else None
    return Supply(offered, demand, allowed, warnings, inputs)


def _offered(supply: pd.DataFrame, service: ServiceStudy) -> tuple[pd.DataFrame, list[str]]:
    """Return the structures that count as supply, and a sentence for each reason to set others aside."""
    warnings = []
    is_closed = supply["is_closed"].astype(bool)
    if is_closed.any():
        warnings.append(f"Fermées d'après Sirene, montrées mais plus comptées : {_names(supply[is_closed])}.")
        supply = supply[~is_closed]
    is_active = supply["is_active"].astype(bool)
    is_placed = supply["x_m"].notna()
    kept = is_active & is_placed
    if (~is_active).any():
        warnings.append(f"Projets annoncés, montrés mais jamais comptés : {_names(supply[~is_active])}.")
    if (is_active & ~is_placed).any():
        unplaced = supply[is_active & ~is_placed]
        warnings.append(f"Lieu inconnu, non compté dans l'accès : {_names(unplaced)}.")
    if service.service in ZONED_SERVICES:
        is_zoned = supply["zone_level"].notna() & supply["zone_code"].notna()
        if (kept & ~is_zoned).any():
            warnings.append(
                f"Zone d'intervention inconnue, non comptés dans l'accès : {_names(supply[kept & ~is_zoned])}."
            )
        kept &= is_zoned
    return supply[kept], warnings


def _names(supply: pd.DataFrame, *, at_most: int = 12) -> str:
    names = supply["name"].tolist()
    if len(names) > at_most:
        return f"{len(names)} structures"
    return f"{len(names)} ({', '.join(names)})"


def supply_norm(service: ServiceStudy, supply: Supply) -> tuple[float, int, int]:
    """Return the norm of a service, in sites per inhabitant, with the sites and the inhabitants of Normandy."""
    population = supply.inputs.population_count
    supply_count = int(supply.offered["commune_code"].isin(population.index).sum())
    population_count = int(population.sum())
    norm = 1.0 / service.persons_per_site if service.persons_per_site else supply_count / population_count
    return norm, supply_count, population_count


def demand_points(inputs: Inputs) -> pd.DataFrame:
    """Return where demand is: communes of Normandy and its border, then points that are looked at without weighing.

    Returns
    -------
    pandas.DataFrame
        Index (level, code): ``x_m, y_m, weight`` (persons, 0 for QPV and communes déléguées, whose inhabitants their
        commune already counts), ``is_border, commune_code, density``. Territories without a point are left out.
    """
    parts = []
    for level in (DEMAND_LEVEL, *POINT_LEVELS):
        frame = inputs.territories[level]
        frame = frame[frame["x_m"].notna() & ((level == DEMAND_LEVEL) | ~frame["is_border"].astype(bool))]
        own = frame.index.to_series()
        commune = (
            own if level == DEMAND_LEVEL else own.map(inputs.parents.get((level, DEMAND_LEVEL), pd.Series(dtype=str)))
        )
        persons = frame["population_count"].fillna(0).astype(float)
        parts.append(
            pd.DataFrame(
                {
                    "level": level,
                    "code": own,
                    "x_m": frame["x_m"],
                    "y_m": frame["y_m"],
                    "weight": persons if level == DEMAND_LEVEL else 0.0,
                    "is_border": frame["is_border"].astype(bool),
                    "commune_code": commune,
                    "density": commune.map(inputs.density),
                }
            )
        )
    return pd.concat(parts).set_index(["level", "code"])


def zones_of(offered: pd.DataFrame, demand: pd.DataFrame, inputs: Inputs) -> npt.NDArray[np.bool_]:
    """Return whether each site (column) intervenes where each demand point (row) is."""
    commune = demand["commune_code"]
    columns: list[Any] = []
    for level, code in zip(offered["zone_level"], offered["zone_code"], strict=True):
        keys = commune if level == DEMAND_LEVEL else commune.map(inputs.parents[DEMAND_LEVEL, level])
        columns.append((keys == code).to_numpy(dtype=bool))
    return np.column_stack(columns) if columns else np.zeros((len(demand), 0), dtype=bool)
