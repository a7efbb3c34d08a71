"""Travel times between places by the cost in force: a loaded road network or matrix, else the declared fallback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection

from observatory.access.loaded_network import MATRIX_SNAP_M, by_matrix, by_network
from observatory.access.travel import Places, TravelCost, fallback
from observatory.access.zones import accompaniment
from observatory.declared.study_reading import Study, TravelStudy
from observatory.declared.travel import ErrorBand
from observatory.declared.travel import travel as measured_travel
from observatory.store import loaded_travel
from observatory.store.engine import settings_of
from observatory.words.numbers import percent

LONGEST_DRIVE_MIN: Final = 600.0
"""Drives beyond ten hours are not looked for (convention de l'observatoire): more than across the region and back."""

METRES_PER_KM: Final = 1000.0

FASTEST_KMH: Final = 130.0
"""Nothing drives faster than the speed limit of motorways (Code de la route, article R413-2)."""


@dataclass(frozen=True, eq=False)
class TravelInForce:
    """What drives are measured by: the study's declaration, and what the operator loaded in its place."""

    declared: TravelStudy
    loaded: loaded_travel.LoadedTravel | None
    """None where nothing is loaded, or the study declares its own travel."""


def travel_in_force(connection: Connection, study: Study) -> TravelInForce:
    """Return what drives are measured by for a study, on the data directory that the connection was opened with.

    Raises
    ------
    InputFileError
        If what the operator loaded is damaged.
    """
    if study.travel.is_own:
        return TravelInForce(study.travel, None)
    return TravelInForce(study.travel, loaded_travel.loaded_travel(loaded_travel.location(settings_of(connection))))


def places(frame: pd.DataFrame) -> Places:
    """Return the points of a frame with columns ``x_m, y_m`` (EPSG:2154) and ``density`` (``"1"``…``"7"`` or NaN)."""
    density = pd.to_numeric(frame["density"], errors="coerce").fillna(0).to_numpy(dtype=np.int64)
    return Places.at(frame[["x_m", "y_m"]].to_numpy(dtype=float), density)


def travel_parameters(travel: TravelInForce) -> dict[str, Any]:
    """Return the kind of travel cost and its constants, as they are hashed and shown."""
    constants, loaded = travel.declared.constants, travel.loaded
    declared = {
        **constants.as_shown(),
        "barriers": [barrier.name for barrier in constants.barriers],
        "digest": travel.declared.digest,
    }
    if loaded is None:
        bands = () if travel.declared.is_own else measured_travel().errors[0].bands
        return {"kind": "fallback", **declared, "error_p90": [band.p90 for band in bands]}
    return {
        "kind": loaded.kind,
        "label": loaded.label,
        "mode": loaded.mode,
        "digest": loaded.digest,
        "figures": dict(loaded.figures),
        "fallback": declared,
    }


def error_at(travel: TravelInForce, minutes: float) -> ErrorBand | None:
    """Return how wrong the estimate of a drive of so many minutes is; None where nobody measured it."""
    if travel.loaded is not None or travel.declared.is_own:
        return None
    return measured_travel().errors[0].at(travel.declared.constants.radius_m(minutes) / METRES_PER_KM)


def with_error(note: str, error: ErrorBand | None) -> str:
    """Return a sentence on how drives were obtained with one on their error, where it is known."""
    if error is None:
        return note
    return (
        f"{note} Erreur sur des trajets de même longueur que le calage n’a pas vus : {percent(error.median)} en "
        f"médiane, {percent(error.p90)} pour le 9e décile."
    )


def reach_m(travel: TravelInForce, max_min: float) -> float:
    """Return a straight line in metres that nothing reached within ``max_min`` minutes is longer than."""
    straight_m = travel.declared.constants.radius_m(max_min)
    if travel.loaded is None:
        return straight_m
    return max(straight_m, max_min / 60.0 * FASTEST_KMH * 1000.0) + 2 * MATRIX_SNAP_M


def travel_within(
    origins: Places,
    destinations: Places,
    travel: TravelInForce,
    *,
    max_min: float,
    allowed: npt.NDArray[np.bool_] | None = None,
) -> TravelCost:
    """Return every drive of at most ``max_min`` minutes.

    Parameters
    ----------
    allowed
        Whether the service of each destination (column) is open to each origin (row); None: to all.
    """
    cost = _cost(origins, destinations, travel, max_min)
    if allowed is None:
        return cost
    zone_origin_idx, zone_destination_idx = np.nonzero(allowed)
    return accompaniment(
        cost,
        zone_origin_idx=zone_origin_idx,
        zone_destination_idx=zone_destination_idx,
        n_origins=allowed.shape[0],
        n_destinations=allowed.shape[1],
    )


def _cost(origins: Places, destinations: Places, travel: TravelInForce, max_min: float) -> TravelCost:
    constants, loaded = travel.declared.constants, travel.loaded
    if loaded is None:
        return fallback(origins, destinations, constants=constants, max_min=max_min)
    if loaded.kind == "network":
        network = loaded_travel.network_of(loaded)
        return by_network(network, origins, destinations, label=loaded.label, constants=constants, max_min=max_min)
    times = loaded_travel.matrix_of(loaded)
    return by_matrix(
        origins,
        destinations,
        point_xy_m=times.xy_m,
        pairs=(times.origin_idx, times.destination_idx, times.minutes),
        label=loaded.label,
        constants=constants,
        max_min=max_min,
    )


def nearest_drive(
    cost: TravelCost,
    origins: Places,
    destinations: Places,
    travel: TravelInForce,
    *,
    allowed: npt.NDArray[np.bool_] | None = None,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return the minutes to the nearest destination of each origin, and its position.

    Parameters
    ----------
    cost
        Drives within a threshold, already worked out; only the origins that have none are looked at again.

    Returns
    -------
    tuple
        Minutes ``(n_origins,)``, infinite where nothing is reached at all, and positions, −1 there.
    """
    from observatory.access import nearest

    minutes, position = nearest(cost.origin_idx, cost.destination_idx, cost.duration_min, len(origins.xy_m))
    far = np.flatnonzero(position < 0)
    if far.size == 0 or len(destinations.xy_m) == 0:
        return minutes, position
    rest = Places(origins.xy_m[far], origins.density[far])
    open_to = None if allowed is None else allowed[far]
    longer = travel_within(rest, destinations, travel, max_min=LONGEST_DRIVE_MIN, allowed=open_to)
    minutes[far], position[far] = nearest(longer.origin_idx, longer.destination_idx, longer.duration_min, far.size)
    return minutes, position
