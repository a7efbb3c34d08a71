# ruff: noqa: PLR0917 - compiled functions take no keyword-only arguments
"""Compiled loops (numba) over the cells of a uniform grid; compiled on first use, cached on disk, GIL released.

Threads are Python threads over blocks of points, each writing to its own slots: the result does not depend on them,
and calls may overlap, which numba's own default thread pool does not allow.
"""

from __future__ import annotations

import math

from numba import njit

from observatory.access.pairs import Flags, Floats, Indices

Grid = tuple[float, float, float, int, int, int]
"""``x0_m, y0_m, size_m, n_columns, n_rows, reach`` of :class:`observatory.access.cell_index.Cells`."""

_ROUNDING = 1.0 + 1e-12
_SLACK = 1e-6
"""Part of a cell by which a disc is widened before its cells are listed: no pair is lost to rounding."""


@njit(cache=True, nogil=True, inline="always")
def _rows(grid: Grid, y: float, radius: float, low: int, high: int) -> tuple[int, int]:
    """Return first and last row, among ``low`` to ``high`` (excluded), that a disc may touch; last excluded."""
    _, y0, size, _, _, _ = grid
    # Clipped before it becomes a whole number: a point may be arbitrarily far from the grid.
    bottom = math.floor(min(max((y - radius - y0) / size - _SLACK, low), high))
    top = math.floor(min(max((y + radius - y0) / size + _SLACK, low - 1.0), high - 1.0)) + 1
    return bottom, top


@njit(cache=True, nogil=True, inline="always")
def _columns(grid: Grid, x: float, y: float, square: float, row: int) -> tuple[int, int]:
    """Return first and last column of a row that a disc may touch; last excluded."""
    x0, y0, size, n_columns, _, _ = grid
    edge = y0 + row * size
    away = max(edge - y, y - edge - size, 0.0)
    half = math.sqrt(max(square - away * away, 0.0)) * _ROUNDING + _SLACK * size
    first = math.floor(min(max((x - half - x0) / size, 0.0), n_columns))
    last = math.floor(min(max((x + half - x0) / size, -1.0), n_columns - 1.0)) + 1
    return first, last


@njit(cache=True, nogil=True, error_model="numpy")
def count_within(
    grid: Grid,
    start: Indices,
    gx: Floats,
    gy: Floats,
    x: Floats,
    y: Floats,
    radius: float,
    square: float,
    count: Indices,
    low_row: int,
    high_row: int,
) -> None:
    """Add to ``count[k]`` the number of points ``(x, y)`` within the radius of grid point ``k``, in some rows.

    ``square`` is the greatest squared distance whose root is within the radius.
    """
    for j in range(x.size):
        bottom, top = _rows(grid, y[j], radius, low_row, high_row)
        for row in range(bottom, top):
            first, last = _columns(grid, x[j], y[j], square, row)
            if first >= last:
                continue
            begin, end = start[row * grid[3] + first], start[row * grid[3] + last]
            xs, ys, cs = gx[begin:end], gy[begin:end], count[begin:end]
            for k in range(xs.size):
                dx, dy = xs[k] - x[j], ys[k] - y[j]
                cs[k] += 1 if dx * dx + dy * dy <= square else 0


@njit(cache=True, nogil=True, error_model="numpy")
def fill_within(
    grid: Grid,
    start: Indices,
    gx: Floats,
    gy: Floats,
    x: Floats,
    y: Floats,
    radius: float,
    square: float,
    cursor: Indices,
    destination_idx: Indices,
    distance_m: Floats,
    low_row: int,
    high_row: int,
) -> None:
    """Write, at the cursor of each grid point, the points within the radius of it in increasing order."""
    for j in range(x.size):
        bottom, top = _rows(grid, y[j], radius, low_row, high_row)
        for row in range(bottom, top):
            first, last = _columns(grid, x[j], y[j], square, row)
            if first >= last:
                continue
            begin, end = start[row * grid[3] + first], start[row * grid[3] + last]
            xs, ys, cs = gx[begin:end], gy[begin:end], cursor[begin:end]
            for k in range(xs.size):
                dx, dy = xs[k] - x[j], ys[k] - y[j]
                away = dx * dx + dy * dy
                if away <= square:
                    slot = cs[k]
                    destination_idx[slot] = j
                    distance_m[slot] = math.sqrt(away)
                    cs[k] = slot + 1


