"""What is reached from a point by road, as GeoJSON: the same for the command line, the API and the map."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from observatory.access.network import RoadNetwork
from observatory.access.routing import isochrones

Transform = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]


def feature_collection(
    network: RoadNetwork, xy_m: Sequence[float], *, minutes: Sequence[float], to_degrees: Transform
) -> dict[str, Any]:
    """Return the areas reached within each time as a FeatureCollection in degrees, the longest time first.

    Parameters
    ----------
    network
        Road network.
    xy_m
        The point, in the network's metric CRS.
    minutes
        Times, in any order.
    to_degrees
        Turns metric coordinates ``(n, 2)`` into longitudes and latitudes (EPSG:4326).

    Returns
    -------
    dict
        ``geometry`` is null where nothing is reached in time (RFC 7946, section 3.2).

    Raises
    ------
    UsageError
        If the point is too far from any road, or a time makes no sense.
    """
    times = sorted(minutes, reverse=True)
    features = [
        {
            "type": "Feature",
            "properties": {"minutes": time, "mode": network.profile.mode, "area_km2": round(area.area / 1e6, 2)},
            "geometry": None if area.is_empty else json.loads(shapely.to_geojson(shapely.transform(area, to_degrees))),
        }
        for time, area in zip(times, isochrones(network, xy_m, minutes=times), strict=True)
    ]
    return {"type": "FeatureCollection", "features": features}
