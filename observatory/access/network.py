"""A road network ready to be routed: ways cut at their junctions, islands told apart, nodes sorted in space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from observatory.access.pairs import Flags, Floats, Indices, check_xy
from observatory.access.profile import Passage, Profile
from observatory.errors import UsageError

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the Earth (IUGG)."""

_METRES_PER_MINUTE = 1000.0 / 60.0
_MORTON_BITS = 16


@dataclass(frozen=True, slots=True)
class Ways:
    """Ways as they are mapped: node identifiers and places, one way after the other."""

    node_id: Indices
    lon_lat: Floats
    """Degrees (EPSG:4326), ``(n, 2)``."""
    start: Indices
    """Way ``k`` holds ``node_id[start[k]:start[k + 1]]``, two nodes or more."""
    passages: tuple[Passage, ...]
    missing_nodes: int = 0


@dataclass(frozen=True, slots=True)
class RoadNetwork:
    """Directed graph between junctions, and the edges that points are attached to.

    ``indptr, target, minutes``: arcs out of each node, compressed rows. ``edge_*``: one row per edge, minutes from
    ``edge_from`` to ``edge_to`` and back (``inf`` where it may not be travelled). ``edge_line``: shapely lines in the
    metric CRS the network was built for.
    """

    node_xy_m: Floats
    indptr: Indices
    target: NDArray[np.int32]
    minutes: Floats
    edge_from: Indices
    edge_to: Indices
    edge_forward_min: Floats
    edge_backward_min: Floats
    edge_length_m: Floats
    edge_line: NDArray[np.object_]
    edge_may_attach: Flags
    """In the main component, and of a class that points may be attached to."""
    profile: Profile
    island_node_count: int
    """Nodes outside the largest strongly connected component."""
    island_length_share: float
    """Share of the length of edges with an end outside it."""

    @property
    def n_nodes(self) -> int:
        """Number of junctions."""
        return len(self.node_xy_m)


@dataclass(frozen=True, slots=True)
class Attachment:
    """Where points join the network: an edge, how far along it, and the walk there; edge −1 where none is near."""

    edge: Indices
    share: Floats
    """Position along the edge, 0 at ``edge_from`` and 1 at ``edge_to``."""
    distance_m: Floats
    """Straight line to the road; ``inf`` where there is none within the bound."""
    walk_min: Floats

    @property
    def is_attached(self) -> Flags:
        """Points that join the network."""
        return self.edge >= 0


def build(ways: Ways, *, profile: Profile, to_metres: Callable[[Floats], Floats]) -> RoadNetwork:
    """Cut ways at their junctions and make the graph.

    Lengths are measured on the sphere, so that they don't depend on the projection.

    Parameters
    ----------
    ways
        Ways of one mode.
    profile
        The mode.
    to_metres
        Turns degrees ``(n, 2)`` into planar metres ``(n, 2)``, for attaching points and drawing.

    Raises
    ------
    UsageError
        If there is no way.
    """
    if not ways.passages:
        raise UsageError("Le réseau routier est vide : vérifiez l’extrait et le mode de déplacement.")
    node, first, last, way = _cut(ways)
    along = _distance_along(ways)
    length = along[last] - along[first]
    forward, backward = _minutes(ways, way, length)
    unique, position = np.unique(node[np.concatenate((first, last))], return_inverse=True)
    place = np.zeros(unique.size, dtype=np.int64)
    place[position] = np.concatenate((first, last))
    xy_m = to_metres(ways.lon_lat)
    order = _in_space(xy_m[place])
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    source, target = rank[position[: first.size]], rank[position[first.size :]]
    indptr, heads, minutes = _arcs(source, target, forward, backward, order.size)
    in_main = _main_component(indptr, heads, minutes)
    outside = ~(in_main[source] & in_main[target])
    classes = np.array([how.road_class not in profile.no_snap for how in ways.passages])
    total = float(length.sum())
    return RoadNetwork(
        node_xy_m=xy_m[place][order],
        indptr=indptr,
        target=heads,
        minutes=minutes,
        edge_from=source,
        edge_to=target,
        edge_forward_min=forward,
        edge_backward_min=backward,
        edge_length_m=length,
        edge_line=_lines(xy_m, first, last),
        edge_may_attach=~outside & classes[way],
        profile=profile,
        island_node_count=int(np.count_nonzero(~in_main)),
        island_length_share=float(length[outside].sum()) / total if total > 0 else 0.0,
    )


def attach(network: RoadNetwork, xy_m: ArrayLike) -> Attachment:
    """Attach points to the nearest road of the main component within the profile's bound.

    Parameters
    ----------
    network
        The network.
    xy_m
        Points in the network's metric CRS, ``(n, 2)``.
    """
    import shapely

    points = check_xy(xy_m, "Points")
    candidates = np.flatnonzero(network.edge_may_attach)
    edge = np.full(len(points), -1, dtype=np.int64)
    share, distance = np.zeros(len(points)), np.full(len(points), np.inf)
    if candidates.size and len(points):
        geometry = np.asarray(shapely.points(points))
        tree = shapely.STRtree(network.edge_line[candidates])
        (asked, found), metres = tree.query_nearest(
            geometry, max_distance=network.profile.snap_max_m, return_distance=True, all_matches=False
        )
        edge[asked], distance[asked] = candidates[found], metres
        share[asked] = shapely.line_locate_point(network.edge_line[edge[asked]], geometry[asked], normalized=True)
    walk = np.where(edge >= 0, distance / (network.profile.walk_kmh * _METRES_PER_MINUTE), np.inf)
    return Attachment(edge, share, distance, walk)


