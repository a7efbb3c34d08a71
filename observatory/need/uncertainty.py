"""How sure a score is: the same need under every defensible normalisation, weighting and aggregation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from observatory.declared.need_study import NeedStudy
from observatory.errors import UsageError
from observatory.need.aggregation import aggregate, nominal_weights
from observatory.need.draws import AGGREGATIONS, NORMALISATIONS, FloatArray, IntArray, Scorer, quantiles
from observatory.need.normalisation import normalise

QUANTILES: Final = (0.05, 0.5, 0.95)
_NINETY_PERCENT_HALF_WIDTH: Final = 1.6448536269514722
"""Standard deviations on each side of the mean that hold 90 % of a normal distribution."""


@dataclass(frozen=True, eq=False)
class Draws:
    """Scores of every unit under every drawn specification.

    Parameters
    ----------
    scores
        Shape (unit, draw), 0 to 100; NaN in the whole row of a unit without score.
    ranks
        Same shape, 1 = greatest need; the best rank for ties, NaN without score.
    normalisation, aggregation
        Position in `NORMALISATIONS` and `AGGREGATIONS`, shape (draw,), in order: draws that share them are together.
    weights
        Shape (draw, indicator), rows sum to 1.
    seed
        What the draws were made with.
    """

    index: pd.Index[str]
    scores: FloatArray
    ranks: npt.NDArray[np.float32]
    normalisation: IntArray
    aggregation: IntArray
    weights: FloatArray
    seed: int


def monte_carlo(
    frame: pd.DataFrame, study: NeedStudy, *, draw_count: int = 1000, spread: float = 0.25, seed: int = 0
) -> Draws:
    """Draw specifications and score every unit under each.

    Parameters
    ----------
    frame
        Indicators in their own units, one row per unit, NaN where unknown.
    study
        The study whose weights are the mean of the draws; a unit that it gives no score has none in any draw.
    draw_count
        Specifications drawn.
    spread
        Half-width of the interval that holds 90 % of the drawn weights of an average indicator, as a share of it.
    seed
        Same seed, same draws.

    Raises
    ------
    UsageError
        If ``draw_count`` or ``spread`` is not positive.

    Notes
    -----
    Normalisation and aggregation are drawn uniformly, weights from a Dirichlet distribution around the nominal ones
    (OECD/JRC Handbook on Constructing Composite Indicators, 2008, step 7). Groups are flattened to the weight that
    each indicator has in the score. Draws that share a normalisation and an aggregation are one matrix product.
    """
    if draw_count < 1 or not 0 < spread < 1:
        raise UsageError("Le nombre de tirages doit être positif et l’étendue des poids comprise entre 0 et 1.")
    rng = np.random.default_rng(seed)
    nominal = nominal_weights(study).to_numpy()
    weights = rng.dirichlet(nominal * _concentration(len(nominal), spread), size=draw_count)
    normalisation = rng.integers(len(NORMALISATIONS), size=draw_count)
    aggregation = rng.integers(len(AGGREGATIONS), size=draw_count)
    # Weights are drawn apart from the two others: to put these in order changes nothing but the speed.
    order = np.lexsort((aggregation, normalisation))
    normalisation, aggregation = normalisation[order], aggregation[order]
    scores, ranks = Scorer(frame, study)(normalisation, aggregation, weights)
    return Draws(frame.index, scores, ranks, normalisation, aggregation, weights, seed)


def intervals(draws: Draws) -> pd.DataFrame:
    """Return the median and the 5–95 % interval of every unit's score and rank.

    Returns
    -------
    pandas.DataFrame
        Index of the units; columns ``score_low, score_median, score_high, rank_low, rank_median, rank_high``; NaN
        for a unit without score. ``rank_low`` is the better-placed end (1 = greatest need).
    """
    columns: dict[str, FloatArray] = {}
    for name, values in (("score", draws.scores), ("rank", draws.ranks)):
        found = quantiles(values, QUANTILES)
        columns |= {f"{name}_{end}": row for end, row in zip(("low", "median", "high"), found, strict=True)}
    return pd.DataFrame(columns, index=draws.index)


def dominance(draws: Draws) -> pd.DataFrame:
    """Return the share of draws in which the row's unit has a greater need than the column's; ties count for half.

    Shape (unit, unit): meant for EPCI or départements. NaN where either unit has no score.
    """
    scores = draws.scores
    share = np.empty((len(scores), len(scores)))
    for position, row in enumerate(scores):
        share[position] = ((row > scores) + 0.5 * (row == scores)).mean(axis=1)
    unknown = np.isnan(scores[:, 0])
    share[unknown, :] = np.nan
    share[:, unknown] = np.nan
    return pd.DataFrame(share, index=draws.index, columns=draws.index)


def total_indices(
    frame: pd.DataFrame, study: NeedStudy, *, base_count: int = 256, spread: float = 0.25, seed: int = 0
) -> pd.Series:
    """Return how much each choice moves the ranking: Sobol total indices of the mean shift of ranks.

    Parameters
    ----------
    frame, study, seed
        As in `monte_carlo`.
    base_count
        Points of the base sample, a power of two; ``base_count × (factors + 2)`` specifications are worked out.
    spread
        Each weight varies by this share on each side of its nominal value, before they are made to sum to 1.

    Returns
    -------
    pandas.Series
        Index ``normalisation, aggregation`` and the indicators; the part of the variance that would remain if only
        that choice were left free. NaN where no choice moves a rank.

    Notes
    -----
    M. Saisana, A. Saltelli and S. Tarantola, "Uncertainty and sensitivity analysis techniques as tools for the quality
    assessment of composite indicators", J. R. Statist. Soc. A 168 (2005); sampled and estimated by SALib.
    """
    from SALib.analyze import sobol as analysis
    from SALib.sample import sobol as sampling

    names = ["normalisation", "aggregation", *study.indicator_ids]
    problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    sample = sampling.sample(problem, base_count, calc_second_order=False, seed=seed)
    weights = nominal_weights(study).to_numpy() * (1.0 + spread * (2.0 * sample[:, 2:] - 1.0))
    _, ranks = Scorer(frame, study)(
        np.minimum((sample[:, 0] * len(NORMALISATIONS)).astype(int), len(NORMALISATIONS) - 1),
        np.minimum((sample[:, 1] * len(AGGREGATIONS)).astype(int), len(AGGREGATIONS) - 1),
        weights / weights.sum(axis=1, keepdims=True),
    )
    reference = aggregate(normalise(frame, study), study)["score"].rank(ascending=False, method="min").to_numpy()
    scored = np.isfinite(reference)
    shift = np.abs(ranks[scored] - reference[scored, None]).mean(axis=0, dtype=float) if scored.any() else np.zeros(1)
    if not np.ptp(shift) > 0:
        return pd.Series(np.nan, index=names, name="total_index")
    found = analysis.analyze(problem, shift, calc_second_order=False, seed=seed)
    return pd.Series(found["ST"], index=names, name="total_index")


def _concentration(indicator_count: int, spread: float) -> float:
    """Dirichlet concentration for which an average weight stays within ``spread`` of itself in 90 % of the draws."""
    mean = 1.0 / indicator_count
    if indicator_count == 1:
        return 1.0
    return (_NINETY_PERCENT_HALF_WIDTH / spread) ** 2 * (1.0 - mean) / mean - 1.0
