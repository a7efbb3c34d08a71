"""Fit the fallback's constants to a real matrix of minutes, and say how wrong it stays on trips it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from observatory.access.pairs import Flags, Floats, Indices, check_pairs
from observatory.access.travel import Levels, TravelConstants
from observatory.errors import UsageError

BANDS_KM: Final[tuple[float, ...]] = (0.0, 2.0, 5.0, 10.0, 20.0, 30.0, 40.0, 60.0, np.inf)
"""Straight-line distance bands of the reported errors (convention de l'observatoire)."""
JUDGED_KM: Final = (5.0, 60.0)
"""Straight lines over which the shape of the estimate is judged as a whole (convention de l'observatoire)."""
FOLDS: Final = 2

_LEAST_EXPONENT, _MOST_EXPONENT = 0.4, 1.4
_LONGEST_MIN = 60.0
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
        )

    def urban_ends(self, constants: TravelConstants) -> NDArray[np.int8]:
        """Return how many ends of each trip are urban, ``(n,)``."""
        return constants.is_urban(self.origin_density) + constants.is_urban(self.destination_density)

    def estimated(self, constants: TravelConstants) -> Floats:
        """Return the minutes that the fallback gives them, ``(n,)``."""
        return constants.minutes(self.distance_m, self.urban_ends(constants))


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
    """Constants fitted on every trip, and the errors of those that the other origins give each of them."""

    constants: TravelConstants
    count: int
    origin_count: int
    folds: int
    fitted: tuple[BandError, ...]
    """Errors on trips that the fit never saw, the origins being dealt into folds: see :func:`errors`."""
    declared: tuple[BandError, ...]
    """Errors of the constants before the fit, same bands."""
    urban_count: int
    """Trips with an urban end; without any, the declared minutes of an end are kept."""


