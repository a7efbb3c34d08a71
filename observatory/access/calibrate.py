"""Fit the fallback's constants to a real matrix of minutes, and say how wrong it stays on trips it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from observatory.access.pairs import Flags, Floats, Indices, check_pairs
from observatory.access.travel import DENSITY_LEVELS, Levels, TravelConstants
from observatory.errors import UsageError

BANDS_KM: Final[tuple[float, ...]] = (0.0, 2.0, 5.0, 10.0, 20.0, 50.0, np.inf)
"""Straight-line distance bands of the reported errors (convention de l'observatoire)."""
ENDS_KM: Final[tuple[float, ...]] = (0.0, 1.0, 2.0, 5.0, 10.0)
"""Lengths tried for the ends of a trip, beside the one that is declared (convention de l'observatoire)."""

_SLOWEST_KMH, _FASTEST_KMH, _LONGEST_TERMINAL_MIN = 2.0, 130.0, 60.0
_MOST_PAIRS = 50_000
_ROUNDS = 15
_SMALLEST_ERROR = 0.01
_FEWEST_PAIRS = 30


@dataclass(frozen=True, slots=True)
class Trips:
    """Real trips, one per row, all arrays ``(n,)``."""

    origin_idx: Indices
    distance_m: Floats
    """Straight line."""
    duration_min: Floats
    origin_density: Levels
    destination_density: Levels
    road_m: Floats | None = None
    """Length by road where the matrix gives it (NaN for some); only then can the detour be told from the speed."""

    def __len__(self) -> int:
        return int(self.duration_min.size)

    def select(self, keep: Flags | Indices) -> Trips:
        """Return the trips where ``keep`` is true, or at these positions."""
        return Trips(
            self.origin_idx[keep],
            self.distance_m[keep],
            self.duration_min[keep],
            self.origin_density[keep],
            self.destination_density[keep],
            None if self.road_m is None else self.road_m[keep],
        )


@dataclass(frozen=True, slots=True)
class BandError:
    """Relative errors ``|estimated − real| ÷ real`` of the trips of a distance band."""

    low_km: float
    high_km: float
    count: int
    median: float
    p90: float
    bias: float
    """Median of ``estimated ÷ real − 1``: above 0, the estimate is too slow."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Constants fitted on some origins, and the errors on the others: fitted, and as they were declared."""

    constants: TravelConstants
    fitted_count: int
    held_out_count: int
    held_out_origins: int
    fitted: tuple[BandError, ...]
    """Held-out errors of the fitted constants: overall, then band by band (empty bands left out)."""
    declared: tuple[BandError, ...]
    """Held-out errors of the constants before the fit, same bands."""
    unseen_levels: tuple[int, ...]
    """Density levels without any trip: their declared speed is kept."""
    detour_fitted: bool


def trips(
    origin_idx: ArrayLike,
    destination_idx: ArrayLike,
    duration_min: ArrayLike,
    distance_m: ArrayLike,
    *,
    origin_density: Levels,
    destination_density: Levels,
    road_m: ArrayLike | None = None,
) -> Trips:
    """Check a matrix and keep the pairs that teach something: some distance, some time, both finite.

    Parameters
    ----------
    origin_idx, destination_idx, duration_min, distance_m, road_m
        One row per pair, ``(n_pairs,)``; ``inf`` minutes is an unreachable pair and is left out. A road length that is
        missing, or not longer than nothing, is not used.
    origin_density, destination_density
        Level 0 to 7 of each origin and of each destination, ``(n_origins,)`` and ``(n_destinations,)``.

    Raises
    ------
    UsageError
        If the pairs are malformed or fewer than 30 remain.
    """
    pairs = check_pairs(
        origin_idx,
        destination_idx,
        duration_min,
        n_origins=origin_density.size,
        n_destinations=destination_density.size,
    )
    metres = np.asarray(distance_m, dtype=np.float64)
    road = None if road_m is None else np.asarray(road_m, dtype=np.float64)
    if metres.shape != pairs.cost.shape or (road is not None and road.shape != metres.shape):
        raise UsageError("La matrice doit donner une distance par paire.")
    if road is not None:
        road = np.where(np.isfinite(road) & (road > 0), road, np.nan)
    keep = np.isfinite(pairs.cost) & (pairs.cost > 0) & np.isfinite(metres) & (metres > 0)
    if int(keep.sum()) < _FEWEST_PAIRS:
        raise UsageError(
            f"La matrice n’a que {int(keep.sum())} trajets utilisables : il en faut au moins {_FEWEST_PAIRS}."
        )
    every = Trips(
        pairs.origin_idx,
        metres,
        pairs.cost,
        origin_density[pairs.origin_idx],
        destination_density[pairs.destination_idx],
        road,
    )
    return every.select(keep)


def calibrate(sample: Trips, *, declared: TravelConstants, held_out_share: float = 0.3, seed: int = 0) -> Calibration:
    """Fit terminal time and speeds by least absolute relative error, and measure errors on origins left aside.

    Given the length of the ends, the duration is linear in the paces (minutes per kilometre): each round solves a
    bounded least-squares problem whose weights turn it, round after round, into least absolute relative error. The
    detour is the median of road over straight line where the matrix has road lengths; else it stays as declared, since
    minutes alone cannot tell a longer road from a slower one.

    Parameters
    ----------
    sample
        Trips, of one mode.
    declared
        Where the fit starts: its detour, and the speeds of levels without trips. Barriers are kept, and not applied:
        pairs that must cross one should be left out of the sample.
    held_out_share
        Share of the origins set aside for the errors, between 0 and 1 excluded.
    seed
        Which origins are set aside.

    Raises
    ------
    UsageError
        If the share is out of range or there is a single origin.
    """
    if not 0 < held_out_share < 1:
        raise UsageError("La part des origines mises de côté doit être comprise entre 0 et 1.")
    rng = np.random.default_rng(seed)
    origins = np.unique(sample.origin_idx)
    if origins.size < 2:  # noqa: PLR2004
        raise UsageError("La matrice n’a qu’une origine : il en faut au moins deux pour mesurer l’erreur honnêtement.")
    aside = rng.permutation(origins)[: max(1, min(origins.size - 1, round(held_out_share * origins.size)))]
    is_aside = np.isin(sample.origin_idx, aside)
    learned, unseen = sample.select(~is_aside), sample.select(is_aside)
    if len(learned) > _MOST_PAIRS:
        learned = learned.select(np.sort(rng.choice(len(learned), _MOST_PAIRS, replace=False)))
    constants = _fit(learned, declared)
    seen = set(np.unique(learned.origin_density)) | set(np.unique(learned.destination_density))
    return Calibration(
        constants=constants,
        fitted_count=len(learned),
        held_out_count=len(unseen),
        held_out_origins=int(aside.size),
        fitted=errors(unseen, constants),
        declared=errors(unseen, declared),
        unseen_levels=tuple(level for level in range(DENSITY_LEVELS + 1) if level not in seen),
        detour_fitted=_has_roads(learned),
    )


def errors(sample: Trips, constants: TravelConstants, *, bands_km: Sequence[float] = BANDS_KM) -> tuple[BandError, ...]:
    """Return the relative errors of the estimate over all trips, then by band of straight-line distance.

    A trip on a bound belongs to the band above; bands without trips are left out.
    """
    estimate = constants.minutes(
        sample.distance_m * constants.detour, sample.origin_density, sample.destination_density
    )
    relative = estimate / sample.duration_min - 1.0
    distance_km = sample.distance_m / 1000.0
    ranges = [(bands_km[0], bands_km[-1]), *pairwise(bands_km)]
    rows = []
    for low, high in ranges:
        inside = relative[(distance_km >= low) & (distance_km < high)]
        if inside.size:
            size = np.abs(inside)
            rows.append(
                BandError(
                    low_km=float(low),
                    high_km=float(high),
                    count=int(inside.size),
                    median=float(np.median(size)),
                    p90=float(np.quantile(size, 0.9)),
                    bias=float(np.median(inside)),
                )
            )
    return tuple(rows)


def _has_roads(sample: Trips) -> bool:
    return sample.road_m is not None and bool(np.isfinite(sample.road_m).any())


def _fit(sample: Trips, declared: TravelConstants) -> TravelConstants:
    detour = declared.detour
    if _has_roads(sample):
        detour = max(1.0, float(np.nanmedian(np.asarray(sample.road_m) / sample.distance_m)))
    start = replace(declared, detour=detour)
    fits = [_fit_paces(sample, replace(start, ends_km=ends_km)) for ends_km in sorted({declared.ends_km, *ENDS_KM})]
    return min(fits, key=lambda constants: errors(sample, constants)[0].median)


def _fit_paces(sample: Trips, start: TravelConstants) -> TravelConstants:
    """Return ``start`` with the terminal time and the speeds of the levels met that fit best."""
    from scipy.optimize import lsq_linear

    road_km = sample.distance_m * start.detour / 1000.0
    end_km = np.minimum(road_km / 2.0, start.ends_km)
    levels = (
        np.union1d(sample.origin_density, sample.destination_density) if start.ends_km > 0 else np.zeros(0, np.int8)
    )
    between_km = road_km - 2.0 * end_km
    columns = [np.ones_like(road_km), between_km]
    columns += [
        end_km * ((sample.origin_density == level).astype(float) + (sample.destination_density == level))
        for level in levels
    ]
    # Everything is divided by the real duration: what is fitted is 1, and residuals are relative errors.
    design = np.column_stack(columns) / sample.duration_min[:, None]
    low = np.array([0.0, *[60.0 / _FASTEST_KMH] * (len(columns) - 1)])
    high = np.array([_LONGEST_TERMINAL_MIN, *[60.0 / _SLOWEST_KMH] * (len(columns) - 1)])
    weight = np.ones(len(sample))
    solution = low
    for _ in range(_ROUNDS):
        # The triangular factor says all that the rows say, in as many rows as there are unknowns.
        rows = np.column_stack((design, np.ones(len(sample)))) * weight[:, None]
        reduced = np.asarray(np.linalg.qr(rows, mode="r"))
        solution = lsq_linear(reduced[:, :-1], reduced[:, -1], bounds=(low, high)).x
        weight = 1.0 / np.sqrt(np.maximum(np.abs(design @ solution - 1.0), _SMALLEST_ERROR))
    speeds = list(start.ends_speed_kmh)
    for level, pace in zip(levels, solution[2:], strict=True):
        speeds[int(level)] = 60.0 / float(pace)
    return replace(
        start,
        terminal_min=float(solution[0]),
        between_kmh=60.0 / float(solution[1]) if between_km.any() else start.between_kmh,
        ends_speed_kmh=tuple(speeds),
    )