@njit(cache=True, nogil=True, error_model="numpy")
def ask(
    origin_idx: Indices,
    destination_idx: Indices,
    cost: Floats,
    uppers: Floats,
    levels: Floats,
    people: Floats,
    asked: Floats,
) -> None:
    """Add to each destination the demand that comes to it, weighted by steps (``levels`` ends with 0)."""
    for pair in range(cost.size):
        step = 0
        for upper in uppers:
            step += cost[pair] > upper
        asked[destination_idx[pair]] += people[origin_idx[pair]] * levels[step]


@njit(cache=True, nogil=True, error_model="numpy")
def share_out(
    origin_idx: Indices,
    destination_idx: Indices,
    cost: Floats,
    uppers: Floats,
    levels: Floats,
    ratio: Floats,
    index: Floats,
) -> None:
    """Add to each origin the ratios of the destinations it reaches, weighted by steps (``levels`` ends with 0)."""
    for pair in range(cost.size):
        step = 0
        for upper in uppers:
            step += cost[pair] > upper
        index[origin_idx[pair]] += ratio[destination_idx[pair]] * levels[step]


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def sum_within(
    grid: Grid,
    start: Indices,
    gx: Floats,
    gy: Floats,
    values: Floats,
    x: Floats,
    y: Floats,
    steps: Floats,
    result: Floats,
    first_point: int,
    last_point: int,
) -> None:
    """Write, for points ``first_point`` to ``last_point``, the weighted sum of the values of grid points around.

    ``steps`` ``(n_steps, 4)``: radius, squared distance above which and greatest one up to which a value counts, and
    its factor. Each step only looks at the cells its own disc touches; slices of contiguous points let the compiler
    use vector instructions.
    """
    x0, y0, size, n_columns, n_rows, _ = grid
    for i in range(first_point, last_point):
        total = 0.0
        for m in range(steps.shape[0]):
            radius, inner, square, factor = steps[m, 0], steps[m, 1], steps[m, 2], steps[m, 3]
            bottom = max(math.floor((y[i] - radius - y0) / size), 0)
            top = min(math.floor((y[i] + radius - y0) / size), n_rows - 1)
            part = 0.0
            for row in range(bottom, top + 1):
                edge = y0 + row * size
                away = max(edge - y[i], y[i] - edge - size, 0.0)
                half = math.sqrt(max(square - away * away, 0.0)) * _ROUNDING + _SLACK * size
                first = max(math.floor((x[i] - half - x0) / size), 0)
                last = min(math.floor((x[i] + half - x0) / size), n_columns - 1)
                if first > last:
                    continue
                begin, end = start[row * n_columns + first], start[row * n_columns + last + 1]
                xs, ys, vs = gx[begin:end], gy[begin:end], values[begin:end]
                for k in range(xs.size):
                    dx, dy = xs[k] - x[i], ys[k] - y[i]
                    away_square = dx * dx + dy * dy
                    part += vs[k] if (away_square <= square) & (away_square > inner) else 0.0
            total += factor * part
        result[i] = total


@njit(cache=True, nogil=True, inline="always")
def _left_of(ax: float, ay: float, bx: float, by: float, x: float, y: float) -> bool:
    """Tell whether a point lies strictly to the left of the line from a to b."""
    return (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0.0


@njit(cache=True, nogil=True)
def cross_line(
    line: Floats,
    origin_xy: Floats,
    destination_xy: Floats,
    origin_idx: Indices,
    destination_idx: Indices,
    result: Flags,
) -> None:
    """Write whether each pair's segment meets the polyline an odd number of times."""
    west, east = line[:, 0].min(), line[:, 0].max()
    south, north = line[:, 1].min(), line[:, 1].max()
    for pair in range(origin_idx.size):
        ax, ay = origin_xy[origin_idx[pair], 0], origin_xy[origin_idx[pair], 1]
        bx, by = destination_xy[destination_idx[pair], 0], destination_xy[destination_idx[pair], 1]
        if max(ax, bx) < west or min(ax, bx) > east or max(ay, by) < south or min(ay, by) > north:
            continue
        # Both ways of a trip are one segment: a tie with the line falls on the same side.
        if (bx, by) < (ax, ay):
            ax, ay, bx, by = bx, by, ax, ay
        odd = False
        before = _left_of(ax, ay, bx, by, line[0, 0], line[0, 1])
        for k in range(1, line.shape[0]):
            after = _left_of(ax, ay, bx, by, line[k, 0], line[k, 1])
            if after != before:
                px, py, qx, qy = line[k - 1, 0], line[k - 1, 1], line[k, 0], line[k, 1]
                if _left_of(px, py, qx, qy, ax, ay) != _left_of(px, py, qx, qy, bx, by):
                    odd = not odd
            before = after
        result[pair] = odd
