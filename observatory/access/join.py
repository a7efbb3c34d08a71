"""Which destinations lie within a straight-line radius of each origin: an exact cutoff join on a uniform grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from observatory.access.cell_index import farthest_m, largest_square, sort_into_cells
from observatory.access.pairs import Floats, Indices, check_xy
from observatory.access.threads import in_blocks
from observatory.errors import UsageError

_CELLS_PER_RADIUS = 3


def od_within(
    origin_xy_m: ArrayLike, destination_xy_m: ArrayLike, *, radius_m: float
) -> tuple[Indices, Indices, Floats]:
    """Return every pair at most ``radius_m`` apart, the radius included.

    Parameters
    ----------
    origin_xy_m, destination_xy_m
        Planar coordinates in metres (EPSG:2154), ``(n_origins, 2)`` and ``(n_destinations, 2)``.
    radius_m
        Radius in metres, 0 or more; ``inf`` gives every pair.

    Returns
    -------
    tuple
        ``origin_idx, destination_idx, distance_m``, each ``(n_pairs,)``, sorted by origin then destination.

    Raises
    ------
    UsageError
        If the radius is negative or missing, or coordinates are missing or of another shape.
    """
    origins, destinations = check_xy(origin_xy_m, "Origines"), check_xy(destination_xy_m, "Destinations")
    if not radius_m >= 0:
        raise UsageError("Le rayon de recherche doit être un nombre de mètres positif ou nul.")
    if not (len(origins) and len(destinations)):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
    from observatory.access import kernels

    radius_m = min(float(radius_m), farthest_m(origins, destinations))

    # Destinations are taken in order and appended to each origin's list, so that no sort is needed at the end; each
    # thread has its own rows of origins.
    cells = sort_into_cells(origins, radius_m=radius_m, cells_per_radius=_CELLS_PER_RADIUS)
    points = (
        (cells.x0_m, cells.y0_m, cells.size_m, cells.n_columns, cells.n_rows, cells.reach),
        *(cells.start, cells.x_m, cells.y_m),
        *(np.ascontiguousarray(destinations[:, 0]), np.ascontiguousarray(destinations[:, 1])),
        *(radius_m, float(largest_square(np.array([radius_m]))[0])),
    )
    in_cells = np.zeros(len(origins), dtype=np.int64)
    in_blocks(lambda low, high: kernels.count_within(*points, in_cells, low, high), cells.n_rows, threads=None)
    count = np.empty_like(in_cells)
    count[cells.order] = in_cells
    start = np.zeros(len(origins) + 1, dtype=np.int64)
    np.cumsum(count, out=start[1:])
    cursor = start[cells.order]
    destination_idx, distance_m = np.empty(start[-1], dtype=np.int64), np.empty(start[-1], dtype=np.float64)
    found = cursor, destination_idx, distance_m
    in_blocks(lambda low, high: kernels.fill_within(*points, *found, low, high), cells.n_rows, threads=None)
    return np.repeat(np.arange(len(origins), dtype=np.int64), count), destination_idx, distance_m
