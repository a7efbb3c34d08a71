"""Floating catchments straight from coordinates, without ever holding the pairs: what serves a whole country.

Straight-line cost only; for travel times, list the pairs and use :func:`observatory.access.e2sfca`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike

from observatory.access.cells import Cells, sort_into_cells
from observatory.access.join import farthest_m
from observatory.access.pairs import Floats, check_quantity, check_xy
from observatory.access.weights import Steps, check_steps
from observatory.errors import UsageError

_CELLS_PER_RADIUS = 3
_BLOCKS_PER_THREAD = 8


def e2sfca_within(
    origin_xy_m: ArrayLike,
    destination_xy_m: ArrayLike,
    demand: ArrayLike,
    supply: ArrayLike,
    *,
    weights: Steps,
    threads: int | None = None,
) -> Floats:
    """Return :func:`observatory.access.e2sfca` of the straight lines between points, pair list and all left out.

    Parameters
    ----------
    origin_xy_m, destination_xy_m
        Planar coordinates in metres (EPSG:2154), ``(n_demand, 2)`` and ``(n_supply, 2)``.
    demand, supply
        Persons and units of supply, ``(n_demand,)`` and ``(n_supply,)``, 0 or more.
    weights
        ``[(upper_distance_m, weight), …]``, upper bounds included, 0 beyond the last; weights may go up or down.
    threads
        How many to use; ``None``: the machine's cores. The result does not depend on it.

    Returns
    -------
    numpy.ndarray
        Units of supply per person, ``(n_demand,)``.

    Raises
    ------
    UsageError
        If coordinates, quantities or steps are malformed.
    """
    origins, destinations = check_xy(origin_xy_m, "Origines"), check_xy(destination_xy_m, "Destinations")
    people, units = check_quantity(demand, "Demande"), check_quantity(supply, "Offre")
    if len(people) != len(origins) or len(units) != len(destinations):
        raise UsageError("Donnez une demande par origine et une offre par destination.")
    asked = sum_within(destinations, origins, people, weights=weights, threads=threads)
    ratio = np.divide(units, asked, out=np.zeros_like(units), where=asked > 0)
    return sum_within(origins, destinations, ratio, weights=weights, threads=threads)


def sum_within(
    at_xy_m: ArrayLike, of_xy_m: ArrayLike, values: ArrayLike, *, weights: Steps, threads: int | None = None
) -> Floats:
    """Return, at each point, the weighted sum of the values around it.

    Parameters
    ----------
    at_xy_m, of_xy_m
        Where to sum and what is summed, planar metres, ``(n, 2)`` and ``(m, 2)``.
    values
        Quantity at each of the ``m`` points, 0 or more.
    weights
        Steps in metres, upper bounds included; ``[(radius_m, 1.0)]`` gives the cumulative measure.
    threads
        How many to use; ``None``: the machine's cores.

    Returns
    -------
    numpy.ndarray
        ``(n,)``.
    """
    at, of = check_xy(at_xy_m, "Points"), check_xy(of_xy_m, "Points")
    quantity = check_quantity(values, "Valeurs")
    if quantity.size != len(of):
        raise UsageError("Donnez une valeur par point à sommer.")
    uppers, levels = check_steps(weights)
    if not (len(at) and len(of)):
        return np.zeros(len(at))
    uppers = np.minimum(uppers, farthest_m(at, of))
    cells = sort_into_cells(of, radius_m=float(uppers[-1]), cells_per_radius=_CELLS_PER_RADIUS)
    rows = sort_into_cells(at, radius_m=float(uppers[-1]), cells_per_radius=_CELLS_PER_RADIUS)
    steps = np.column_stack((uppers, _largest_square(uppers), levels - np.append(levels[1:], 0.0)))
    result = np.empty(len(at))
    result[rows.order] = _run(cells, np.ascontiguousarray(quantity[cells.order]), rows, steps, threads)
    return result


def _run(cells: Cells, values: Floats, at: Cells, steps: Floats, threads: int | None) -> Floats:
    from observatory.access import kernels

    grid = (cells.x0_m, cells.y0_m, cells.size_m, cells.n_columns, cells.n_rows, cells.reach)
    result = np.empty(at.x_m.size)

    def block(first: int, last: int) -> None:
        kernels.sum_within(grid, cells.start, cells.x_m, cells.y_m, values, at.x_m, at.y_m, steps, result, first, last)

    in_blocks(block, at.x_m.size, threads=threads)
    return result


def in_blocks(work: Callable[[int, int], None], size: int, *, threads: int | None) -> None:
    """Run ``work(first, last)`` over consecutive blocks of ``range(size)``, on several threads.

    Raises
    ------
    UsageError
        If ``threads`` is not above 0.
    """
    count = core_count(threads)
    if count == 1 or size <= 1:
        work(0, size)
        return
    # Each block begins where no other does, so that callers may keep what a block gives under its beginning.
    bounds = np.unique(np.linspace(0, size, count * _BLOCKS_PER_THREAD + 1).astype(int)).tolist()
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(work, bounds[:-1], bounds[1:]))


def core_count(threads: int | None) -> int:
    """Return how many threads to use: what is asked, or the cores this process may run on.

    Raises
    ------
    UsageError
        If ``threads`` is not above 0.
    """
    count = len(os.sched_getaffinity(0)) if threads is None else threads
    if count < 1:
        raise UsageError("Le nombre de fils d’exécution doit être au moins 1.")
    return count


def _largest_square(radius_m: Floats) -> Floats:
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
