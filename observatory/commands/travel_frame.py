"""What the travel commands measure in: the declared constants, and the metres around the points that they are given."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from observatory.access.travel import TravelConstants

    Transform = Callable[[np.ndarray], np.ndarray]

FRANCE: Final = (-5.5, 41.0, 10.0, 51.6)
"""Degrees around mainland France, where Lambert-93 is the metric CRS; elsewhere, the UTM zone of the points."""


def declared_constants() -> TravelConstants:
    """Return the constants of the observatory's own declaration."""
    from observatory.declared.travel import travel

    return travel().constants


def in_france(lon_lat: np.ndarray) -> bool:
    """Tell whether every point lies around mainland France."""
    west, south, east, north = FRANCE
    lon, lat = lon_lat.T
    return bool(((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)).all())


def transformer(lon_lat: np.ndarray, *, is_inverse: bool = False) -> Transform:
    """Return the function that turns degrees into metres around these points, or back; Lambert-93 if there are none."""
    import numpy as np
    from pyproj import Transformer

    from observatory import crs

    metric: Any = crs.STORAGE
    if not in_france(lon_lat):
        lon, lat = lon_lat.mean(axis=0)
        metric = (32600 if lat >= 0 else 32700) + math.floor((lon + 180.0) / 6.0) % 60 + 1
    source, target = (metric, crs.EXCHANGE) if is_inverse else (crs.EXCHANGE, metric)
    transform = Transformer.from_crs(source, target, always_xy=True).transform
    return lambda xy: np.column_stack(transform(xy[:, 0], xy[:, 1]))