def trips(
    origin_idx: ArrayLike,
    destination_idx: ArrayLike,
    duration_min: ArrayLike,
    distance_m: ArrayLike,
    *,
    origin_density: Levels,
    destination_density: Levels,
) -> Trips:
    """Check a matrix and keep the pairs that teach something: some distance, some time, both finite.

    Parameters
    ----------
    origin_idx, destination_idx, duration_min, distance_m
        One row per pair, ``(n_pairs,)``; ``inf`` minutes is an unreachable pair and is left out.
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
    if metres.shape != pairs.cost.shape:
        raise UsageError("La matrice doit donner une distance par paire.")
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
    )
    return every.select(keep)


def calibrate(sample: Trips, *, declared: TravelConstants, folds: int = FOLDS, seed: int = 0) -> Calibration:
    """Fit the minutes of a kilometre, the exponent and the minutes of an urban end by least absolute relative error.

    Given the exponent, the duration is linear in the minutes: each round solves a bounded least-squares problem whose
    weights turn it, round after round, into least absolute relative error; the exponent is the one that does best.
    The floor, which few trips reach, and what an urban end is stay as they are declared.

    Parameters
    ----------
    sample
        Trips, of one mode.
    declared
        Where the fit starts. Barriers are kept, and not applied: pairs that must cross one should be left out.
    folds
        Parts into which the origins are dealt: the errors of each are those of constants fitted on the others.
    seed
        How they are dealt.

    Raises
    ------
    UsageError
        If there are fewer than two folds, or fewer origins than folds.
    """
    origins, fold = np.unique(sample.origin_idx, return_inverse=True)
    if not 2 <= folds <= origins.size:  # noqa: PLR2004
        raise UsageError(
            f"La matrice a {origins.size} origines : elles se partagent en 2 à {origins.size} parts, au moins 2, pour "
            "mesurer l’erreur sur des trajets que le calage n’a pas vus."
        )
    rng = np.random.default_rng(seed)
    part = (rng.permutation(origins.size) % folds)[fold]
    estimated = np.empty(len(sample))
    for one in range(folds):
        learned = _drawn(sample.select(part != one), rng)
        unseen = part == one
        estimated[unseen] = sample.select(unseen).estimated(_fit(learned, declared))
    return Calibration(
        constants=_fit(_drawn(sample, rng), declared),
        count=len(sample),
        origin_count=int(origins.size),
        folds=folds,
        fitted=errors(sample, estimated),
        declared=errors(sample, sample.estimated(declared)),
        urban_count=int(np.count_nonzero(sample.urban_ends(declared))),
    )


def errors(sample: Trips, estimated: Floats, *, bands_km: Sequence[float] = BANDS_KM) -> tuple[BandError, ...]:
    """Return the relative errors of estimates ``(n,)`` over all trips, over ``JUDGED_KM``, then band by band.

    Bands are of straight-line distance; a trip on a bound belongs to the band above; bands without trips are left out.
    """
    relative = estimated / sample.duration_min - 1.0
    distance_km = sample.distance_m / 1000.0
    rows = []
    for low, high in [(bands_km[0], bands_km[-1]), JUDGED_KM, *pairwise(bands_km)]:
        inside = relative[(distance_km >= low) & (distance_km < high)]
        if inside.size:
            rows.append(band_error(inside, float(low), float(high)))
    return tuple(rows)


def band_error(relative: Floats, low_km: float, high_km: float) -> BandError:
    """Return what relative errors ``(n,)``, ``estimated ÷ real − 1``, come to in a band that holds some."""
    size = np.abs(relative)
    return BandError(
        low_km=low_km,
        high_km=high_km,
        count=int(relative.size),
        median=float(np.median(size)),
        p90=float(np.quantile(size, 0.9)),
        bias=float(np.median(relative)),
    )


def _drawn(sample: Trips, rng: np.random.Generator) -> Trips:
    if len(sample) <= _MOST_PAIRS:
        return sample
    return sample.select(np.sort(rng.choice(len(sample), _MOST_PAIRS, replace=False)))


def _fit(sample: Trips, declared: TravelConstants) -> TravelConstants:
    from scipy.optimize import minimize_scalar

    def loss(exponent: float) -> float:
        return _fit_minutes(sample, replace(declared, exponent=float(exponent)))[1]

    best = minimize_scalar(loss, bounds=(_LEAST_EXPONENT, _MOST_EXPONENT), method="bounded", options={"xatol": 1e-4})
    return _fit_minutes(sample, replace(declared, exponent=float(best.x)))[0]


def _fit_minutes(sample: Trips, start: TravelConstants) -> tuple[TravelConstants, float]:
    """Return ``start`` with the minutes that fit best given its exponent, and their mean absolute relative error."""
    from scipy.optimize import lsq_linear

    distance_km = sample.distance_m / 1000.0
    columns = [distance_km**start.exponent]
    urban_ends = sample.urban_ends(start)
    if urban_ends.any():
        columns.append(urban_ends.astype(np.float64) * np.minimum(1.0, distance_km / start.urban_km))
    # Everything is divided by the real duration: what is fitted is 1, and residuals are relative errors.
    design = np.column_stack(columns) / sample.duration_min[:, None]
    weight, error = np.ones(len(sample)), np.zeros(len(sample))
    solution = np.zeros(len(columns))
    for _ in range(_ROUNDS):
        # The triangular factor says all that the rows say, in as many rows as there are unknowns.
        rows = np.column_stack((design, np.ones(len(sample)))) * weight[:, None]
        reduced = np.asarray(np.linalg.qr(rows, mode="r"))
        solution = lsq_linear(reduced[:, :-1], reduced[:, -1], bounds=(0.0, _LONGEST_MIN)).x
        error = np.abs(design @ solution - 1.0)
        weight = 1.0 / np.sqrt(np.maximum(error, _SMALLEST_ERROR))
    fitted = replace(start, one_km_min=float(solution[0]))
    if urban_ends.any():
        fitted = replace(fitted, urban_min=float(solution[1]))
    return fitted, float(error.mean())