def _cut(ways: Ways) -> tuple[Indices, Indices, Indices, Indices]:
    """Return node numbers, then first and last place and way of each piece between junctions."""
    _, node = np.unique(ways.node_id, return_inverse=True)
    is_end = np.zeros(node.size, dtype=np.bool_)
    is_end[ways.start[:-1]] = True
    is_end[ways.start[1:] - 1] = True
    uses = np.bincount(node)
    is_junction = is_end | (uses[node] > 1)
    places = np.flatnonzero(is_junction)
    way_of = np.repeat(np.arange(len(ways.passages)), np.diff(ways.start))
    same_way = way_of[places[:-1]] == way_of[places[1:]]
    return node, places[:-1][same_way], places[1:][same_way], way_of[places[:-1][same_way]]


def _distance_along(ways: Ways) -> Floats:
    """Return the running length at each place, in metres (differences within a way are what matters)."""
    lon, lat = np.radians(ways.lon_lat[:, 0]), np.radians(ways.lon_lat[:, 1])
    half = np.square(np.sin(np.diff(lat) / 2)) + np.cos(lat[:-1]) * np.cos(lat[1:]) * np.square(
        np.sin(np.diff(lon) / 2)
    )
    step = 2.0 * EARTH_RADIUS_M * np.arcsin(np.sqrt(half))
    step[ways.start[1:-1] - 1] = 0.0
    return np.concatenate(([0.0], np.cumsum(step)))


def _minutes(ways: Ways, way: Indices, length: Floats) -> tuple[Floats, Floats]:
    """Return the minutes of each piece, forward and backward, ``inf`` where it may not be travelled."""
    total = np.bincount(way, weights=length, minlength=len(ways.passages))
    fixed = np.array([how.fixed_min for how in ways.passages])
    whole = np.array([np.nan if how.whole_min is None else how.whole_min for how in ways.passages])
    # A wait or a stated duration belongs to the whole way: each piece has its part of it, by length.
    part = np.divide(length, total[way], out=np.zeros_like(length), where=total[way] > 0)
    both = []
    for speed in (
        np.array([how.forward_kmh for how in ways.passages]),
        np.array([how.backward_kmh for how in ways.passages]),
    ):
        moving = np.divide(
            length, speed[way] * _METRES_PER_MINUTE, out=np.full(length.size, np.inf), where=speed[way] > 0
        )
        stated = np.where(np.isnan(whole[way]) | (speed[way] == 0), moving, whole[way] * part)
        both.append(stated + fixed[way] * part)
    return both[0], both[1]


def _in_space(xy_m: Floats) -> Indices:
    """Return the order of points along a Morton curve: neighbours in space become neighbours in memory."""
    low, extent = xy_m.min(axis=0), max(float(np.ptp(xy_m, axis=0).max()), 1.0)
    cell = ((xy_m - low) / extent * (2**_MORTON_BITS - 1)).astype(np.uint64)
    code = np.zeros(len(xy_m), dtype=np.uint64)
    for bit in range(_MORTON_BITS):
        for axis in (0, 1):
            code |= ((cell[:, axis] >> np.uint64(bit)) & np.uint64(1)) << np.uint64(2 * bit + axis)
    return np.argsort(code, kind="stable")


def _arcs(
    source: Indices, target: Indices, forward: Floats, backward: Floats, n_nodes: int
) -> tuple[Indices, NDArray[np.int32], Floats]:
    tails, heads = np.concatenate((source, target)), np.concatenate((target, source))
    cost = np.concatenate((forward, backward))
    usable = np.isfinite(cost) & (tails != heads)
    tails, heads, cost = tails[usable], heads[usable], cost[usable]
    order = np.lexsort((cost, heads, tails))
    indptr = np.zeros(n_nodes + 1, dtype=np.int64)
    np.cumsum(np.bincount(tails, minlength=n_nodes), out=indptr[1:])
    return indptr, heads[order].astype(np.int32), cost[order]


def _main_component(indptr: Indices, heads: NDArray[np.int32], minutes: Floats) -> Flags:
    """Tell which nodes belong to the largest strongly connected component."""
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    size = indptr.size - 1
    # A cost of 0 would be taken for a missing arc: only the shape of the graph matters here.
    graph = sparse.csr_array((np.ones(minutes.size, dtype=np.int8), heads, indptr), shape=(size, size))
    _, label = connected_components(graph, directed=True, connection="strong")
    main: Flags = label == np.argmax(np.bincount(label))
    return main


def _lines(xy_m: Floats, first: Indices, last: Indices) -> NDArray[np.object_]:
    import shapely

    size = last - first + 1
    edge = np.repeat(np.arange(first.size), size)
    offset = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    lines: NDArray[np.object_] = shapely.linestrings(xy_m[np.repeat(first, size) + offset], indices=edge)
    return lines
