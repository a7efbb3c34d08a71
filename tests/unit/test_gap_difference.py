"""Change of a score shared between data and method: worked by hand, and always adding up."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from observatory.gap.change import EFFECTS, Perimeter, score_effects
from observatory.need import Indicator, NeedStudy, aggregate, normalise

STUDY = NeedStudy(
    id="essai",
    indicators=(
        Indicator(id="a", label="A", direction=1, weight=0.5, low=0.0, high=100.0),
        Indicator(id="b", label="B", direction=1, weight=0.5, low=0.0, high=100.0),
    ),
)
HEAVY = replace(STUDY, indicators=(replace(STUDY.indicators[0], weight=0.8), replace(STUDY.indicators[1], weight=0.2)))


def frame(**rows):
    return pd.DataFrame.from_dict(rows, orient="index", columns=["a", "b"]).astype(float)


def stored(values, study):
    return aggregate(normalise(values, study), study)["score"].round(1)


def effects(before, after, one, other, perimeter=None):
    same = Perimeter(moved=before.index[:0], indicators=before.iloc[:0], is_after=True)
    scores = {"before_score": stored(before, one), "after_score": stored(after, other)}
    return score_effects(before, after, one, other, **scores, perimeter=perimeter or same)


def moved(indicators, codes=("u",), *, is_after=True):
    return Perimeter(moved=pd.Index(list(codes)), indicators=indicators, is_after=is_after)


def test_one_cause_alone_takes_the_whole_change():
    before, after = frame(u=[20, 40]), frame(u=[30, 40])
    assert effects(before, after, STUDY, STUDY).loc["u"].tolist() == [5.0, 5.0, 0.0, 0.0, 0.0]
    # (0.8 × 20 + 0.2 × 40) − (0.5 × 20 + 0.5 × 40) = 24 − 30
    assert effects(before, before, STUDY, HEAVY).loc["u"].tolist() == [-6.0, 0.0, -6.0, 0.0, 0.0]


def test_two_causes_share_what_they_do_together():
    before, after = frame(u=[20, 40]), frame(u=[30, 40])
    # 30 → 32: data alone +5 under the old method, +8 under the new one, 6.5 on average; method −6 then −3, −4.5.
    assert effects(before, after, STUDY, HEAVY).loc["u"].tolist() == [2.0, 6.5, -4.5, 0.0, 0.0]


def test_members_that_change_take_what_they_do():
    before, after = frame(u=[20, 40], v=[20, 40]), frame(u=[30, 40], v=[20, 40])
    # The figures of after with the members of before say 26, 40: 30 → 33 is the data, 33 → 35 the perimeter.
    found = effects(before, after, STUDY, STUDY, moved(frame(u=[26, 40])))
    assert found.loc["u"].tolist() == [5.0, 3.0, 0.0, 2.0, 0.0]
    assert found.loc["v"].tolist() == [0.0] * 5
    # The figures of before with the members of after say 26, 40: the perimeter comes first.
    found = effects(before, after, STUDY, STUDY, moved(frame(u=[26, 40]), is_after=False))
    assert found.loc["u"].tolist() == [5.0, 2.0, 0.0, 3.0, 0.0]
    # Same figures: what the members do is the whole of it.
    assert effects(before, after, STUDY, STUDY, moved(before)).loc["u"].tolist() == [5.0, 0.0, 0.0, 5.0, 0.0]
    # Under two methods, the mean of both: data 0.5 × 6 and 0.8 × 6, perimeter 0.5 × 4 and 0.8 × 4.
    found = effects(before, after, STUDY, HEAVY, moved(frame(u=[26, 40])))
    assert found.loc["u"].tolist() == [2.0, 3.9, -4.5, 2.6, 0.0]


def test_members_that_are_not_told_apart_stay_with_the_data():
    before, after = frame(u=[20, 40], v=[20, 40]), frame(u=[30, 40], v=[20, 40])
    found = effects(before, after, STUDY, STUDY, moved(before.iloc[:0]))
    assert found.loc["u"].tolist() == pytest.approx([5.0, 5.0, 0.0, np.nan, 0.0], nan_ok=True)
    assert found.loc["v"].tolist() == [0.0] * 5
    unknown = effects(before, after, STUDY, STUDY, Perimeter(None, before.iloc[:0], is_after=True))
    assert unknown["perimeter_effect"].isna().all()
    assert unknown["data_effect"].tolist() == [5.0, 0.0]


@pytest.mark.parametrize("is_after", [True, False])
def test_effects_add_up_to_the_printed_change_on_random_cases(is_after):
    rng = np.random.default_rng(4)
    index = [f"u{place}" for place in range(200)]
    tables = [pd.DataFrame(rng.uniform(0, 100, (200, 2)), index=index, columns=["a", "b"]) for _ in range(3)]
    members = moved(tables[2].iloc[:100], index[:150], is_after=is_after)
    found = effects(*tables[:2], replace(STUDY, aggregation="geometric"), HEAVY, members)
    assert found["perimeter_effect"].isna().tolist() == [100 <= place < 150 for place in range(200)]
    assert found.iloc[150:]["perimeter_effect"].eq(0).all()
    assert found.drop(columns="perimeter_effect").notna().all().all()
    assert found[list(EFFECTS)].sum(axis="columns").to_numpy() == pytest.approx(found["change"].to_numpy())
    assert found["rounding_effect"].abs().max() <= 0.1 + 1e-9


def test_a_step_of_rounding_is_nobody_s_doing():
    # 30.04 → 30.06: 0.02 before rounding, printed 30.0 → 30.1.
    before, after = frame(u=[20.04, 40.04]), frame(u=[20.06, 40.06])
    assert effects(before, after, STUDY, STUDY).loc["u"].tolist() == pytest.approx([0.1, 0.0, 0.0, 0.0, 0.1])


def test_what_can_not_be_worked_out_again_has_a_change_and_no_effects():
    before, after = frame(u=[20, 40], v=[20, 40]), frame(u=[30, np.nan], w=[1, 1])
    hidden = score_effects(
        before,
        after,
        STUDY,
        STUDY,
        before_score=pd.Series({"u": 30.0, "v": 30.0}),
        after_score=pd.Series({"u": 33.0, "w": 1.0}),
    )
    assert hidden.index.tolist() == ["u"]
    assert hidden.loc["u", "change"] == 3.0
    assert hidden.loc["u", ["data_effect", "method_effect"]].isna().all()
    fewer = replace(STUDY, indicators=STUDY.indicators[:1])
    other = score_effects(
        before, after, STUDY, fewer, before_score=stored(before, STUDY), after_score=stored(after, fewer)
    )
    assert other["data_effect"].isna().all()
