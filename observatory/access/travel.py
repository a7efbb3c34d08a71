"""Travel cost behind one shape: sparse ``(origin, destination, minutes)``, and how it was obtained.

The fallback, for want of a road network or of a matrix, estimates a drive from the straight line: a power of the
distance with a floor, minutes lost at urban ends, and declared crossings of declared barriers. Its constants
come from a declaration (``geodata/studies/travel.toml``), never from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from observatory.access.barrier import Barrier, crosses
from observatory.access.join import od_within
from observatory.access.pairs import Flags, Floats, Indices, check_pairs, check_xy
from observatory.errors import UsageError
from observatory.words.grammar import listed

Kind = Literal["network", "matrix", "fallback"]
Levels = NDArray[np.int8]
DENSITY_LEVELS = 7

_METRES_PER_KM = 1000.0
_ROUNDING = 1.0 + 1e-9
"""A power and its inverse don't give back the same number to the last bit."""


@dataclass(frozen=True, slots=True)
class Places:
    """Points to travel between.

    ``xy_m``: Lambert-93 metres (EPSG:2154), ``(n, 2)``. ``density``: level 1 to 7 of INSEE's grid of the commune each
    point lies in, 0 where unknown, ``(n,)``.
    """

    xy_m: Floats
    density: Levels

    @classmethod
    def at(cls, xy_m: ArrayLike, density: ArrayLike | None = None) -> Places:
        """Check and keep points; a missing density (``None``) is unknown everywhere.

        Raises
        ------
        UsageError
            If a point has no coordinates, or a density level is not a whole number from 0 to 7.
        """
        xy = check_xy(xy_m, "Points")
        levels = np.zeros(len(xy), dtype=np.int64) if density is None else np.asarray(density)
        if levels.shape != (len(xy),) or not np.isin(levels, np.arange(DENSITY_LEVELS + 1)).all():
            raise UsageError("Le niveau de densité de chaque point doit être un entier de 0 (inconnu) à 7.")
        return cls(xy, levels.astype(np.int8))

    def some(self, positions: Indices) -> Places:
        """Return the places at these positions."""
        return Places(np.ascontiguousarray(self.xy_m[positions]), self.density[positions])


