"""Territories alike, worked by hand on four of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observatory.errors import UsageError
from observatory.gap.similarity import alike, distances, standardised

PROFILE = pd.DataFrame(
    {"unemployment": [0.0, 0.0, 4.0, 4.0], "supply": [10.0, 20.0, 10.0, 20.0], "same": [0.1] * 4},
    index=["A", "B", "C", "D"],
)


def test_distances_by_hand() -> None:
    """Means 2 and 15, deviations 2 and 5: each column is −1 or 1. A–B differ by 2 on one column of three: √(4/3)."""
    assert standardised(PROFILE)["unemployment"].tolist() == [-1, -1, 1, 1]
    assert standardised(PROFILE)["same"].tolist() == [0, 0, 0, 0]
    found = distances(PROFILE)
    assert found.loc["A"].tolist() == pytest.approx([0, np.sqrt(4 / 3), np.sqrt(4 / 3), np.sqrt(8 / 3)])
    weighted = distances(PROFILE, weights={"unemployment": 3, "supply": 1, "same": 1})
    assert weighted.loc["A", ["B", "C"]].tolist() == pytest.approx([np.sqrt(4 / 5), np.sqrt(12 / 5)])


def test_what_is_unknown_is_left_out_by_hand() -> None:
    """Without D's supply, means 2 and 40/3: A–D are compared on 2 columns of 3 (67 %): √(4/2). Without two: not."""
    partial = PROFILE.copy()
    partial.loc["D", "supply"] = np.nan
    assert distances(partial).loc["A", "D"] == pytest.approx(np.sqrt(2))
    partial.loc["C", ["supply", "same"]] = np.nan
    assert distances(partial).loc["C"].isna().all()
    assert set(alike(partial)["code"]) == {"A", "B", "D"}


def test_alike_by_hand() -> None:
    """With unemployment weighing 3, A is most like B, which differs on supply alone."""
    found = alike(PROFILE, count=2, weights={"unemployment": 3, "supply": 1, "same": 1}, reasons=1)
    first = found[(found["code"] == "A")].reset_index(drop=True)
    assert first["alike_code"].tolist() == ["B", "C"]
    assert first["rank"].tolist() == [1, 2]
    assert first.loc[0, "distance"] == pytest.approx(0.894)
    assert first["nearest_on"].tolist() == [["unemployment"], ["supply"]]
    assert first["farthest_on"].tolist() == [["supply"], ["unemployment"]]


def test_bad_requests_are_refused() -> None:
    with pytest.raises(UsageError, match="poids positif"):
        distances(PROFILE, weights={"supply": 1.0})
    with pytest.raises(UsageError, match="Aucun indicateur"):
        distances(PROFILE[[]])
    with pytest.raises(UsageError, match="au moins 1"):
        alike(PROFILE, count=0)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(*[st.one_of(st.none(), st.integers(-50, 50))] * 3), min_size=2, max_size=7),
    st.floats(0.1, 100),
    st.floats(-100, 100),
)
def test_units_of_measure_do_not_matter(rows: list[tuple[int | None, ...]], scale: float, shift: float) -> None:
    """Distances are symmetric, and kilograms or tonnes give the same neighbours."""
    profile = pd.DataFrame(rows, columns=["a", "b", "c"], dtype=float)
    found = distances(profile).to_numpy()
    np.testing.assert_allclose(found, found.T)
    np.testing.assert_allclose(distances(profile * scale + shift).to_numpy(), found, atol=1e-6)
    for one, two in ((0, 1), (len(rows) - 1, 0)):
        scores = standardised(profile).to_numpy()
        both = ~np.isnan(scores[one] - scores[two])
        apart = np.sqrt(np.mean((scores[one] - scores[two])[both] ** 2)) if both.sum() >= 2 else np.nan
        assert found[one, two] == pytest.approx(apart, abs=1e-6, nan_ok=True)
