"""Travel times that the operator gives, a road network or a matrix; the fallback where they don't know a point."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from observatory.access.network import RoadNetwork, attach
from observatory.access.pairs import Flags, Floats, Indices
from observatory.access.routing import travel_times
from observatory.access.travel import Places, TravelConstants, TravelCost, fallback

MATRIX_SNAP_M: Final = 5_000.0
"""A point stands for the nearest point of a matrix up to this distance (convention de l'observatoire): a commune of
Normandy covers 11 km² on average, and its town hall stands for all of it in most published matrices."""


def by_network(
    network: RoadNetwork,
    origins: Places,
    destinations: Places,
    *,
    label: str,
    constants: TravelConstants,
    max_min: float,
) -> TravelCost:
    """Return drives on a road network, estimated where an end is too far from any road."""
    routed = travel_times(network, origins.xy_m, destinations.xy_m, max_min=max_min)
    known = attach(network, origins.xy_m).is_attached, attach(network, destinations.xy_m).is_attached
    lone = int((~known[0]).sum() + (~known[1]).sum())
    note = f"{routed.note} Réseau : {label}."
    if lone:
        note += (
            f" {lone} points à plus de {network.profile.snap_max_m:.0f} m de toute voie : temps estimés à vol d’oiseau."
        )
    return _completed(replace(routed, note=note), origins, destinations, *known, constants=constants, max_min=max_min)


def by_matrix(
    origins: Places,
    destinations: Places,
    *,
    point_xy_m: Floats,
    pairs: tuple[Indices, Indices, Floats],
    label: str,
    constants: TravelConstants,
    max_min: float,
) -> TravelCost:
    """Return the minutes of a matrix between the points nearest to both ends, estimated where an end has none near.

    Two ends that stand for the same point of the matrix are estimated too, unless it says how long they take.

    Parameters
    ----------
    point_xy_m
        Points of the matrix, planar metres, ``(n, 2)``.
    pairs
        ``origin_idx, destination_idx, minutes``: positions in ``point_xy_m``, each pair once.
    """
    from scipy.sparse import csr_array

    start, end = _nearest_point(point_xy_m, origins.xy_m), _nearest_point(point_xy_m, destinations.xy_m)
    # Sparse products would drop a duration of 0: positions are looked up instead, from 1 on.
    size = len(point_xy_m)
    position = csr_array((np.arange(1, pairs[2].size + 1), pairs[:2]), shape=(size, size))
    known_start, known_end = np.flatnonzero(start >= 0), np.flatnonzero(end >= 0)
    found = position[start[known_start]][:, end[known_end]].tocoo()
    minutes = pairs[2][found.data - 1]
    keep = minutes <= max_min
    origin, destination = known_start[found.row[keep]].astype(np.int64), known_end[found.col[keep]].astype(np.int64)
    order = np.lexsort((destination, origin))
    lone = int((start < 0).sum() + (end < 0).sum())
    note = f"Temps de trajet de la matrice {label}, de point le plus proche à point le plus proche."
    if lone:
        bound = f"{MATRIX_SNAP_M / 1000:.0f} km"
        note += f" {lone} points à plus de {bound} de ceux de la matrice : temps estimés à vol d’oiseau."
    given = TravelCost(
        origin[order],
        destination[order],
        minutes[keep][order],
        kind="matrix",
        note=note,
        figures={"unknown_origins": float((start < 0).sum()), "unknown_destinations": float((end < 0).sum())},
    )
    diagonal = np.asarray(position.diagonal())
    lacking = (start[:, None] == end[None, :]) & (start[:, None] >= 0) & (diagonal[np.maximum(start, 0)] == 0)[:, None]
    return _completed(
        given, origins, destinations, start >= 0, end >= 0, also=lacking, constants=constants, max_min=max_min
    )


def _completed(
    given: TravelCost,
    origins: Places,
    destinations: Places,
    known_origin: Flags,
    known_destination: Flags,
    *,
    constants: TravelConstants,
    max_min: float,
    also: Flags | None = None,
) -> TravelCost:
    """Add the fallback's drives for the pairs with an end that isn't known, and for those of ``also``."""
    if known_origin.all() and known_destination.all() and (also is None or not also.any()):
        return given
    estimated = fallback(origins, destinations, constants=constants, max_min=max_min)
    pair = estimated.origin_idx, estimated.destination_idx
    wanted = ~(known_origin[pair[0]] & known_destination[pair[1]])
    if also is not None:
        wanted |= also[pair]
    more = estimated.select(wanted)
    origin = np.concatenate((given.origin_idx, more.origin_idx))
    destination = np.concatenate((given.destination_idx, more.destination_idx))
    order = np.lexsort((destination, origin))
    return TravelCost(
        origin[order],
        destination[order],
        np.concatenate((given.duration_min, more.duration_min))[order],
        kind=given.kind,
        note=given.note,
        figures={**given.figures, "estimated_pairs": float(more.origin_idx.size)},
    )


def _nearest_point(point_xy_m: Floats, xy_m: Floats) -> Indices:
    """Return the position of the matrix's point nearest to each place, −1 beyond the bound."""
    from scipy.spatial import cKDTree

    if not len(point_xy_m) or not len(xy_m):
        return np.full(len(xy_m), -1, dtype=np.int64)
    distance, position = cKDTree(point_xy_m).query(xy_m, distance_upper_bound=MATRIX_SNAP_M)
    return np.where(np.isfinite(distance), position, -1).astype(np.int64)
