"""Points sorted into the square cells of a uniform grid, so that neighbours are found without a tree."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from observatory.access.pairs import Floats, Indices

_CELLS_PER_POINT = 4
_CELLS_AT_LEAST = 1024
_SMALLEST_M = 1e-6
_MARGIN = 1.0 + 1e-9
"""Keeps a pair whose distance is the radius to the last bit from falling one cell too far."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Points of a plane grouped by cell; cell ``row * n_columns + column`` holds ``order[start[cell]:start[cell+1]]``.

    Within a cell, points keep their original order.
    """

    x0_m: float
    y0_m: float
    size_m: float
    n_columns: int
    n_rows: int
    reach: int
    """How many cells to look at on each side so as to miss nothing within the radius."""
    start: Indices
    order: Indices
    x_m: Floats
    y_m: Floats
    """Coordinates in the order of ``order``."""


def sort_into_cells(xy_m: Floats, *, radius_m: float, cells_per_radius: int = 1) -> Cells:
    """Group points ``(n, 2)`` in metres into cells about ``radius_m / cells_per_radius`` wide.

    The radius is finite. Cells are wider than that where points are so few that smaller ones would mostly be empty.
    """
    if not xy_m.size:
        empty = np.zeros(0, dtype=np.int64)
        return Cells(0.0, 0.0, 1.0, 1, 1, 0, np.zeros(2, dtype=np.int64), empty, np.zeros(0), np.zeros(0))
    x0, y0 = (float(value) for value in xy_m.min(axis=0))
    width, height = (float(value) for value in np.ptp(xy_m, axis=0))
    size = _cell_size(width, height, n_points=len(xy_m), wanted_m=radius_m / cells_per_radius)
    n_columns, n_rows = int(width // size) + 1, int(height // size) + 1
    column = np.minimum(((xy_m[:, 0] - x0) / size).astype(np.int64), n_columns - 1)
    row = np.minimum(((xy_m[:, 1] - y0) / size).astype(np.int64), n_rows - 1)
    cell = row * n_columns + column
    order = np.argsort(cell, kind="stable").astype(np.int64, copy=False)
    start = np.zeros(n_columns * n_rows + 1, dtype=np.int64)
    np.cumsum(np.bincount(cell, minlength=n_columns * n_rows), out=start[1:])
    reach = math.ceil(radius_m / size * _MARGIN)
    sorted_xy = np.ascontiguousarray(xy_m[order].T)
    return Cells(x0, y0, size, n_columns, n_rows, reach, start, order, sorted_xy[0], sorted_xy[1])


def _cell_size(width: float, height: float, *, n_points: int, wanted_m: float) -> float:
    """Return the side of a cell, so that there are at most a few cells per point."""
    extent = max(width, height)
    if not extent > 0:
        return 1.0
    at_most = max(_CELLS_PER_POINT * n_points, _CELLS_AT_LEAST)
    smallest = max(math.sqrt(width * height / at_most), extent / at_most)
    return max(min(wanted_m, 2.0 * extent), smallest, _SMALLEST_M) * _MARGIN**2


def farthest_m(first_xy_m: Floats, second_xy_m: Floats) -> float:
    """Return a finite distance that no pair between the two sets of points, neither empty, exceeds."""
    low = np.minimum(first_xy_m.min(axis=0), second_xy_m.min(axis=0))
    high = np.maximum(first_xy_m.max(axis=0), second_xy_m.max(axis=0))
    return float(np.hypot(*(high - low))) * 1.001 + 1.0


def largest_square(radius_m: Floats) -> Floats:
    """Return the largest squared distances whose root, as computed, is within each radius.

    Comparing squares then includes exactly the pairs that comparing distances would.
    """
    square = np.square(radius_m)
    for _ in range(2):
        above = np.nextafter(square, np.inf)
        square = np.where(np.sqrt(above) <= radius_m, above, square)
    for _ in range(2):
        square = np.where(np.sqrt(square) > radius_m, np.nextafter(square, -np.inf), square)
    return square
