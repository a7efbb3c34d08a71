"""Coordinates as producers write them, in degrees; what can't be a place of metropolitan France is emptied."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from pyproj import Transformer

from observatory import crs

DEGREES: Final = (-5.5, 41.0, 10.0, 51.5)
"""West, south, east, north of metropolitan France, Corsica included, rounded outwards."""
METRES: Final = (0.0, 6_000_000.0, 1_300_000.0, 7_200_000.0)
"""The same in Lambert-93, rounded outwards."""
ZERO_NOTE: Final = "point en (0, 0), au large de l’Afrique"
ELSEWHERE_NOTE: Final = "point hors de France métropolitaine"
HALF_NOTE: Final = "une seule coordonnée"
SWAPPED_NOTE: Final = "longitude et latitude inversées, remises en ordre"
METRIC_NOTE: Final = "coordonnées en Lambert-93 dans une colonne de degrés, converties"
KEPT: Final = (SWAPPED_NOTE, METRIC_NOTE)
"""Notes of points that were repaired and stay."""


def repaired(lon: pd.Series, lat: pd.Series) -> pd.DataFrame:
    """Return where points are, from two columns that should be degrees.

    Parameters
    ----------
    lon, lat
        Floats, NaN where unknown.

    Returns
    -------
    pandas.DataFrame
        ``lon``, ``lat`` (EPSG:4326; NaN where no point of France can be made of them) and ``note`` (French, what was
        repaired or emptied; ``None`` where nothing was), same index.
    """
    x, y = lon.to_numpy(dtype=float), lat.to_numpy(dtype=float)
    note = np.full(len(x), None, dtype=object)
    is_whole = np.isfinite(x) & np.isfinite(y)
    note[np.isfinite(x) != np.isfinite(y)] = HALF_NOTE
    is_swapped = is_whole & ~(_within(x, y, DEGREES) | _within(x, y, METRES))
    is_swapped &= _within(y, x, DEGREES) | _within(y, x, METRES)
    x, y = np.where(is_swapped, y, x), np.where(is_swapped, x, y)
    note[is_swapped] = SWAPPED_NOTE
    is_metric = is_whole & _within(x, y, METRES)
    note[is_metric] = METRIC_NOTE
    if is_metric.any():
        inverse = Transformer.from_crs(crs.STORAGE, crs.EXCHANGE, always_xy=True)
        x[is_metric], y[is_metric] = inverse.transform(x[is_metric], y[is_metric])
    is_zero = is_whole & (np.abs(x) < 1e-6) & (np.abs(y) < 1e-6)  # noqa: PLR2004 - zero, whatever it was written as
    is_out = is_whole & ~_within(x, y, DEGREES)
    note[is_out], note[is_zero] = ELSEWHERE_NOTE, ZERO_NOTE
    is_lost = ~is_whole | is_out
    x[is_lost], y[is_lost] = np.nan, np.nan
    return pd.DataFrame({"lon": x, "lat": y, "note": pd.Series(note, index=lon.index, dtype=object)}, index=lon.index)


def _within(x: np.ndarray, y: np.ndarray, bounds: tuple[float, float, float, float]) -> np.ndarray:
    west, south, east, north = bounds
    return (x >= west) & (x <= east) & (y >= south) & (y <= north)
