"""Floating catchments straight from coordinates, without ever holding the pairs: what serves a whole country.

Straight lines, in metres or as the fallback's minutes: both kinds of end known, a duration is a length. Only who lives
near a barrier needs the pairs listed; for a network or a matrix, :func:`observatory.access.e2sfca` has them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from observatory.access import blocks
from observatory.access.cell_index import Cells, farthest_m, largest_square, sort_into_cells
from observatory.access.pairs import Flags, Floats, Indices, check_quantity, check_xy
from observatory.access.reach import nearest
from observatory.access.threads import core_count, in_blocks
from observatory.access.travel import Places, TravelConstants, fallback
from observatory.access.weights import Steps, check_steps, weight_of
from observatory.errors import UsageError

_CELLS_PER_RADIUS = 3
_MOST_CELLS = 400
"""Cells of a territory worked out in NumPy, at most: each costs some calls."""
_SMALL_EFFORT = 20_000_000
"""Pairs up to which NumPy is used: at most a sixth of a second, when loading compiled code takes over one."""
_FEW_STEPS = 8


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
    uppers, levels = check_steps(weights)
    core_count(threads)
    if not (len(origins) and len(destinations)):
        return np.zeros(len(origins))
    uppers = np.minimum(uppers, farthest_m(origins, destinations))
    few = _few_pairs(destinations, origins, uppers)
    if few is None:
        sites, homes = (_fine(points, uppers) for points in (destinations, origins))
        steps = _steps(uppers, levels)
        asked = _run(homes, people, sites, steps, threads)
        ratio = np.divide(units, asked, out=np.zeros_like(units), where=asked > 0)
        return _run(sites, ratio, homes, steps, threads)
    pairs, sites, homes = few
    rings = blocks.Rings(largest_square(uppers), levels)
    index = blocks.e2sfca(
        pairs, sites=sites, people=homes, demand=people[homes.order], supply=units[sites.order], rings=rings
    )
    return _put_back(index, homes)


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
    core_count(threads)
    uppers = np.minimum(uppers, farthest_m(at, of))
    few = _few_pairs(at, of, uppers)
    if few is None:
        return _run(_fine(of, uppers), quantity, _fine(at, uppers), _steps(uppers, levels), threads)
    pairs, here, around = few
    rings = blocks.Rings(largest_square(uppers), levels)
    return _put_back(blocks.total(pairs, at=here, of=around, values=quantity[around.order], rings=rings), here)


def sum_driven(at: Places, of: Places, values: ArrayLike, *, constants: TravelConstants, steps: Steps) -> Floats:
    """Return, at each place, the sum of the values around it, weighted by the minutes of the fallback.

    Parameters
    ----------
    at, of
        Where to sum and what is summed, ``n`` and ``m`` places. A drive takes as long one way as the other.
    values
        Quantity at each of the ``m`` places, 0 or more.
    constants
        Constants of the fallback, with the barriers to respect.
    steps
        ``[(upper_min, weight), …]``, upper bounds included.

    Returns
    -------
    numpy.ndarray
        ``(n,)``: what :func:`observatory.access.travel.fallback` and its pairs give, summed in another order.
    """
    uppers, levels = check_steps(steps)
    limits, result = constants.limits_m(uppers), np.zeros(len(at.xy_m))
    quantity, by_pairs = check_quantity(values, "Valeurs"), _near_barrier(at, constants, float(uppers[-1]))
    for here, there, lengths in _by_ends(at, of, ~by_pairs, constants, limits):
        weights = [(float(length), float(level)) for length, level in zip(lengths, levels, strict=True) if length >= 0]
        if weights:
            result[here] += sum_within(at.xy_m[here], of.xy_m[there], quantity[there], weights=weights)
    near = np.flatnonzero(by_pairs)
    cost = fallback(at.some(near), of, constants=constants, max_min=float(uppers[-1]))
    weighted = weight_of(cost.duration_min, steps) * quantity[cost.destination_idx]
    result[near] = np.bincount(cost.origin_idx, weights=weighted, minlength=near.size)
    return result


def nearest_driven(at: Places, of: Places, *, constants: TravelConstants, max_min: float) -> Floats:
    """Return the minutes of the fallback to the nearest place, ``(n,)``; ``inf`` beyond ``max_min``."""
    from scipy.spatial import cKDTree

    result, by_pairs = np.full(len(at.xy_m), np.inf), _near_barrier(at, constants, max_min)
    limits = constants.limits_m(np.array([max_min]))
    for here, there, lengths in _by_ends(at, of, ~by_pairs, constants, limits):
        found = cKDTree(of.xy_m[there]).query(at.xy_m[here])[1]
        away_m = np.sqrt(np.square(at.xy_m[here] - of.xy_m[there[found]]).sum(axis=1))
        urban_ends = constants.is_urban(at.density[here]) + constants.is_urban(of.density[there[found]])
        minutes = constants.minutes(away_m, urban_ends)
        reached = away_m <= lengths[0]
        result[here[reached]] = np.minimum(result[here[reached]], minutes[reached])
    near = np.flatnonzero(by_pairs)
    cost = fallback(at.some(near), of, constants=constants, max_min=max_min)
    result[near] = nearest(cost.origin_idx, cost.destination_idx, cost.duration_min, near.size)[0]
    return result


def _by_ends(
    at: Places, of: Places, among: Flags, constants: TravelConstants, limits: Floats
) -> Iterator[tuple[Indices, Indices, Floats]]:
    """Yield the places of each two kinds of end, urban or not, by positions, with how far one is from the other."""
    own, other = constants.is_urban(at.density), constants.is_urban(of.density)
    for here_urban in (0, 1):
        for there_urban in (0, 1):
            here, there = np.flatnonzero(among & (own == here_urban)), np.flatnonzero(other == there_urban)
            if here.size and there.size:
                yield here, there, limits[here_urban + there_urban]


def _near_barrier(places: Places, constants: TravelConstants, max_min: float) -> Flags:
    """Tell which places could reach across a barrier within ``max_min`` minutes, if nothing stood between."""
    import shapely

    points, radius_m = shapely.points(places.xy_m), constants.radius_m(max_min)
    near = np.zeros(len(places.xy_m), dtype=np.bool_)
    for barrier in constants.barriers:
        near |= shapely.dwithin(points, shapely.LineString(barrier.line_m), radius_m)
    return near


def _few_pairs(at_xy_m: Floats, of_xy_m: Floats, uppers_m: Floats) -> tuple[list[blocks.Block], Cells, Cells] | None:
    """Return blocks of neighbours and the cells they refer to; ``None`` where compiled code is worth loading."""
    radius_m, both = float(uppers_m[-1]), np.concatenate((at_xy_m, of_xy_m))
    width, height = (float(value) for value in np.ptp(both, axis=0))
    area = max(width * height, 1.0)
    evenly = len(at_xy_m) * len(of_xy_m) * min(np.pi * radius_m**2 / area, 1.0)
    if uppers_m.size > _FEW_STEPS or evenly > _SMALL_EFFORT:
        return None
    wanted = max(radius_m / _CELLS_PER_RADIUS, (area / _MOST_CELLS) ** 0.5)
    at, of = (sort_into_cells(points, radius_m=wanted) for points in (at_xy_m, of_xy_m))
    pairs = blocks.pair_up(at, of, radius_m=radius_m)
    return (pairs, at, of) if sum(block.effort for block in pairs) <= _SMALL_EFFORT else None


def _fine(xy_m: Floats, uppers_m: Floats) -> Cells:
    return sort_into_cells(xy_m, radius_m=float(uppers_m[-1]), cells_per_radius=_CELLS_PER_RADIUS)


def _put_back(values: Floats, cells: Cells) -> Floats:
    """Return values that are in the order of cells in that of the points."""
    result = np.empty_like(values)
    result[cells.order] = values
    return result


def _steps(uppers_m: Floats, levels: Floats) -> Floats:
    """Return what the compiled sum needs of each step, ``(n_steps, 4)``.

    Its radius, the squared distances between which it counts, and by how much. Weights that never go up are summed as
    discs one upon the other, the quickest; others as rings, since a disc taken from another leaves a trace of rounding
    where nothing should be left.
    """
    square, drop = largest_square(uppers_m), levels - np.append(levels[1:], 0.0)
    if (drop >= 0).all():
        return np.column_stack((uppers_m, np.full(square.size, -1.0), square, drop))
    return np.column_stack((uppers_m, np.concatenate(([-1.0], square[:-1])), square, levels))


def _run(of: Cells, values: Floats, at: Cells, steps: Floats, threads: int | None) -> Floats:
    from observatory.access import kernels

    grid = (of.x0_m, of.y0_m, of.size_m, of.n_columns, of.n_rows, of.reach)
    quantity, result = np.ascontiguousarray(values[of.order]), np.empty(at.x_m.size)

    def block(first: int, last: int) -> None:
        kernels.sum_within(grid, of.start, of.x_m, of.y_m, quantity, at.x_m, at.y_m, steps, result, first, last)

    in_blocks(block, at.x_m.size, threads=threads)
    return _put_back(result, at)
