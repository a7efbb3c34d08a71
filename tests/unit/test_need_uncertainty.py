"""Uncertainty of scores: cases where the answer is known without drawing, and properties of the draws."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from observatory.declared.need_study import Indicator, NeedStudy
from observatory.errors import UsageError
from observatory.need.aggregation import aggregate
from observatory.need.draws import Scorer, quantiles
from observatory.need.normalisation import normalise
from observatory.need.uncertainty import (
    AGGREGATIONS,
    NORMALISATIONS,
    dominance,
    intervals,
    monte_carlo,
    total_indices,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*unique values.*")


def study(*directions, **options):
    return NeedStudy(
        id="essai",
        indicators=tuple(
            Indicator(id=f"i{position}", label="", direction=direction, weight=1.0 + position, low=0.0, high=10.0)
            for position, direction in enumerate(directions)
        ),
        **options,
    )


@pytest.fixture
def frame():
    rng = np.random.default_rng(7)
    return pd.DataFrame(rng.uniform(1, 9, (60, 3)), columns=["i0", "i1", "i2"], index=[f"u{n:02d}" for n in range(60)])


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_each_specification_scores_as_the_study_itself_would(frame, normalisation, aggregation):
    frame.iloc[0, 2] = np.nan
    chosen = study(1, -1, 1, normalisation=normalisation, aggregation=aggregation, min_weight_share=0.4)
    scores, _ = Scorer(frame, chosen)(
        np.array([NORMALISATIONS.index(normalisation)]),
        np.array([AGGREGATIONS.index(aggregation)]),
        np.array([[1, 2, 3]]) / 6,
    )
    expected = aggregate(normalise(frame, chosen), chosen)["score"].to_numpy()
    np.testing.assert_allclose(scores[:, 0], expected, rtol=1e-12)


def test_draws_in_any_order_are_ranked_as_pandas_ranks_them_ties_included(frame):
    """More draws than a block, specifications in disorder, two equal units, one without score."""
    frame.loc["u05"] = frame.loc["u04"]
    frame.loc["u06", "i2"] = np.nan
    frame.loc["u07"] = np.nan
    rng = np.random.default_rng(3)
    weights = rng.dirichlet([1.0, 2.0, 3.0], size=200)
    chosen = study(1, -1, 1, min_weight_share=0.4)
    normalisation, aggregation = rng.integers(3, size=200), rng.integers(2, size=200)
    scores, ranks = Scorer(frame, chosen)(normalisation, aggregation, weights)
    expected = pd.DataFrame(scores).round(10).rank(ascending=False, method="min")
    np.testing.assert_array_equal(ranks, expected)
    np.testing.assert_array_equal(ranks[4], ranks[5])
    assert np.isnan(ranks[7]).all()
    for draw in (0, 137):
        one = replace(
            chosen,
            normalisation=NORMALISATIONS[normalisation[draw]],
            aggregation=AGGREGATIONS[aggregation[draw]],
            indicators=tuple(
                replace(indicator, weight=weight)
                for indicator, weight in zip(chosen.indicators, weights[draw], strict=True)
            ),
            min_weight_share=0.1,
        )
        np.testing.assert_allclose(scores[:, draw], aggregate(normalise(frame, one), one)["score"], rtol=1e-12)


def test_quantiles_are_numpys():
    values = np.random.default_rng(5).normal(size=(130, 201)).round(1)
    values[3] = np.nan
    expected = np.quantile(values, (0.05, 0.5, 0.95), axis=1)
    np.testing.assert_allclose(quantiles(values, (0.05, 0.5, 0.95)), expected, rtol=1e-12)


def test_a_unit_above_all_others_is_first_in_every_draw(frame):
    frame.loc["u30"] = 9.9
    frame.loc["u31"] = 0.1
    found = intervals(monte_carlo(frame, study(1, 1, 1), draw_count=200))
    assert found.loc["u30", ["rank_low", "rank_median", "rank_high"]].tolist() == [1, 1, 1]
    assert found.loc["u31", ["rank_low", "rank_median", "rank_high"]].tolist() == [60, 60, 60]
    assert (found["rank_low"] <= found["rank_median"]).all()
    assert (found["score_low"] <= found["score_high"]).all()
    assert (found["rank_high"] - found["rank_low"]).max() > 3


def test_same_seed_same_draws_other_seed_other_draws(frame):
    first, again, other = (monte_carlo(frame, study(1, 1, 1), draw_count=50, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.scores, again.scores)
    assert not np.array_equal(first.scores, other.scores)


def test_drawn_weights_average_to_the_nominal_ones_and_spread_as_asked(frame):
    indicators = tuple(
        Indicator(id=f"i{position}", label="", direction=1, weight=1, low=0.0, high=10.0) for position in range(3)
    )
    draws = monte_carlo(frame, NeedStudy(id="egal", indicators=indicators), draw_count=20_000, spread=0.25)
    np.testing.assert_allclose(draws.weights.sum(axis=1), 1)
    np.testing.assert_allclose(draws.weights.mean(axis=0), 1 / 3, atol=2e-3)
    low, high = np.quantile(draws.weights[:, 0], [0.05, 0.95])
    assert low == pytest.approx(1 / 3 * 0.75, abs=0.01)
    assert high == pytest.approx(1 / 3 * 1.25, abs=0.01)


def test_a_unit_without_score_stays_without(frame):
    frame.loc["u05", ["i1", "i2"]] = np.nan
    draws = monte_carlo(frame, study(1, 1, 1), draw_count=30)
    assert intervals(draws).loc["u05"].isna().all()
    assert np.nanmax(draws.ranks) == 59
    assert dominance(draws).loc["u05"].isna().all()


def test_dominance_adds_up_to_one(frame):
    frame.loc["u30"] = 9.9
    share = dominance(monte_carlo(frame, study(1, 1, 1), draw_count=40))
    np.testing.assert_allclose(share + share.T, 1)
    assert (share.loc["u30"].drop("u30") == 1).all()


def test_a_choice_that_changes_nothing_has_no_index_and_the_others_have():
    # One indicator: its weight is always 1, an increasing rescaling and either mean keep the order.
    rng = np.random.default_rng(3)
    single = pd.DataFrame({"i0": rng.uniform(1, 9, 40)})
    frame = pd.DataFrame(rng.uniform(1, 9, (40, 3)) ** [1, 1, 3] / [1, 1, 100], columns=["i0", "i1", "i2"])
    draws = monte_carlo(single, study(1), draw_count=20)
    assert (draws.ranks == draws.ranks[:, :1]).all()
    index = total_indices(frame, study(1, 1, 1), base_count=64)
    assert index.index.tolist() == ["normalisation", "aggregation", "i0", "i1", "i2"]
    assert (index > -0.05).all()
    assert index["normalisation"] > 0.05


def test_wrong_options_are_refused(frame):
    with pytest.raises(UsageError, match="tirages"):
        monte_carlo(frame, study(1, 1, 1), draw_count=0)


def test_a_ranking_that_nothing_moves_has_no_index():
    """One unit is first whatever is chosen, and units without score are nowhere."""
    one = pd.DataFrame(5.0, index=["a"], columns=["i0", "i1"])
    assert total_indices(one, study(1, 1), base_count=8).isna().all()
    assert total_indices(one * np.nan, study(1, 1), base_count=8).isna().all()
