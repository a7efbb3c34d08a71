"""Where deficits cluster: Moran's statistics with false discovery control, and rates that small numbers don't shake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from observatory.errors import UsageError

QUADRANTS: Final = {1: "besoin_fort_acces_faible", 2: "besoin_faible_acces_faible", 3: "besoin_faible_acces_fort",
                    4: "besoin_fort_acces_fort"}  # fmt: skip
_HAIR: Final = 1e-12
"""Means that differ by a rounding error are equal."""


@dataclass(frozen=True, slots=True)
class Moran:
    """A global statistic with its permutation test."""

    statistic: float
    expected: float
    p_value: float
    permutations: int
    seed: int


@dataclass(frozen=True, slots=True)
class Clusters:
    """Local bivariate statistics of every unit, and the areas that the significant ones make.

    Parameters
    ----------
    units
        Index of the units; columns ``statistic, p_value, quadrant`` (1 high–high … 4 high–low), ``is_significant``
        and ``cluster`` (number of the area, 0 outside any).
    p_cut
        Largest p-value called significant, after false discovery control.
    """

    units: pd.DataFrame
    p_cut: float


@dataclass(frozen=True, eq=False, slots=True)
class Surroundings:
    """How the neighbours of each unit compare to others drawn at random; arrays have shape (unit,)."""

    units: pd.Index[str]
    lag: NDArray[np.float64]
    """Mean of the neighbours, in standard deviations from the mean of all."""
    at_least: NDArray[np.int_]
    """Draws whose mean is as large, or larger."""
    at_most: NDArray[np.int_]
    has_neighbours: NDArray[np.bool_]
    permutations: int


def moran(
    values: pd.Series, neighbours: Mapping[str, Sequence[str]], *, permutations: int = 999, seed: int = 0
) -> Moran:
    """Return global Moran's I of ``values`` with row-standardised contiguity.

    Parameters
    ----------
    values
        One figure per unit, none missing.
    neighbours
        Codes of the units that touch each unit; a unit without neighbour has an empty sequence.
    permutations, seed
        Of the permutation test.

    Raises
    ------
    UsageError
        If a value is missing or a unit has no entry in ``neighbours``.

    Notes
    -----
    Computed by `esda`; P. A. P. Moran, "Notes on continuous stochastic phenomena", Biometrika 37 (1950).
    """
    from esda.moran import Moran as EsdaMoran

    weights = _weights(values, neighbours)
    with _seeded(seed):
        found = EsdaMoran(values.to_numpy(float), weights, permutations=permutations)
    return Moran(float(found.I), float(found.EI), float(found.p_sim), permutations, seed)


def clusters_among(
    need: pd.Series,
    around: Surroundings,
    neighbours: Mapping[str, Sequence[str]],
    *,
    false_discovery_rate: float = 0.05,
) -> Clusters:
    """Find where a need meets the lack of access of the neighbourhood more than chance would have it.

    Parameters
    ----------
    need
        One figure per unit, none missing, in the order of `around`: the unit's own.
    around
        Of the deficit (`surroundings`), which several needs may share: its neighbours'.
    neighbours
        As in `moran`. A unit without neighbour is never significant.
    false_discovery_rate
        Expected share of false alarms among the units called significant.

    Returns
    -------
    Clusters
        Areas are connected components of significant units of one quadrant, numbered from the largest.

    Notes
    -----
    L. Anselin, "Local indicators of spatial association", Geographical Analysis 27 (1995); conditional permutation
    as in `esda`, whose compiled loop takes half a minute to be ready and leaves ties out of one tail; false discovery
    rate of Y. Benjamini and Y. Hochberg (1995) over the units.
    """
    _require_known(need, neighbours)
    if not need.index.equals(around.units):
        raise UsageError("Le besoin et le voisinage portent sur les mêmes unités, dans le même ordre.")
    own, lag = _standardised(need), around.lag
    # Ties count on both sides: where most access is nil, neighbours without any are nothing out of the ordinary.
    tail = np.minimum(around.at_least, around.at_most)
    # A unit at the mean, or without neighbour, goes with nothing.
    p_values = np.where((own == 0) | ~around.has_neighbours, 1.0, (tail + 1) / (around.permutations + 1))
    p_cut = false_discovery_cut(p_values, rate=false_discovery_rate)
    quadrant = np.select([(own > 0) & (lag > 0), (own <= 0) & (lag > 0), (own <= 0) & (lag <= 0)], [1, 2, 3], default=4)
    units = pd.DataFrame(
        {"statistic": own * lag, "p_value": p_values, "quadrant": quadrant.astype(int)}, index=need.index
    )
    units["is_significant"] = units["p_value"] <= p_cut
    units["cluster"] = _components(units, neighbours)
    return Clusters(units, p_cut)


def _standardised(values: pd.Series) -> NDArray[np.float64]:
    figures = values.to_numpy(float)
    spread = figures.std()
    return (figures - figures.mean()) / spread if spread > 0 else np.zeros(len(figures))


def surroundings(
    deficit: pd.Series, neighbours: Mapping[str, Sequence[str]], *, permutations: int = 999, seed: int = 0
) -> Surroundings:
    """Set the neighbours of each unit against as many drawn among all the other units; one draw serves every unit.

    Parameters
    ----------
    deficit
        One figure per unit, none missing.
    neighbours
        As in `moran`.
    permutations, seed
        Of the conditional permutation test.
    """
    _require_known(deficit, neighbours)
    other = _standardised(deficit)
    position = {code: place for place, code in enumerate(deficit.index)}
    near = [np.array([position[one] for one in neighbours[code] if one in position], int) for code in deficit.index]
    lag = np.array([other[ids].mean() if len(ids) else 0.0 for ids in near])
    count = len(other)
    most = min(max((len(ids) for ids in near), default=0), count - 1)
    rng = np.random.default_rng(seed)
    drawn = np.array([rng.choice(count - 1, most, replace=False) for _ in range(permutations)], dtype=int)
    at_least, at_most = np.zeros(count, dtype=int), np.zeros(count, dtype=int)
    for unit, ids in enumerate(near):
        if not len(ids):
            continue
        chosen = drawn[:, : len(ids)]
        simulated = other[chosen + (chosen >= unit)].mean(axis=1)
        at_least[unit] = int((simulated >= lag[unit] - _HAIR).sum())
        at_most[unit] = int((simulated <= lag[unit] + _HAIR).sum())
    has_neighbours = np.array([bool(len(ids)) for ids in near])
    return Surroundings(deficit.index, lag, at_least, at_most, has_neighbours, permutations)


def false_discovery_cut(p_values: NDArray[np.float64], *, rate: float) -> float:
    """Return the largest p-value to call significant so that ``rate`` of the calls are expected to be false.

    Notes
    -----
    Y. Benjamini and Y. Hochberg (1995); where nothing passes, Bonferroni's bound ``rate / n``. Equal to `esda`'s, which
    takes seconds to import.
    """
    ranked = np.sort(np.asarray(p_values, dtype=float))
    bounds = rate * np.arange(1, len(ranked) + 1) / max(1, len(ranked))
    passing = np.flatnonzero(ranked <= bounds)
    return float(bounds[passing[-1]]) if len(passing) else rate / max(1, len(ranked))


def scale_sensitivity(unit_count: int, region_count: int, autocorrelation: float) -> float:
    """Return S-MAUP: how much merging ``unit_count`` units into ``region_count`` changes what is seen (0: not at all).

    Notes
    -----
    J. C. Duque, H. Laniado and A. Polo, "S-maup: statistical test to measure the sensitivity to the modifiable areal
    unit problem", PLoS ONE 13 (2018); computed by `esda`.
    """
    from esda import Smaup

    return float(Smaup(unit_count, region_count, autocorrelation).smaup)


def _require_known(values: pd.Series, neighbours: Mapping[str, Sequence[str]]) -> None:
    absent = [code for code in values.index if code not in neighbours]
    if absent:
        raise UsageError(f"Le voisinage de {absent[0]} est inconnu : toutes les unités doivent y être.")
    if values.isna().any():
        raise UsageError(f"{values.index[values.isna()][0]} n’a pas de valeur : retirez les unités sans donnée.")


def _weights(values: pd.Series, neighbours: Mapping[str, Sequence[str]]) -> object:
    from libpysal.weights import W

    _require_known(values, neighbours)
    kept = set(values.index)
    return W(
        {code: [other for other in neighbours[code] if other in kept] for code in values.index},
        id_order=list(values.index),
        silence_warnings=True,
    )


def _components(units: pd.DataFrame, neighbours: Mapping[str, Sequence[str]]) -> list[int]:
    """Give a number to connected sets of significant units of one quadrant, the largest first."""
    quadrant = units.loc[units["is_significant"], "quadrant"].to_dict()
    areas: list[set[str]] = []
    left = dict(quadrant)
    while left:
        seed_code = next(iter(left))
        kind = left.pop(seed_code)
        area, frontier = {seed_code}, [seed_code]
        while frontier:
            for other in neighbours[frontier.pop()]:
                if left.get(other) == kind:
                    del left[other]
                    area.add(other)
                    frontier.append(other)
        areas.append(area)
    areas.sort(key=lambda area: (-len(area), min(area)))
    number = {code: rank for rank, area in enumerate(areas, start=1) for code in area}
    return [number.get(code, 0) for code in units.index]


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Give numpy's global generator, which esda's global statistics draw from, a seed; and give it back after."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
