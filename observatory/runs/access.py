"""Access of every commune, commune déléguée and QPV to one service, stored once for the three défis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from observatory.runs.identity import run_hash
from observatory.runs.inputs import DEMAND_LEVEL, POINT_LEVELS, Inputs, at_level
from observatory.runs.travel import nearest_drive, places, travel_parameters, travel_within
from observatory.store import read, results
from observatory.store.tables import AccessResult
from observatory.studies import ServiceStudy, Study

ZONED_SERVICES: Final = ("accompagnement",)
"""Services whose bodies only serve their zone of intervention."""
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


@dataclass(frozen=True, eq=False)
class Supply:
    """A service's sites that count, the demand around them, and which site is open to whom (None: all to all)."""

    offered: pd.DataFrame
    demand: pd.DataFrame
    allowed: npt.NDArray[np.bool_] | None
    warnings: list[str]
    inputs: Inputs


def access_hash(study: Study, service: ServiceStudy, threshold_min: float, checksums: dict[str, str]) -> str:
    """Return the name of an access run."""
    content = {
        "study": study.digest,
        "service": service.service,
        "threshold_min": threshold_min,
        "travel": travel_parameters(study),
        "inputs": checksums,
    }
    return run_hash("access", content)


def access_run(
    connection: Connection, study: Study, service: ServiceStudy, *, threshold_min: float, inputs: Inputs
) -> AccessRun:
    """Return the access to a service, from the store or worked out and stored."""
    name = access_hash(study, service, threshold_min, dict(inputs.checksums))
    stored = results.find_run(connection, name)
    if stored is None:
        results.lock_run(connection, name)
        stored = results.find_run(connection, name)
    if stored is not None:
        return AccessRun(name, _read_rows(connection, name), stored.parameters, stored.source_ids)
    worked_out = _work_out(name, study, service, threshold_min, service_supply(connection, service, inputs))
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


def _work_out(name: str, study: Study, service: ServiceStudy, threshold_min: float, supply: Supply) -> AccessRun:
    inputs, offered, demand = supply.inputs, supply.offered, supply.demand
    norm, supply_count, population_count = supply_norm(service, supply)
    steps = service_steps(service, threshold_min)
    rows, note = _measure(study, supply, steps=steps, threshold_min=threshold_min, norm=norm)
    parameters = {
        "service": service.service,
        "service_label": service.label,
        "threshold_min": threshold_min,
        "threshold_note": service.note,
        "steps": [[float(upper), float(weight)] for upper, weight in steps],
        "norm_sites_per_inhabitant": norm,
        "norm_persons_per_site": round(1.0 / norm) if norm > 0 else None,
        "norm_origin": _norm_origin(service, supply_count, population_count),
        "supply_unit": "Une structure compte pour une unité d'offre : les capacités ne sont pas connues.",
        "supply_count": supply_count,
        "border_supply_count": len(offered) - supply_count,
        "border_demand_count": int(demand["is_border"].sum()),
        "completeness": service.completeness,
        "is_complete": service.is_complete,
        "travel": {**travel_parameters(study), "note": note},
        "warnings": supply.warnings,
    }
    source_ids = sorted({*offered["source_id"], *inputs.source_ids})
    return AccessRun(name, rows[~demand["is_border"].to_numpy(dtype=bool)], parameters, source_ids)


def supply_norm(service: ServiceStudy, supply: Supply) -> tuple[float, int, int]:
    """Return the norm of a service, in sites per inhabitant, with the sites and the inhabitants of Normandy."""
    population = supply.inputs.population_count
    supply_count = int(supply.offered["commune_code"].isin(population.index).sum())
    population_count = int(population.sum())
    norm = 1.0 / service.persons_per_site if service.persons_per_site else supply_count / population_count
    return norm, supply_count, population_count


def service_steps(service: ServiceStudy, threshold_min: float) -> list[tuple[float, float]]:
    """Return the (minutes, weight) steps of a service at a threshold: the study's own, or the APL's."""
    from observatory.access import apl_steps

    if service.steps is None:
        return apl_steps(threshold_min)
    return [(fraction * threshold_min, weight) for fraction, weight in service.steps]


def _measure(
    study: Study, supply: Supply, *, steps: list[tuple[float, float]], threshold_min: float, norm: float
) -> tuple[pd.DataFrame, str]:
    """Return one row per demand point, border included, and the sentence that says how travel was estimated."""
    from observatory.access import cumulative, e2sfca

    origins, sites = places(supply.demand), places(supply.offered)
    cost = travel_within(origins, sites, study, max_min=threshold_min, allowed=supply.allowed)
    pairs = cost.origin_idx, cost.destination_idx, cost.duration_min
    units = np.ones(len(supply.offered))
    index = e2sfca(*pairs, supply.demand["weight"].to_numpy(dtype=float), units, weights=steps)
    within = cumulative(*pairs, units, thresholds=[threshold_min], n_origins=len(supply.demand))[:, 0]
    minutes, position = nearest_drive(cost, origins, sites, study, allowed=supply.allowed)
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
    return rows, cost.note


def service_supply(connection: Connection, service: ServiceStudy, inputs: Inputs) -> Supply:
    """Return a service's sites that count, with the demand around them and who each serves."""
    offered, warnings = _offered(read.supply_frame(connection, service.service), service)
    offered = offered.assign(density=offered["density_level"])
    demand = demand_points(inputs)
    allowed = zones_of(offered, demand, inputs) if service.service in ZONED_SERVICES else None
    return Supply(offered, demand, allowed, warnings, inputs)


def _offered(supply: pd.DataFrame, service: ServiceStudy) -> tuple[pd.DataFrame, list[str]]:
    """Return the structures that count as supply, and a sentence for each reason to set others aside."""
    warnings = []
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


def _norm_origin(service: ServiceStudy, supply_count: int, population_count: int) -> str:
    if service.persons_per_site:
        return f"Norme déclarée par l'étude : un site pour {service.persons_per_site:g} habitants."
    inhabitants = f"{population_count:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    known = f"{supply_count} structures connues pour {inhabitants} habitants"
    return f"Moyenne normande, convention de l'observatoire : {known}."


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


def _read_rows(connection: Connection, name: str) -> pd.DataFrame:
    columns: Sequence[str] = COLUMNS
    query = sa.select(*(getattr(AccessResult, column) for column in columns)).where(AccessResult.run_hash == name)
    rows = pd.DataFrame(list(map(tuple, connection.execute(query))), columns=list(columns))
    return rows.astype({"nearest_min": float}).set_index(["level", "code"])
