"""Accompaniment: a body is reached only inside its zone of intervention, by travel or at one of its permanences."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from observatory.access.pairs import Flags, Indices, check_pairs
from observatory.access.travel import TravelCost
from observatory.errors import UsageError


def mask(
    origin_idx: ArrayLike,
    destination_idx: ArrayLike,
    *,
    zone_origin_idx: ArrayLike,
    zone_destination_idx: ArrayLike,
    n_origins: int,
    n_destinations: int,
) -> Flags:
    """Tell which pairs have their origin inside the destination's zone of intervention.

    Parameters
    ----------
    origin_idx, destination_idx
        Pairs to sort out, ``(n_pairs,)``.
    zone_origin_idx, zone_destination_idx
        The zones, as pairs: body ``zone_destination_idx[k]`` intervenes at ``zone_origin_idx[k]``. A body without any
        pair has no known zone and is reached by nobody.
    n_origins, n_destinations
        Number of origins and of bodies.

    Returns
    -------
    numpy.ndarray
        ``(n_pairs,)`` booleans.

    Raises
    ------
    UsageError
        If an index is out of range.
    """
    keys = _keys(origin_idx, destination_idx, n_origins, n_destinations)
    return np.isin(keys, _keys(zone_origin_idx, zone_destination_idx, n_origins, n_destinations))


def accompaniment(
    travel: TravelCost,
    *,
    zone_origin_idx: ArrayLike,
    zone_destination_idx: ArrayLike,
    permanence_origin_idx: ArrayLike = (),
    permanence_destination_idx: ArrayLike = (),
    n_origins: int,
    n_destinations: int,
) -> TravelCost:
    """Return the access to bodies: in the zone *and* reachable, or in the zone with a permanence on the spot.

    Parameters
    ----------
    travel
        Travel times to the places where the bodies sit.
    zone_origin_idx, zone_destination_idx
        Zones of intervention, as pairs (see :func:`mask`).
    permanence_origin_idx, permanence_destination_idx
        Where each body holds a permanence, as pairs; such a pair costs 0 minutes if it lies in the zone, and is left
        out otherwise.
    n_origins, n_destinations
        Number of origins and of bodies.

    Returns
    -------
    TravelCost
        Sorted by origin then destination, one row per pair; ``figures`` gains ``outside_zone_pairs`` and
        ``permanence_pairs``.

    Raises
    ------
    UsageError
        If an index is out of range.
    """
    zone = _keys(zone_origin_idx, zone_destination_idx, n_origins, n_destinations)
    travelled = _keys(travel.origin_idx, travel.destination_idx, n_origins, n_destinations)
    inside = np.isin(travelled, zone)
    present = np.intersect1d(_keys(permanence_origin_idx, permanence_destination_idx, n_origins, n_destinations), zone)
    keys = np.concatenate((present, travelled[inside & ~np.isin(travelled, present)]))
    minutes = np.concatenate((np.zeros(present.size), travel.duration_min[inside & ~np.isin(travelled, present)]))
    order = np.argsort(keys, kind="stable")
    return TravelCost(
        keys[order] // n_destinations,
        keys[order] % n_destinations,
        minutes[order],
        kind=travel.kind,
        note=f"{travel.note} Seuls comptent les organismes dont la zone d’intervention contient le territoire.",
        figures={
            **travel.figures,
            "outside_zone_pairs": float(np.count_nonzero(~inside)),
            "permanence_pairs": float(present.size),
        },
    )


def _keys(origin_idx: ArrayLike, destination_idx: ArrayLike, n_origins: int, n_destinations: int) -> Indices:
    """Return one whole number per pair, in the order origin then destination."""
    if n_origins < 0 or n_destinations < 0:
        raise UsageError("Le nombre d’origines et d’organismes doit être positif ou nul.")
    origins = np.asarray(origin_idx, dtype=np.int64)
    pairs = check_pairs(
        origins,
        np.asarray(destination_idx, dtype=np.int64),
        np.zeros(origins.shape),
        n_origins=n_origins,
        n_destinations=n_destinations,
    )
    return pairs.origin_idx * n_destinations + pairs.destination_idx
