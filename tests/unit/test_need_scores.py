"""Normalisation, aggregation and contributions, worked by hand and as properties over random studies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observatory.errors import InputFileError, NotComputedError
from observatory.need import (
    Group,
    Indicator,
    NeedStudy,
    aggregate,
    beyond_goalposts,
    contributions,
    effective_weights,
    nominal_weights,
    normalise,
    round_to_total,
    winsorise,
)


def indicator(name: str, *, weight: float = 1.0, direction: int = 1, group: str = "") -> Indicator:
    return Indicator(id=name, label=name, direction=direction, weight=weight, low=0.0, high=20.0, group=group)


STUDY = NeedStudy(
    id="toy",
    indicators=(
        indicator("a", weight=0.5),
        indicator("b", weight=0.3, direction=-1),
        indicator("c", weight=0.2),
    ),
)
FRAME = pd.DataFrame(
    {"a": [5.0, 10.0, 40.0, np.nan], "b": [5.0, np.nan, -3.0, 2.0], "c": [20.0, 0.0, np.nan, 8.0]},
    index=["14001", "27001", "50001", "61001"],
)


def test_goalposts_by_hand() -> None:
    """Goalposts 0 and 20: 5 → 25, 10 → 50, 40 → 100 (clipped); reversed, 5 → 75, −3 → 100 (clipped), 2 → 90."""
    expected = pd.DataFrame(
        {"a": [25.0, 50.0, 100.0, np.nan], "b": [75.0, np.nan, 100.0, 90.0], "c": [100.0, 0.0, np.nan, 40.0]},
        index=FRAME.index,
    )
    pd.testing.assert_frame_equal(normalise(FRAME, STUDY), expected)


def test_scores_and_missing_values_by_hand() -> None:
    """Missing weights are shared out again, and under 60 % there is no score.

    14001: 0.5 × 25 + 0.3 × 75 + 0.2 × 100 = 55. 27001 lacks b: (0.5 × 50 + 0.2 × 0) / 0.7 = 35.714…
    50001 lacks c: (0.5 × 100 + 0.3 × 100) / 0.8 = 100. 61001 lacks a: 50 % of the weight, no score.
    """
    scores = aggregate(normalise(FRAME, STUDY), STUDY)
    assert scores.index.tolist() == FRAME.index.tolist()
    assert scores["score"].tolist() == pytest.approx([55.0, 250 / 7, 100.0, float("nan")], nan_ok=True)
    assert scores["weight_share"].tolist() == pytest.approx([1.0, 0.7, 0.8, 0.5])


def test_the_exact_share_is_enough() -> None:
    """Thirteen twentieths add up to 0.6499999999999999 in floating point, and still reach 65 %."""
    study = NeedStudy(
        id="s", indicators=tuple(indicator(f"i{position}") for position in range(20)), min_weight_share=0.65
    )
    frame = pd.DataFrame([[50.0] * 13 + [np.nan] * 7, [50.0] * 12 + [np.nan] * 8], columns=study.indicator_ids)
    assert aggregate(frame, study)["score"].tolist() == pytest.approx([50.0, float("nan")], nan_ok=True)


def test_contributions_by_hand() -> None:
    """27001: a gives 0.5/0.7 × 50 = 35.714, c gives 0, b (missing) gives 0; 61001 has no score, so no contribution."""
    parts = contributions(normalise(FRAME, STUDY), STUDY)
    assert parts.loc["14001"].tolist() == pytest.approx([12.5, 22.5, 20.0])
    assert parts.loc["27001"].tolist() == pytest.approx([250 / 7, 0.0, 0.0])
    assert parts.loc["61001"].isna().all()


def test_groups_by_hand() -> None:
    """Two groups of weight 1 and 3: g1 = mean(a 20, b 40) = 30, g2 = c 80; score = (30 + 3 × 80) / 4 = 67.5.

    Nominal weights: a and b 1/4 × 1/2 = 0.125 each, c 0.75. Without b: g1 = 20 on half its weight, under 60 %, so g1
    is missing and the score is g2 alone (75 % of the weight).
    """
    study = NeedStudy(
        id="nested",
        indicators=(indicator("a", group="g1"), indicator("b", group="g1"), indicator("c", group="g2")),
        groups=(Group("g1", 1.0), Group("g2", 3.0)),
    )
    assert nominal_weights(study).to_dict() == pytest.approx({"a": 0.125, "b": 0.125, "c": 0.75})
    frame = pd.DataFrame({"a": [20.0, 20.0], "b": [40.0, np.nan], "c": [80.0, 80.0]})
    scores = aggregate(frame, study)
    assert scores["g1"].tolist() == pytest.approx([30.0, float("nan")], nan_ok=True)
    assert scores["score"].tolist() == pytest.approx([67.5, 80.0])
    assert contributions(frame, study).loc[0].tolist() == pytest.approx([2.5, 5.0, 60.0])
    assert contributions(frame, study).loc[1].tolist() == pytest.approx([0.0, 0.0, 80.0])


def test_geometric_mean_by_hand() -> None:
    """Weights 1/2 and 1/2: √(25 × 64) = 40; a zero counts for 1: √(1 × 64) = 8. Contributions sum to both."""
    study = NeedStudy(id="g", indicators=(indicator("a"), indicator("b")), aggregation="geometric")
    frame = pd.DataFrame({"a": [25.0, 0.0, 0.0], "b": [64.0, 64.0, 0.0]})
    scores = aggregate(frame, study)["score"]
    assert scores.tolist() == pytest.approx([40.0, 8.0, 1.0])
    assert contributions(frame, study).sum(axis="columns").tolist() == pytest.approx([40.0, 8.0, 1.0])


def test_percentile_and_zscore_by_hand() -> None:
    """Ranks of 1, 2, 2, 5 are 1, 2.5, 2.5, 4 of 4: 0, 50, 50, 100. Of 1, 3: z = ∓0.7071, T = 50 ∓ 7.071."""
    study = NeedStudy(id="p", indicators=(indicator("a"),), normalisation="percentile")
    assert normalise(pd.DataFrame({"a": [1.0, 2.0, 2.0, 5.0]}), study)["a"].tolist() == [0.0, 50.0, 50.0, 100.0]
    study = replace(study, normalisation="zscore")
    assert normalise(pd.DataFrame({"a": [1.0, 3.0, np.nan]}), study)["a"].tolist() == pytest.approx(
        [50 - 10 / 2**0.5, 50 + 10 / 2**0.5, float("nan")], nan_ok=True
    )
    assert normalise(pd.DataFrame({"a": [4.0, 4.0]}), study)["a"].tolist() == [50.0, 50.0]


@pytest.mark.parametrize("value", [0.1, 44.13, 373.1, 1e-7])
def test_equal_values_score_the_same_whatever_noise_their_sums_leave(value: float) -> None:
    """Thirty times one value: their mean is not that value to the last digit, and yet no one is apart.

    A département's rate, multiplied then divided by each commune's persons, is one rate: one rank for all its communes.
    """
    persons = np.arange(1.0, 31.0) * 7.0
    frame = pd.DataFrame({"a": value * persons / persons})
    noisy = pd.DataFrame({"a": [*(value * persons / persons), *(2 * value * persons / persons)]})
    for rule in ("zscore", "percentile"):
        study = NeedStudy(id="t", indicators=(indicator("a"),), normalisation=rule)
        assert normalise(pd.DataFrame({"a": [value] * 30}), study)["a"].tolist() == [50.0] * 30
        assert normalise(frame, study)["a"].tolist() == [50.0] * 30
        assert normalise(noisy, study)["a"].nunique() == 2


def test_scores_that_do_not_vary_have_no_effective_weights() -> None:
    """0.1 × 3 equal indicators: the sums differ in their last digit, and no variance comes of it."""
    study = NeedStudy(id="e", indicators=tuple(indicator(name, weight=0.1) for name in "abc"))
    frame = pd.DataFrame({"a": [0.1, 0.2, 0.3], "b": [0.2, 0.3, 0.1], "c": [0.3, 0.1, 0.2]}) * 100.0
    found = effective_weights(frame, study)
    assert found[["variance_share", "correlation", "importance_share"]].isna().all(axis=None)


def test_winsorising_is_counted() -> None:
    """Quantiles 0.25 and 0.75 of 0, 1, 2, 3, 100 are 1 and 3: one value below, one above; the NaN is left alone."""
    study = NeedStudy(id="w", indicators=(indicator("a"),), winsorise=(0.25, 0.75))
    treated = winsorise(pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0, 100.0, np.nan]}), study)
    assert treated.frame["a"].tolist() == pytest.approx([1.0, 1.0, 2.0, 3.0, 3.0, float("nan")], nan_ok=True)
    assert (treated.low_count["a"], treated.high_count["a"]) == (1, 1)


def test_values_beyond_goalposts_are_counted() -> None:
    counts = beyond_goalposts(FRAME, STUDY)
    assert counts.loc["a"].tolist() == [0, 1, 3]
    assert counts.loc["b"].tolist() == [1, 0, 3]


def test_effective_weights_follow_the_spread() -> None:
    """b never varies: it has no influence whatever its weight, and a has it all."""
    study = NeedStudy(id="e", indicators=(indicator("a", weight=0.2), indicator("b", weight=0.8)))
    table = effective_weights(pd.DataFrame({"a": [0.0, 50.0, 100.0], "b": [40.0, 40.0, 40.0]}), study)
    assert table["nominal_weight"].tolist() == pytest.approx([0.2, 0.8])
    assert table["variance_share"].tolist() == pytest.approx([1.0, 0.0])
    assert table.loc["a", "correlation"] == pytest.approx(1.0)
    assert table.loc["a", "importance_share"] == pytest.approx(1.0)


def test_rounded_parts_add_up_as_printed() -> None:
    """1/3 three times, printed with one digit: 0.4 + 0.3 + 0.3 = 1.0, not 0.9."""
    parts = pd.DataFrame([[1 / 3, 1 / 3, 1 / 3], [np.nan] * 3])
    rounded = round_to_total(parts, pd.Series([1.0, np.nan]), decimals=1)
    assert sorted(rounded.loc[0]) == pytest.approx([0.3, 0.3, 0.4])
    assert rounded.loc[1].isna().all()


def test_a_missing_column_is_named() -> None:
    with pytest.raises(NotComputedError, match="« c »"):
        normalise(FRAME[["a", "b"]], STUDY)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"indicators": (indicator("a"), indicator("a"))}, "deux fois"),
        ({"indicators": (indicator("a", group="nowhere"),)}, "inconnu"),
        ({"indicators": (indicator("a", weight=0.0),)}, "positif"),
        ({"indicators": (indicator("a", direction=2),)}, "sens"),
        ({"groups": (Group("g", 1.0),)}, "vide"),
        ({"min_weight_share": 0.0}, "part de poids"),
        ({"winsorise": (0.9, 0.1)}, "quantiles"),
    ],
)
def test_a_wrong_study_is_refused(change: dict, message: str) -> None:
    with pytest.raises(InputFileError, match=message):
        replace(STUDY, **change)


values = st.one_of(st.floats(-1e3, 1e3), st.just(float("nan")))


@st.composite
def studies_and_frames(draw: st.DrawFn) -> tuple[NeedStudy, pd.DataFrame]:
    count = draw(st.integers(1, 6))
    groups = tuple(Group(f"g{i}", draw(st.floats(0.1, 5)), parent="" if i == 0 else "g0") for i in range(2))
    homes = ["g0", "g1", *(draw(st.sampled_from(["", "g0", "g1"])) for _ in range(count))]
    study = NeedStudy(
        id="random",
        indicators=tuple(
            Indicator(
                id=f"i{i}",
                label="",
                direction=draw(st.sampled_from([1, -1])),
                weight=draw(st.floats(0.05, 10)),
                low=(low := draw(st.floats(-100, 100))),
                high=low + draw(st.floats(0.5, 100)),
                group=home,
            )
            for i, home in enumerate(homes)
        ),
        groups=groups,
        normalisation=draw(st.sampled_from(["goalposts", "percentile", "zscore"])),
        aggregation=draw(st.sampled_from(["arithmetic", "geometric"])),
    )
    rows = draw(st.lists(st.lists(values, min_size=len(homes), max_size=len(homes)), min_size=1, max_size=6))
    return study, pd.DataFrame(rows, columns=study.indicator_ids, dtype=float)


@settings(max_examples=150)
@given(studies_and_frames())
def test_contributions_always_sum_to_the_score(case: tuple[NeedStudy, pd.DataFrame]) -> None:
    study, frame = case
    normalised = normalise(frame, study)
    assert (normalised.isna() | ((normalised >= 0) & (normalised <= 100))).all(axis=None)
    scores = aggregate(normalised, study)
    parts = contributions(normalised, study)
    np.testing.assert_allclose(parts.sum(axis="columns", skipna=False), scores["score"], atol=1e-9)
    assert scores["score"].dropna().between(-1e-9, 100 + 1e-9).all()
    shown = round_to_total(parts, scores["score"], decimals=1)
    np.testing.assert_allclose(shown.sum(axis="columns", skipna=False), scores["score"].round(1), atol=1e-9)


@settings(max_examples=100)
@given(studies_and_frames())
def test_a_unit_never_changes_another_on_fixed_goalposts(case: tuple[NeedStudy, pd.DataFrame]) -> None:
    study, frame = case
    study = replace(study, normalisation="goalposts")
    alone = aggregate(normalise(frame.iloc[:1], study), study)
    together = aggregate(normalise(frame, study), study).iloc[:1]
    pd.testing.assert_frame_equal(alone, together)


@settings(max_examples=100)
@given(studies_and_frames())
def test_reversing_every_direction_mirrors_the_score(case: tuple[NeedStudy, pd.DataFrame]) -> None:
    study, frame = case
    study = replace(study, aggregation="arithmetic")
    mirrored = replace(study, indicators=tuple(replace(one, direction=-one.direction) for one in study.indicators))
    score = aggregate(normalise(frame, study), study)["score"]
    mirror = aggregate(normalise(frame, mirrored), mirrored)["score"]
    np.testing.assert_allclose(score + mirror, np.where(score.isna(), np.nan, 100.0), atol=1e-9)
