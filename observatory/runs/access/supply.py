"""Where a service is offered and where demand is: the sites that count, the points around them, and who each serves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection

from observatory.declared.study_reading import PHASED_SERVICE, ServiceStudy
from observatory.runs.access.phases import DOUBTFUL, phase_places
from observatory.runs.loaded_inputs import DEMAND_LEVEL, POINT_LEVELS, Inputs
from observatory.store import read
from observatory.words.labels import PHASES

ZONED_SERVICES: Final = (PHASED_SERVICE, *(f"{PHASED_SERVICE}:{phase}" for phase in PHASES))
"""Services whose bodies only serve their zones of intervention."""
PLAUSIBLE: Final = "likely"
"""Confidence of a place that no page gives, and that a fact makes plausible."""
SAME_POINT_M: Final = 1.0
"""A place this near to the point of its structure is that point (convention de l'observatoire)."""


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
        offered = offered.assign(density=offered["density_level"], zones=structure_zones(connection, offered))
        demand = demand_points(inputs)
        return Supply(offered, demand, zones_of(offered, demand, inputs), warnings, inputs)
    supply = read.supply_frame(connection, service.service)
    is_zoned = service.service in ZONED_SERVICES
    places = read.directory_places(connection)
    supply, further = _with_places(supply, places if is_zoned else places.iloc[:0])
    offered, warnings = _offered(supply, further, service)
    offered = offered.assign(density=offered["density_level"])
    if is_zoned:
        offered["zones"] = structure_zones(connection, offered)
    demand = demand_points(inputs)
    allowed = zones_of(offered, demand, inputs) if is_zoned else None
    return Supply(offered, demand, allowed, warnings, inputs)


def _with_places(supply: pd.DataFrame, places: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the structures, and the places of the directory where they receive beside their own point.

    Returns
    -------
    tuple
        ``supply`` with ``place_confidence``, how sure its own point is; and as many rows like it as there are further
        places: permanences, other places. A place at the very point of its structure isn't a further one.
    """
    places = places[places["structure_id"].isin(supply.index) & places["x_m"].notna()]
    columns = ["x_m", "y_m", "commune_code", "density_level", "is_border", "place_quality"]
    own = supply.loc[places["structure_id"]]
    moved = own.assign(**{name: places[name].to_numpy() for name in columns}).astype(own.dtypes[columns].to_dict())
    moved["place_confidence"] = places["confidence"].to_numpy()
    is_own = np.asarray(np.hypot(moved["x_m"] - own["x_m"], moved["y_m"] - own["y_m"]) < SAME_POINT_M, dtype=np.bool_)
    said = moved.loc[is_own, "place_confidence"].groupby(level=0).first()
    confidence = said.reindex(supply.index).fillna("sure")
    return supply.assign(place_confidence=confidence), moved[~is_own]


def _offered(supply: pd.DataFrame, further: pd.DataFrame, service: ServiceStudy) -> tuple[pd.DataFrame, list[str]]:
    """Return the structures that count as supply, and a sentence for each reason to set others aside."""
    warnings = []
    is_closed = supply["is_closed"].astype(bool)
    if is_closed.any():
        warnings.append(f"Fermées d’après Sirene, montrées mais plus comptées : {_names(supply[is_closed])}.")
        supply = supply[~is_closed]
    is_doubtful = supply["confidence"].eq(DOUBTFUL)
    if is_doubtful.any():
        warnings.append(f"À vérifier, montrées mais pas comptées : {_names(supply[is_doubtful])}.")
        supply = supply[~is_doubtful]
    is_active = supply["is_active"].astype(bool)
    is_placed = supply["x_m"].notna() & supply["place_confidence"].ne(DOUBTFUL)
    further = further[further["place_confidence"].ne(DOUBTFUL)]
    is_reached = is_placed | supply.index.isin(further.index)
    kept = is_active & is_reached
    if (~is_active).any():
        warnings.append(f"Annoncées ou fermées, montrées mais jamais comptées : {_names(supply[~is_active])}.")
    if (is_active & ~is_reached).any():
        unplaced = supply[is_active & ~is_reached]
        warnings.append(f"Lieu inconnu, non comptées dans l’accès : {_names(unplaced)}.")
    if service.service in ZONED_SERVICES:
        is_zoned = supply["zone_level"].notna() & supply["zone_code"].notna()
        if (kept & ~is_zoned).any():
            warnings.append(
                f"Zone d’intervention inconnue, non comptées dans l’accès : {_names(supply[kept & ~is_zoned])}."
            )
        kept &= is_zoned
    offered = supply[kept & is_placed]
    added = further[further.index.isin(supply.index[kept])]
    offered = pd.concat([offered, added]) if len(added) else offered
    is_plausible = offered["place_confidence"].eq(PLAUSIBLE)
    if is_plausible.any():
        warnings.append(
            f"Lieu plausible, qu’aucune page ne donne, compté et dit tel : {_names(offered[is_plausible])}."
        )
    return offered, warnings


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
    """Return whether each site (column) intervenes where each demand point (row) is: any of its zones holds it."""
    commune = demand["commune_code"]
    found: dict[tuple[str, str], npt.NDArray[np.bool_]] = {}
    for level, code in {zone for zones in offered["zones"] for zone in zones}:
        keys = (
            commune
            if level == DEMAND_LEVEL
            else commune.map(inputs.parents.get((DEMAND_LEVEL, level), pd.Series(dtype=str)))
        )
        found[level, code] = (keys == code).to_numpy(dtype=bool)
    allowed = np.zeros((len(demand), len(offered)), dtype=bool)
    for column, zones in enumerate(offered["zones"]):
        for zone in zones:
            allowed[:, column] |= found[zone]
    return allowed


def structure_zones(connection: Connection, offered: pd.DataFrame) -> pd.Series:
    """Return the zones, (level, code), where each site intervenes."""
    zones = read.directory_zones(connection)
    own = {
        str(name): tuple(zip(rows["level"], rows["code"], strict=True)) for name, rows in zones.groupby("structure_id")
    }
    return pd.Series([own.get(str(name), ()) for name in offered.index], index=offered.index, dtype=object)
