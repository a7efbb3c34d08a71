"""The two steps of a floating catchment cut into tiles with halos, so that no one has to hold a whole country.

A tile is a group of neighbouring points with everything that may reach it. First the ratios ``R_j`` of each tile of
sites, from all the demand around; then, once every ratio is known, the index ``A_i`` of each tile of demand, from all
the sites around. Tiles don't talk to one another: any of them may be worked out again, elsewhere, with the same result.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from observatory.access.pairs import Flags, Floats, Indices
from observatory.access.reach import cumulative, nearest
from observatory.access.stream import nearest_driven, sum_driven
from observatory.access.travel import Places, TravelConstants, TravelCost, fallback
from observatory.access.weights import Steps, check_steps, weight_of

TILE_POINTS = 5_000
"""Points of a tile at most, halo not counted (convention de l'observatoire): some seconds of work each."""


@dataclass(frozen=True, eq=False)
class Territory:
    """Demand and supply to cross, all arrays of their length."""

    demand_places: Places
    demand: Floats
    """Persons at each demand point."""
    supply_places: Places
    supply: Floats
    """Units of supply at each site."""
    allowed: Flags | None = None
    """Whether each site (column) is open to each demand point (row); None: to all."""
    cost: TravelCost | None = None
    """Drives already worked out, by a road network or a matrix; None: each tile estimates its own."""


@dataclass(frozen=True, eq=False)
class Tile:
    """A group of points, ``inner``, and those around that may matter to it, ``halo``: positions in the territory."""

    inner: Indices
    halo: Indices


@dataclass(frozen=True, eq=False)
class Work:
    """What a worker is sent: places and quantities of a tile of demand and of sites, and how to travel."""

    demand_places: Places
    supply_places: Places
    quantity: Floats
    """Persons (first step, to be summed at the sites) or ratios (second step, to be summed at the demand points)."""
    allowed: Flags | None
    constants: TravelConstants
    steps: Steps
    pairs: tuple[Indices, Indices, Floats] | None = None
    """Drives of the tile where they are already known, by positions in the tile."""

    @property
    def is_straight(self) -> bool:
        """Whether minutes follow from straight lines and densities alone, so that no pair need be listed."""
        return self.pairs is None and self.allowed is None


@dataclass(frozen=True, eq=False, slots=True)
class Reached:
    """What the demand points of a tile reach, all ``(n,)``."""

    index: Floats
    """Units of supply per person."""
    nearest_min: Floats
    """Minutes to the nearest site, ``inf`` beyond the last step."""
    within: Floats
    """Sites within the last step."""


def tiles(places: Places, around: Places, *, radius_m: float, tile_points: int = TILE_POINTS) -> Iterator[Tile]:
    """Cut points into tiles of neighbours, each with the points ``around`` within ``radius_m`` of its rectangle.

    Every point is inside exactly one tile. A tile is halved across its longer side until it is small enough.
    """
    order = np.argsort(around.xy_m[:, 0], kind="stable")
    sorted_x = around.xy_m[order, 0]
    waiting = [np.arange(len(places.xy_m), dtype=np.int64)] if len(places.xy_m) else []
    while waiting:
        inner = waiting.pop()
        low, high = places.xy_m[inner].min(axis=0), places.xy_m[inner].max(axis=0)
        if inner.size > tile_points:
            axis = int(np.argmax(high - low))
            half = np.argsort(places.xy_m[inner, axis], kind="stable")
            waiting += [np.sort(inner[part]) for part in np.array_split(half, 2)]
            continue
        first, last = np.searchsorted(sorted_x, (low[0] - radius_m, np.nextafter(high[0] + radius_m, np.inf)))
        near = order[first:last]
        y = around.xy_m[near, 1]
        yield Tile(inner, np.sort(near[(y >= low[1] - radius_m) & (y <= high[1] + radius_m)]))


def site_work(territory: Territory, tile: Tile, *, constants: TravelConstants, steps: Steps) -> Work:
    """Return the first step's work on a tile of sites: its sites, and the demand around."""
    return Work(
        territory.demand_places.some(tile.halo),
        territory.supply_places.some(tile.inner),
        territory.demand[tile.halo],
        None if territory.allowed is None else territory.allowed[np.ix_(tile.halo, tile.inner)],
        constants,
        steps,
        _known_pairs(territory, tile.halo, tile.inner),
    )


def demand_work(territory: Territory, tile: Tile, ratio: Floats, *, constants: TravelConstants, steps: Steps) -> Work:
    """Return the second step's work on a tile of demand: its points, and the sites around with their ratios."""
    return Work(
        territory.demand_places.some(tile.inner),
        territory.supply_places.some(tile.halo),
        ratio[tile.halo],
        None if territory.allowed is None else territory.allowed[np.ix_(tile.inner, tile.halo)],
        constants,
        steps,
        _known_pairs(territory, tile.inner, tile.halo),
    )


def asked_of(work: Work) -> Floats:
    """Return the weighted demand that each site of a tile meets, ``(n_sites,)``."""
    if work.is_straight:
        sites, people = work.supply_places, work.demand_places
        return sum_driven(sites, people, work.quantity, constants=work.constants, steps=work.steps)
    origin, destination, minutes = _drives(work)
    weight = weight_of(minutes, work.steps) * work.quantity[origin]
    return np.bincount(destination, weights=weight, minlength=len(work.supply_places.xy_m)).astype(np.float64)


def reached_by(work: Work) -> Reached:
    """Return what each demand point of a tile reaches."""
    last = float(check_steps(work.steps)[0][-1])
    units = np.ones(work.quantity.size)
    if work.is_straight:
        people, sites, constants = work.demand_places, work.supply_places, work.constants
        return Reached(
            index=sum_driven(people, sites, work.quantity, constants=constants, steps=work.steps),
            nearest_min=nearest_driven(people, sites, constants=constants, max_min=last),
            within=sum_driven(people, sites, units, constants=constants, steps=[(last, 1.0)]),
        )
    origin, destination, minutes = _drives(work)
    size = len(work.demand_places.xy_m)
    weight = weight_of(minutes, work.steps) * work.quantity[destination]
    return Reached(
        index=np.bincount(origin, weights=weight, minlength=size).astype(np.float64),
        nearest_min=nearest(origin, destination, minutes, size)[0],
        within=cumulative(origin, destination, minutes, units, thresholds=[last], n_origins=size)[:, 0],
    )


def ratios(supply: Floats, asked: Floats) -> Floats:
    """Return ``R_j``: supply over the demand it meets, 0 where it meets none."""
    return np.divide(supply, asked, out=np.zeros_like(supply), where=asked > 0)


def _drives(work: Work) -> tuple[Indices, Indices, Floats]:
    """Return the drives of a tile that a network, a matrix or zones of intervention decide."""
    if work.pairs is not None:
        return work.pairs
    last = float(check_steps(work.steps)[0][-1])
    cost = fallback(work.demand_places, work.supply_places, constants=work.constants, max_min=last)
    if work.allowed is not None:
        cost = cost.select(work.allowed[cost.origin_idx, cost.destination_idx])
    return cost.origin_idx, cost.destination_idx, cost.duration_min


def _known_pairs(territory: Territory, demand: Indices, supply: Indices) -> tuple[Indices, Indices, Floats] | None:
    """Return the drives between some demand points and some sites, by positions among them."""
    if territory.cost is None:
        return None
    rank = np.full(territory.demand.size, -1, dtype=np.int64)
    column = np.full(territory.supply.size, -1, dtype=np.int64)
    rank[demand], column[supply] = np.arange(demand.size), np.arange(supply.size)
    origin, destination = rank[territory.cost.origin_idx], column[territory.cost.destination_idx]
    keep = (origin >= 0) & (destination >= 0)
    return origin[keep], destination[keep], territory.cost.duration_min[keep]