@dataclass(frozen=True, slots=True)
class TravelConstants:
    """Constants of the fallback; where each comes from is in the declaration they were read from."""

    one_km_min: float
    """Minutes of a drive between points one kilometre apart, out of town."""
    exponent: float
    """Power of the straight line: under 1, longer drives are faster and less winding."""
    floor_min: float
    """Minutes of the shortest drive, a trip of no distance included."""
    urban_min: float
    """Minutes lost at each end that lies in an urban commune."""
    urban_km: float
    """Straight line from which they are all lost; in proportion under it."""
    urban_levels: tuple[int, ...]
    """Density levels of urban communes."""
    barriers: tuple[Barrier, ...] = ()

    def __post_init__(self) -> None:
        if not (min(self.one_km_min, self.exponent, self.urban_km) > 0 and min(self.floor_min, self.urban_min) >= 0):
            raise UsageError(
                "Constantes de trajet : la durée d’un kilomètre, l’exposant et la longueur d’un bout sont positifs, "
                "les durées minimale et d’un bout urbain, positives ou nulles."
            )
        if not set(self.urban_levels) <= set(range(DENSITY_LEVELS + 1)):
            raise UsageError("Constantes de trajet : les niveaux urbains sont des entiers de 0 à 7.")

    def as_shown(self) -> dict[str, float | list[int]]:
        """Return the constants by name, barriers left out, as results and commands show them."""
        return {
            "one_km_min": self.one_km_min,
            "exponent": self.exponent,
            "floor_min": self.floor_min,
            "urban_min": self.urban_min,
            "urban_km": self.urban_km,
            "urban_levels": list(self.urban_levels),
        }

    def is_urban(self, density: Levels) -> NDArray[np.int8]:
        """Return 1 where a density level is urban, 0 elsewhere, same shape."""
        known = [int(level in self.urban_levels) for level in range(DENSITY_LEVELS + 1)]
        return np.array(known, dtype=np.int8)[density]

    def minutes(self, distance_m: Floats, urban_ends: NDArray[np.int8]) -> Floats:
        """Return the duration of drives ``(n,)``.

        Parameters
        ----------
        distance_m
            Straight line in metres, ``(n,)``.
        urban_ends
            How many of both ends are urban (:meth:`is_urban`), ``(n,)``.
        """
        distance_km = distance_m / _METRES_PER_KM
        at_ends = urban_ends * (self.urban_min * np.minimum(1.0, distance_km / self.urban_km))
        return np.maximum(self.floor_min, self.one_km_min * distance_km**self.exponent + at_ends)

    def limits_m(self, max_min: Floats) -> Floats:
        """Return the longest straight line driven within each duration, by number of urban ends.

        Parameters
        ----------
        max_min
            Durations in minutes, ``(n,)``, no crossing on the way.

        Returns
        -------
        numpy.ndarray
            Metres, ``(3, n)``, exact to the last bit of :func:`fallback`'s own minutes; −1 where even a trip of no
            distance takes longer.
        """
        urban_ends = np.arange(3, dtype=np.int8)[:, None]
        low = np.zeros((3, max_min.size))
        high = np.maximum(np.broadcast_to([self.radius_m(one) for one in max_min], low.shape) * 2.0, 1.0)
        is_reached = self.minutes(low, urban_ends) <= max_min
        while True:
            middle = (low + high) / 2.0
            if ((middle <= low) | (middle >= high)).all():
                return np.where(is_reached, low, -1.0)
            within = self.minutes(middle, urban_ends) <= max_min
            low, high = np.where(within, middle, low), np.where(within, high, middle)

    def radius_m(self, max_min: float) -> float:
        """Return a straight line, in metres, that no drive of ``max_min`` minutes is longer than, by a hair at most."""
        if max_min < self.floor_min:
            return 0.0
        longest_km = (max_min / self.one_km_min) ** (1.0 / self.exponent)
        return float(longest_km) * _METRES_PER_KM * _ROUNDING


