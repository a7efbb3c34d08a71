"""What is reached by road from a point, on the network that the operator loaded."""

from __future__ import annotations

from threading import Lock
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from api.dependencies import SettingsDep
from api.routes.territories import REFUSED
from observatory import crs
from observatory.errors import BusyError, NotComputedError, UsageError
from observatory.publish.isochrones import feature_collection
from observatory.store.loaded_travel import loaded_travel, location, network_of

router = APIRouter(prefix="/api", tags=["isochrones"])

LONGEST_MIN: Final = 60.0
MOST_TIMES: Final = 6
WAIT_S: Final = 20.0
_drawing = Lock()
"""One drawing at a time: each takes seconds of a core."""


@router.get("/isochrones", summary="Ce que l’on atteint d’un point", responses=REFUSED, operation_id="isochrones")
def reached(
    *,
    settings: SettingsDep,
    lon: Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False, description="Longitude, en degrés.")],
    lat: Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False, description="Latitude, en degrés.")],
    minutes: Annotated[
        str, Query(max_length=60, description="Durées en minutes, séparées par des virgules, 60 au plus.")
    ] = "10,20,30",
) -> dict[str, Any]:
    """Return the areas reached within each time, as GeoJSON, the longest first, and what they rest on."""
    import numpy as np
    from pyproj import Transformer

    times = _times(minutes)
    loaded = loaded_travel(location(settings))
    if loaded is None or loaded.kind != "network":
        raise NotComputedError(
            "Aucun réseau routier n’est chargé : l’exploitant peut en charger un (« observatory access load-network »)."
        )
    there, back = (
        Transformer.from_crs(*ends, always_xy=True).transform
        for ends in ((crs.EXCHANGE, crs.STORAGE), (crs.STORAGE, crs.EXCHANGE))
    )
    if not _drawing.acquire(timeout=WAIT_S):
        raise BusyError("D’autres zones sont en cours de tracé : réessayez dans quelques secondes.")
    try:
        found = feature_collection(
            network_of(loaded),
            there(lon, lat),
            minutes=times,
            to_degrees=lambda xy_m: np.column_stack(back(xy_m[:, 0], xy_m[:, 1])),
        )
    finally:
        _drawing.release()
    note = "Routes : © contributeurs d’OpenStreetMap (ODbL), hors embouteillages."
    return {**found, "network": loaded.label, "note": note}


def _times(text: str) -> list[float]:
    try:
        times = [float(part) for part in text.split(",")]
    except ValueError:
        times = []
    if not 0 < len(times) <= MOST_TIMES or not all(0 < time <= LONGEST_MIN for time in times):
        raise UsageError(
            f"Donnez de une à {MOST_TIMES} durées en minutes, de plus de 0 à {LONGEST_MIN:.0f}, entre virgules."
        )
    return times
