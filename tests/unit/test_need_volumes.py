"""Volumes spread from a coarser total: worked by hand, and always adding up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observatory.errors import NotComputedError, UsageError
from observatory.need.volumes import apportion, between_parents_variation, estimated_volumes, small_area

COMMUNES = pd.Index(["A", "B", "C", "D"])
PARENT = pd.Series(["14", "14", "14", "50"], index=COMMUNES)
KEY = pd.Series([50, 30, 20, 100], index=COMMUNES)


def test_apportion_by_hand() -> None:
    """10 over 5, 3, 1: exact shares 5.56, 3.33, 1.11; the unit left goes to the largest remainder, the first."""
    assert apportion(10, [5, 3, 1]).tolist() == [6, 3, 1]
    assert apportion(2, [1, 1, 1]).tolist() == [1, 1, 0]
    assert apportion(3, [0, 0]).tolist() == [2, 1]


def test_apportion_within_bounds_by_hand() -> None:
    """20 over 10, 1, 1 with at most 8 each: 8 to the first, 6 and 6 to the others; with at least 5 for the last."""
    assert apportion(20, [10, 1, 1], upper=[8, 8, 8]).tolist() == [8, 6, 6]
    assert apportion(12, [10, 1, 1], lower=[0, 0, 5]).tolist() == [6, 1, 5]
    assert apportion(7, [1, 0], upper=[4, 9]).tolist() == [4, 3]
    with pytest.raises(UsageError, match="ne peut pas être réparti"):
        apportion(25, [10, 1, 1], upper=[8, 8, 8])


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9), st.integers(0, 30)), min_size=1, max_size=8).flatmap(
        lambda rows: st.tuples(
            st.just(rows),
            st.integers(sum(low for _, low, _ in rows), sum(low + room for _, low, room in rows)),
        )
    )
)
def test_apportion_adds_up_inside_its_bounds(case: tuple[list[tuple[int, int, int]], int]) -> None:
    rows, total = case
    key, low, room = (np.array(column) for column in zip(*rows, strict=True))
    parts = apportion(total, key, lower=low, upper=low + room)
    assert parts.sum() == total
    assert (parts >= low).all()
    assert (parts <= low + room).all()


@settings(max_examples=40)
@given(st.lists(st.integers(0, 2000), min_size=1, max_size=12), st.integers(0, 5000))
def test_apportion_stays_within_one_of_the_exact_share(key: list[int], total: int) -> None:
    weight = np.array(key if sum(key) else [1] * len(key))
    parts = apportion(total, key)
    assert parts.sum() == total
    assert (np.abs(parts - total * weight / weight.sum()) < 1 + 1e-6).all()


def test_small_area_by_hand() -> None:
    """41 long-term unemployed of 100 in 14: 20.5, 12.3, 8.2, so 21, 12, 8. 50 of 100 in 50: all in D.

    Rates 0.41 and 0.50, mean 0.455, each 0.045 away: variation 0.045 / 0.455.
    Variance of A: 21 × 0.59 + (0.0989 × 21)² = 12.39 + 4.3136 = 16.7036.
    """
    found = small_area(pd.Series({"14": 41, "50": 50}), KEY, PARENT, is_share_of_key=True)
    assert found.communes["volume"].tolist() == [21, 12, 8, 50]
    assert between_parents_variation(pd.Series({"14": 41, "50": 50}), pd.Series({"14": 100, "50": 100})) == (
        pytest.approx(0.045 / 0.455)
    )
    assert found.communes["variance"]["A"] == pytest.approx(21 * 0.59 + (21 * 0.045 / 0.455) ** 2)


def test_intervals_by_hand() -> None:
    """D is a whole département: its total is published. A keeps a (1 − a / A) of its variance, given the total.

    Variances 16.7036, 12 × 0.59 + (12 × 0.0989)² = 8.4886, 8 × 0.59 + (8 × 0.0989)² = 5.3460: 30.5382 in all.
    A: 16.7036 × (1 − 16.7036 / 30.5382) = 7.5671, deviation 2.7508, half width 4.5247: 16.4753 to 25.5247.
    A and B together: 25.1922 × (1 − 25.1922 / 30.5382) = 4.4101: 2.1000, 3.4542: 33 ± 3.45. C has the same variance.
    """
    found = small_area(pd.Series({"14": 41, "50": 50}), KEY, PARENT, is_share_of_key=True)
    communes = estimated_volumes(found)
    assert communes.loc["A", ["volume", "volume_low", "volume_high", "status"]].tolist() == [21, 16, 26, "estimated"]
    assert communes.loc["D"].tolist() == [50, 50, 50, "observed"]
    pairs = estimated_volumes(found, pd.Series(["AB", "AB", "C", "D"], index=COMMUNES))
    assert pairs.loc["AB"].tolist() == [33, 29, 37, "estimated"]
    assert pairs.loc["C"].tolist() == [8, 4, 12, "estimated"]
    departements = estimated_volumes(found, PARENT)
    assert departements["volume"].to_dict() == {"14": 41, "50": 50}
    assert departements["status"].tolist() == ["observed", "observed"]


def test_tonnes_keep_the_decimals_of_the_total() -> None:
    found = small_area(pd.Series({"14": 100.1, "50": 3.3}), KEY, PARENT, decimals=1)
    assert found.communes["volume"].tolist() == pytest.approx([50.1, 30.0, 20.0, 3.3])
    assert round(found.communes["volume"].sum(), 9) == 103.4


def test_a_total_that_cannot_be_spread_is_refused() -> None:
    with pytest.raises(NotComputedError, match="50"):
        small_area(pd.Series({"14": 41}), KEY, PARENT)
    with pytest.raises(NotComputedError, match="la clé y est nulle"):
        small_area(pd.Series({"14": 41, "50": 2}), KEY.where(KEY < 100, 0), PARENT)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 300), st.sampled_from("xyz"), st.sampled_from("pq")), min_size=2, max_size=20),
    st.floats(0.0, 1.0),
)
def test_every_level_adds_up_to_the_published_totals(rows: list[tuple[int, str, str]], share: float) -> None:
    index = pd.Index([f"c{position}" for position in range(len(rows))])
    key = pd.Series([count + 1 for count, _, _ in rows], index=index)
    group, parent = (pd.Series([row[column] for row in rows], index=index) for column in (1, 2))
    totals = (key.groupby(parent).sum() * share).round()
    found = small_area(totals, key, parent, is_share_of_key=True)
    for keys in (None, group, parent):
        level = estimated_volumes(found, keys)
        assert level["volume"].sum() == totals.sum()
        assert (level["volume_low"] <= level["volume"]).all()
        assert (level["volume"] <= level["volume_high"]).all()
    assert (estimated_volumes(found)["volume"] <= key).all()