@dataclass(frozen=True, slots=True)
class TravelCost:
    """Sparse travel times, sorted by origin then destination, and how they were obtained."""

    origin_idx: Indices
    destination_idx: Indices
    duration_min: Floats
    kind: Kind
    note: str
    """One French sentence for whoever reads a result that rests on these times."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """Counts and lengths worth reporting (pairs through a crossing, points too far from a road, …)."""

    def within(self, max_min: float) -> TravelCost:
        """Return the pairs of at most ``max_min`` minutes."""
        return self.select(self.duration_min <= max_min)

    def select(self, keep: Flags, *, note: str | None = None) -> TravelCost:
        """Return the pairs where ``keep`` ``(n_pairs,)`` is true, with another note if one is given."""
        return TravelCost(
            self.origin_idx[keep],
            self.destination_idx[keep],
            self.duration_min[keep],
            kind=self.kind,
            note=self.note if note is None else note,
            figures=self.figures,
        )


def fallback(origins: Places, destinations: Places, *, constants: TravelConstants, max_min: float) -> TravelCost:
    """Estimate drives from straight lines by :meth:`TravelConstants.minutes`, through the declared crossings.

    Straight lines are measured in Lambert-93; in mainland France they differ from the geodesic by less than 0.3 %,
    which is little beside the error of the estimate. Pairs on opposite sides of a barrier drive to one of its
    crossings and on, by whichever takes least; where several barriers lie between, the slowest of them counts.

    Parameters
    ----------
    origins, destinations
        Points and their density levels.
    constants
        Constants of the estimate, with the barriers to respect.
    max_min
        Longest drive kept, in minutes, included.

    Returns
    -------
    TravelCost
        ``kind="fallback"``; ``figures["crossing_pairs"]``: how many of the pairs kept go through a crossing.

    Raises
    ------
    UsageError
        If ``max_min`` is not a finite number from 0.
    """
    if not (np.isfinite(max_min) and max_min >= 0):
        raise UsageError("La durée maximale de trajet doit être un nombre de minutes positif ou nul.")
    radius_m = constants.radius_m(max_min)
    origin_idx, destination_idx, distance_m = od_within(origins.xy_m, destinations.xy_m, radius_m=radius_m)
    urban_ends = _urban_ends(origins, destinations, (origin_idx, destination_idx), constants)
    duration = constants.minutes(distance_m, urban_ends)
    diverted = np.zeros(duration.size, dtype=np.bool_)
    for barrier in constants.barriers:
        blocked = np.flatnonzero(
            (duration <= max_min) & crosses(barrier, origins.xy_m, destinations.xy_m, origin_idx, destination_idx)
        )
        around = _through_crossings(
            barrier, origins, destinations, pairs=(origin_idx[blocked], destination_idx[blocked]), constants=constants
        )
        duration[blocked] = np.maximum(duration[blocked], around)
        diverted[blocked] = True
    keep = duration <= max_min
    return TravelCost(
        origin_idx[keep],
        destination_idx[keep],
        duration[keep],
        kind="fallback",
        note=note_of(constants),
        figures={"crossing_pairs": float(np.count_nonzero(diverted & keep))},
    )


def from_matrix(
    origin_idx: ArrayLike,
    destination_idx: ArrayLike,
    duration_min: ArrayLike,
    *,
    n_origins: int,
    n_destinations: int,
    note: str,
) -> TravelCost:
    """Return a matrix that the user supplies, checked, sorted and without its unreachable pairs (``inf``).

    Raises
    ------
    UsageError
        If the pairs are malformed or one is given twice.
    """
    pairs = check_pairs(origin_idx, destination_idx, duration_min, n_origins=n_origins, n_destinations=n_destinations)
    order = np.lexsort((pairs.destination_idx, pairs.origin_idx))
    origin, destination, minutes = pairs.origin_idx[order], pairs.destination_idx[order], pairs.cost[order]
    if bool(np.any((np.diff(origin) == 0) & (np.diff(destination) == 0))):
        raise UsageError("La matrice donne deux fois la même paire : gardez une seule durée par paire.")
    reached = np.isfinite(minutes)
    return TravelCost(
        origin[reached],
        destination[reached],
        minutes[reached],
        kind="matrix",
        note=note,
        figures={"unreachable_pairs": float(np.count_nonzero(~reached))},
    )


def _through_crossings(
    barrier: Barrier,
    origins: Places,
    destinations: Places,
    *,
    pairs: tuple[Indices, Indices],
    constants: TravelConstants,
) -> Floats:
    """Return the shortest duration through any crossing, ``(n_pairs,)``; ``inf`` if the barrier has none."""
    origin_idx, destination_idx = pairs
    best = np.full(origin_idx.size, np.inf)
    urban_ends = _urban_ends(origins, destinations, pairs, constants)
    for crossing in barrier.crossings:
        point = np.array([crossing.x_m, crossing.y_m])
        to_crossing = np.hypot(*(origins.xy_m - point).T)
        from_crossing = np.hypot(*(destinations.xy_m - point).T)
        around_m = to_crossing[origin_idx] + from_crossing[destination_idx]
        np.minimum(best, constants.minutes(around_m, urban_ends) + crossing.penalty_min, out=best)
    return best


def _urban_ends(
    origins: Places, destinations: Places, pairs: tuple[Indices, Indices], constants: TravelConstants
) -> NDArray[np.int8]:
    return constants.is_urban(origins.density)[pairs[0]] + constants.is_urban(destinations.density)[pairs[1]]


def note_of(constants: TravelConstants) -> str:
    """Return the French sentence that says how the fallback estimates a drive."""
    crossed = listed([barrier.name for barrier in constants.barriers])
    around = f", en passant par les franchissements déclarés de {crossed}" if crossed else ""
    return (
        "Temps de trajet en voiture estimés à vol d’oiseau, hors embouteillages (puissance de la distance, bouts "
        f"urbains plus lents{around}), faute de réseau routier chargé."
    )
