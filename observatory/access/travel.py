"""Travel cost behind one shape: sparse ``(origin, destination, minutes)``, and how it was obtained.

The fallback, for want of a road network or of a matrix, estimates a drive from the straight line: detour, speeds by
type of commune at both ends, and declared crossings of declared barriers. Its constants come from a declaration
(``geodata/studies/travel.toml``), never from here.
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
from observatory.words.numbers import decimal

Kind = Literal["network", "matrix", "fallback"]
Levels = NDArray[np.int8]
DENSITY_LEVELS = 7

_MINUTES_PER_HOUR = 60.0
_METRES_PER_KM = 1000.0


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

    detour: float
    """Road metres per straight-line metre."""
    terminal_min: float
    """Fixed minutes of any trip, and all of a trip of no distance."""
    ends_km: float
    """Road kilometres, at each end, driven at the speed of the type of commune."""
    between_kmh: float
    """Speed of the rest of the road."""
    ends_speed_kmh: tuple[float, ...]
    """Speed by density level, ``(8,)``: unknown, then levels 1 to 7."""
    barriers: tuple[Barrier, ...] = ()

    def __post_init__(self) -> None:
        if not (self.detour >= 1 and self.terminal_min >= 0 and self.ends_km >= 0 and self.between_kmh > 0):
            raise UsageError("Constantes de trajet : le détour vaut au moins 1, les durées et vitesses sont positives.")
        if len(self.ends_speed_kmh) != DENSITY_LEVELS + 1 or min(self.ends_speed_kmh) <= 0:
            raise UsageError("Constantes de trajet : donnez une vitesse positive par niveau de densité, de 0 à 7.")

    def minutes(self, road_m: Floats, origin_density: NDArray[np.int8], destination_density: Levels) -> Floats:
        """Return the duration of drives of ``road_m`` metres of road, all arrays ``(n,)``."""
        pace = _MINUTES_PER_HOUR / np.asarray(self.ends_speed_kmh)
        road_km = road_m / _METRES_PER_KM
        end_km = np.minimum(road_km / 2.0, self.ends_km)
        at_ends = end_km * (pace[origin_density] + pace[destination_density])
        duration: Floats = (
            self.terminal_min + at_ends + (road_km - 2.0 * end_km) * (_MINUTES_PER_HOUR / self.between_kmh)
        )
        return duration

    def limits_m(self, max_min: Floats) -> Floats:
        """Return the longest straight line driven within each duration, by density levels of both ends.

        Parameters
        ----------
        max_min
            Durations in minutes, ``(n,)``, no crossing on the way.

        Returns
        -------
        numpy.ndarray
            Metres, ``(8, 8, n)``, exact to the last bit of :func:`fallback`'s own minutes; −1 where even a trip of no
            distance takes longer.
        """
        origin, destination = (side[:, :, None] for side in np.indices((DENSITY_LEVELS + 1,) * 2, dtype=np.int8))
        low = np.zeros((DENSITY_LEVELS + 1, DENSITY_LEVELS + 1, max_min.size))
        high = np.maximum(np.broadcast_to([self.radius_m(one) for one in max_min], low.shape) * 2.0, 1.0)
        is_reached = self.minutes(low, origin, destination) <= max_min
        while True:
            middle = (low + high) / 2.0
            if ((middle <= low) | (middle >= high)).all():
                return np.where(is_reached, low, -1.0)
            within = self.minutes(middle * self.detour, origin, destination) <= max_min
            low, high = np.where(within, middle, low), np.where(within, high, middle)

    def radius_m(self, max_min: float) -> float:
        """Return the longest straight line that may be driven within ``max_min`` minutes, in metres."""
        left = max_min - self.terminal_min
        if left < 0:
            return 0.0
        fastest, between = max(self.ends_speed_kmh) / _MINUTES_PER_HOUR, self.between_kmh / _MINUTES_PER_HOUR
        both_ends_min = 2.0 * self.ends_km / fastest
        road_km = left * fastest if left <= both_ends_min else 2.0 * self.ends_km + (left - both_ends_min) * between
        return road_km * _METRES_PER_KM / self.detour


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
    """Estimate drives from straight lines: distance × detour ÷ speed, through the declared crossings.

    Straight lines are measured in Lambert-93; in mainland France they differ from the geodesic by less than 0.3 %,
    which is little beside the detour. Pairs on opposite sides of a barrier drive to one of its crossings and on, by
    whichever takes least; where several barriers lie between, the slowest of them counts.

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
    density = origins.density[origin_idx], destinations.density[destination_idx]
    duration = constants.minutes(distance_m * constants.detour, *density)
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
    density = origins.density[origin_idx], destinations.density[destination_idx]
    for crossing in barrier.crossings:
        point = np.array([crossing.x_m, crossing.y_m])
        to_crossing = np.hypot(*(origins.xy_m - point).T)
        from_crossing = np.hypot(*(destinations.xy_m - point).T)
        road_m = constants.detour * (to_crossing[origin_idx] + from_crossing[destination_idx])
        np.minimum(best, constants.minutes(road_m, *density) + crossing.penalty_min, out=best)
    return best


def note_of(constants: TravelConstants) -> str:
    """Return the French sentence that says how the fallback estimates a drive."""
    crossed = listed([barrier.name for barrier in constants.barriers])
    detour = decimal(constants.detour, digits=3)
    around = f", en passant par les franchissements déclarés de {crossed}" if crossed else ""
    return (
        f"Temps de trajet en voiture estimés à vol d’oiseau (détour {detour}, vitesse selon la densité des communes"
        f"{around}), faute de réseau routier chargé."
    )
