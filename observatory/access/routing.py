"""Travel times on a road network, and the areas reached within a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from observatory.access.network import Attachment, RoadNetwork, attach
from observatory.access.pairs import Floats, Indices
from observatory.access.threads import in_blocks
from observatory.access.travel import TravelCost
from observatory.errors import UsageError

ISOCHRONE_HALF_WIDTH_M = 150.0
"""How far from a reached road an isochrone extends (convention de l'observatoire)."""

MODES_IN_WORDS: Final = {"car": "en voiture", "foot": "à pied", "bicycle": "à vélo"}


def travel_times(
    network: RoadNetwork,
    origin_xy_m: ArrayLike,
    destination_xy_m: ArrayLike,
    *,
    max_min: float,
    threads: int | None = None,
) -> TravelCost:
    """Return the shortest times between points, by bounded Dijkstra from each origin.

    A trip walks straight to the nearest road, follows the network, and walks to its end; two points on the same road
    go straight along it where its direction allows. Points too far from any road reach nothing and are counted.

    Parameters
    ----------
    network
        Road network.
    origin_xy_m, destination_xy_m
        Points in the network's metric CRS, ``(n_origins, 2)`` and ``(n_destinations, 2)``.
    max_min
        Longest trip kept, in minutes, included.
    threads
        How many to use; ``None``: the machine's cores. The result does not depend on it.

    Returns
    -------
    TravelCost
        ``kind="network"``; ``figures``: points left unattached, median and greatest distance to the road, nodes on
        islands and the share of road length they hold.

    Raises
    ------
    UsageError
        If ``max_min`` is not a finite number from 0.
    """
    if not (np.isfinite(max_min) and max_min >= 0):
        raise UsageError("La durée maximale de trajet doit être un nombre de minutes positif ou nul.")
    origins, destinations = attach(network, origin_xy_m), attach(network, destination_xy_m)
    count, destination_idx, minutes = _route(network, origins, destinations, max_min, threads)
    origin_idx = np.repeat(np.arange(count.size, dtype=np.int64), count)
    same = _along_one_edge(network, origins, destinations, max_min)
    origin_idx, destination_idx, minutes = _least((origin_idx, destination_idx, minutes), same, destinations.edge.size)
    return TravelCost(
        origin_idx,
        destination_idx,
        minutes,
        kind="network",
        note=_note(network),
        figures=_figures(network, origins, destinations),
    )


def isochrones(
    network: RoadNetwork,
    xy_m: Sequence[float],
    *,
    minutes: Sequence[float],
    half_width_m: float = ISOCHRONE_HALF_WIDTH_M,
) -> NDArray[np.object_]:
    """Return the areas reached from a point within each time, as shapely (multi)polygons in the network's CRS.

    An area is the set of points within ``half_width_m`` of a stretch of road that is reached in time, so that a longer
    time always gives an area that contains the shorter one's.

    Parameters
    ----------
    network
        Road network.
    xy_m
        The point, two metric coordinates.
    minutes
        Times, one area each, in any order.
    half_width_m
        How far from the road an area extends, above 0.

    Raises
    ------
    UsageError
        If the point is too far from any road, or a time or the width makes no sense.
    """
    import shapely

    times = np.asarray(minutes, dtype=np.float64)
    if not times.size or not bool((np.isfinite(times) & (times >= 0)).all()) or not half_width_m > 0:
        raise UsageError("Donnez des durées en minutes positives et une largeur en mètres supérieure à 0.")
    start = attach(network, [list(xy_m)])
    if not start.is_attached[0]:
        raise UsageError(
            f"Ce point est à plus de {network.profile.snap_max_m:.0f} m de toute voie : choisissez-en un plus proche."
        )
    at_node = _distances(network, start, float(times.max()))
    areas = np.empty(times.size, dtype=np.object_)
    inner: shapely.Geometry = shapely.Polygon()
    for k in np.argsort(times, kind="stable"):
        roads = _reached_roads(network, start, at_node, float(times[k]))
        # With the shorter time's area, which the rounded ends of its roads would otherwise overstep by a hair.
        inner = shapely.union(shapely.union_all(shapely.buffer(roads, half_width_m, quad_segs=4)), inner)
        areas[k] = inner
    return areas


def _seeds(network: RoadNetwork, points: Attachment) -> tuple[NDArray[np.int32], Floats]:
    """Return the two nodes each point drives to first, and the minutes to them; node −1 where there is none."""
    edge = np.where(points.is_attached, points.edge, 0)
    node = np.column_stack((network.edge_to[edge], network.edge_from[edge]))
    drive = np.column_stack(
        (
            _part(1.0 - points.share, network.edge_forward_min[edge]),
            _part(points.share, network.edge_backward_min[edge]),
        )
    )
    cost = drive + points.walk_min[:, None]
    usable = points.is_attached[:, None] & np.isfinite(cost)
    return np.where(usable, node, -1).astype(np.int32), np.where(usable, cost, np.inf)


def _arrivals(network: RoadNetwork, points: Attachment) -> tuple[Indices, NDArray[np.int32], Floats]:
    """Return, node by node, the points it leads to and the minutes left, as compressed rows."""
    edge = np.where(points.is_attached, points.edge, 0)
    node = np.concatenate((network.edge_from[edge], network.edge_to[edge]))
    drive = np.concatenate(
        (
            _part(points.share, network.edge_forward_min[edge]),
            _part(1.0 - points.share, network.edge_backward_min[edge]),
        )
    )
    cost = drive + np.tile(points.walk_min, 2)
    usable = np.flatnonzero(np.tile(points.is_attached, 2) & np.isfinite(cost))
    order = usable[np.argsort(node[usable], kind="stable")]
    start = np.zeros(network.n_nodes + 1, dtype=np.int64)
    np.cumsum(np.bincount(node[order], minlength=network.n_nodes), out=start[1:])
    return start, (order % points.edge.size).astype(np.int32) if order.size else order.astype(np.int32), cost[order]


def _part(share: Floats, whole: Floats) -> Floats:
    """Return a share of a duration; ``inf`` stays so, even for no share of it."""
    return np.where(np.isfinite(whole), share * np.where(np.isfinite(whole), whole, 0.0), np.inf)


def _route(
    network: RoadNetwork, origins: Attachment, destinations: Attachment, max_min: float, threads: int | None
) -> tuple[Indices, Indices, Floats]:
    from observatory.access import dijkstra

    seed_node, seed_min = _seeds(network, origins)
    arrivals = _arrivals(network, destinations)
    count = np.zeros(origins.edge.size, dtype=np.int64)
    found: dict[int, tuple[NDArray[np.int32], Floats]] = {}

    def block(first: int, last: int) -> None:
        found[first] = dijkstra.many_to_many(
            *(network.indptr, network.target, network.minutes, seed_node, seed_min, *arrivals),
            *(destinations.edge.size, float(max_min), first, last, count),
        )

    if origins.edge.size and destinations.edge.size:
        in_blocks(block, origins.edge.size, threads=threads)
    parts = [found[first] for first in sorted(found)]
    if not parts:
        return count, np.zeros(0, dtype=np.int64), np.zeros(0)
    return (
        count,
        np.concatenate([idx for idx, _ in parts]).astype(np.int64),
        np.concatenate([cost for _, cost in parts]),
    )


def _along_one_edge(
    network: RoadNetwork, origins: Attachment, destinations: Attachment, max_min: float
) -> tuple[Indices, Indices, Floats]:
    """Return the pairs attached to the same edge, and the minutes straight along it."""
    order = np.argsort(destinations.edge, kind="stable")
    edges = destinations.edge[order]
    first, last = np.searchsorted(edges, origins.edge, side="left"), np.searchsorted(edges, origins.edge, side="right")
    size = np.where(origins.is_attached, last - first, 0)
    origin = np.repeat(np.arange(origins.edge.size), size)
    offset = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    destination = order[np.repeat(first, size) + offset] if origin.size else origin
    edge, ahead = origins.edge[origin], destinations.share[destination] - origins.share[origin]
    drive = np.where(
        ahead >= 0, _part(ahead, network.edge_forward_min[edge]), _part(-ahead, network.edge_backward_min[edge])
    )
    minutes = drive + origins.walk_min[origin] + destinations.walk_min[destination]
    keep = minutes <= max_min
    return origin[keep], destination[keep], minutes[keep]


def _least(
    one: tuple[Indices, Indices, Floats], other: tuple[Indices, Indices, Floats], n_destinations: int
) -> tuple[Indices, Indices, Floats]:
    """Merge two sets of pairs, keeping the shorter time, sorted by origin then destination."""
    origin, destination, minutes = (np.concatenate(both) for both in zip(one, other, strict=True))
    key = origin * max(n_destinations, 1) + destination
    order = np.lexsort((minutes, key))
    first = np.diff(key[order], prepend=-1) != 0
    kept = order[first]
    return origin[kept], destination[kept], minutes[kept]


def _distances(network: RoadNetwork, start: Attachment, limit_min: float) -> Floats:
    """Return the minutes to every node, ``inf`` beyond the limit."""
    from observatory.access import dijkstra

    seed_node, seed_min = _seeds(network, start)
    room = 2 * network.target.size + 16
    while True:
        distance = np.full(network.n_nodes, np.inf)
        count = dijkstra.reach(
            *(network.indptr, network.target, network.minutes, seed_node[0], seed_min[0], limit_min, distance),
            *(np.full(dijkstra.N_BUCKETS + 1, -1, np.int32), np.empty(room, np.int32), np.empty(room, np.int32)),
            *(np.empty(room), np.empty(network.n_nodes, np.int32)),
        )
        if count >= 0:
            return distance
        room *= 2


def _reached_roads(network: RoadNetwork, start: Attachment, at_node: Floats, limit_min: float) -> NDArray[np.object_]:
    """Return the stretches of road reached within the limit, edges cut where time runs out."""
    import shapely

    ahead = _reached_share(limit_min - at_node[network.edge_from], network.edge_forward_min)
    behind = _reached_share(limit_min - at_node[network.edge_to], network.edge_backward_min)
    whole = ahead + behind >= 1.0
    pieces = [network.edge_line[whole]]
    for share, is_from_end in ((ahead, False), (behind, True)):
        use = np.flatnonzero(~whole & (share > 0))
        low, high = (1.0 - share[use], np.ones(use.size)) if is_from_end else (np.zeros(use.size), share[use])
        pieces.append(_stretches(network.edge_line[use], low, high))
    edge, here, walk = int(start.edge[0]), float(start.share[0]), float(start.walk_min[0])
    for whole_min, sign in ((network.edge_forward_min[edge], 1.0), (network.edge_backward_min[edge], -1.0)):
        if np.isfinite(whole_min) and limit_min >= walk:
            there = np.clip(here + sign * (limit_min - walk) / max(whole_min, 1e-9), 0.0, 1.0)
            low_high = np.array([min(here, there)]), np.array([max(here, there)])
            pieces.append(_stretches(network.edge_line[[edge]], *low_high))
    reached = np.concatenate(pieces)
    return reached[~shapely.is_empty(reached)]


def _reached_share(left_min: Floats, whole_min: Floats) -> Floats:
    """Return which share of each edge can be travelled in what is left of the time; 0 where it may not be."""
    share = np.zeros(whole_min.size)
    use = (left_min >= 0) & np.isfinite(whole_min)
    share[use] = np.clip(left_min[use] / np.maximum(whole_min[use], 1e-9), 0.0, 1.0)
    return share


def _stretches(lines: NDArray[np.object_], low: Floats, high: Floats) -> NDArray[np.object_]:
    """Return the part of each line between two shares of its length."""
    from shapely.ops import substring

    cut = [substring(line, first, last, normalized=True) for line, first, last in zip(lines, low, high, strict=True)]
    return np.asarray(cut, dtype=np.object_)


def _note(network: RoadNetwork) -> str:
    words = MODES_IN_WORDS.get(network.profile.mode, network.profile.mode)
    return f"Temps de trajet {words} par le réseau routier OpenStreetMap, hors embouteillages."


def _figures(network: RoadNetwork, origins: Attachment, destinations: Attachment) -> dict[str, float]:
    metres = np.concatenate((origins.distance_m, destinations.distance_m))
    near = metres[np.isfinite(metres)]
    return {
        "unattached_origins": float(np.count_nonzero(~origins.is_attached)),
        "unattached_destinations": float(np.count_nonzero(~destinations.is_attached)),
        "snap_median_m": float(np.median(near)) if near.size else float("nan"),
        "snap_max_m": float(near.max()) if near.size else float("nan"),
        "island_nodes": float(network.island_node_count),
        "island_length_share": network.island_length_share,
    }
