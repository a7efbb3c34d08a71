"""The gap of a territory of four communes and two sites, every figure written out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from observatory.access import e2sfca, nearest
from observatory.errors import NotComputedError
from observatory.gap import COUNTS, Cuts, commune_accounts, gap_rows, ledger, total, typology

CODES = pd.Index(["A", "B", "C", "D"])
POPULATION = np.array([1000, 500, 200, 301])
ORIGIN, DESTINATION = np.array([0, 1, 1, 2, 3]), np.array([0, 0, 1, 1, 1])
MINUTES = np.array([4.0, 12.0, 8.0, 18.0, 25.0])
STEPS = [(10.0, 1.0), (15.0, 0.3), (20.0, 0.1)]
NORM = 0.001


def toy(population: np.ndarray = POPULATION, norm: float = NORM):
    index = e2sfca(ORIGIN, DESTINATION, MINUTES, population, np.ones(2), weights=STEPS)
    minutes, _ = nearest(ORIGIN, DESTINATION, MINUTES, len(CODES))
    return ledger(population, minutes, index, threshold_min=20.0, norm=norm), minutes


def accounts() -> pd.DataFrame:
    result, minutes = toy()
    volume = pd.Series([80, 50, 30, 61], index=CODES, dtype="Int64")
    return commune_accounts(result, codes=CODES, nearest_min=pd.Series(minutes, index=CODES), need_volume_count=volume)


def test_ledger_by_hand() -> None:
    """Site 1 is 4 min from A and 12 from B; site 2 is 8 min from B, 18 from C and 25 from D. One unit of supply each.

    Weighted demand: site 1 1000 × 1 + 500 × 0.3 = 1150; site 2 500 × 1 + 200 × 0.1 = 520 (D is beyond 20 min).
    Supply per inhabitant: A 1/1150 = 0.00086957; B 0.3/1150 + 1/520 = 0.00218395; C 0.1/520 = 0.00019231; D 0.
    Against a norm of one site per 1,000 inhabitants: A 0.86957, B 1, C 0.19231, D out of reach.
    Served: A ⌊869.565 + 0.5⌋ = 870, B 500, C ⌊38.46 + 0.5⌋ = 38. Full: A 130, B 0, C 162. Out of reach: D 301.
    """
    result, minutes = toy()
    assert minutes.tolist() == [4.0, 8.0, 18.0, 25.0]
    assert result.satisfied_share.tolist() == pytest.approx([1000 / 1150, 1.0, 1000 * 0.1 / 520, 0.0])
    assert result.served_count.tolist() == [870, 500, 38, 0]
    assert result.reachable_full_count.tolist() == [130, 0, 162, 0]
    assert result.out_of_reach_count.tolist() == [0, 0, 0, 301]


def test_levels_add_up_by_hand() -> None:
    """E1 = A + B: 1500 inhabitants, served 1370, full 130; access (869.565 + 500) / 1500 = 91.3; mean time
    (1000 × 4 + 500 × 8) / 1500 = 5.3 min. E2 = C + D: 501 inhabitants, served 38, full 162, out 301, of whom
    61 in need; access 38.46 / 501 = 7.7; mean time (200 × 18 + 301 × 25) / 501 = 22.2 min.

    With need scores 40 and 70: E1 is covered, priority 40 × 8.7 % = 3.5; E2 comes first, 70 × 92.3 % = 64.6.
    """
    epci = total(accounts(), pd.Series(["E1", "E1", "E2", "E2"], index=CODES))
    assert epci[list(COUNTS)].loc["E1"].tolist() == [1500, 130, 1370, 130, 0, 0]
    assert epci[list(COUNTS)].loc["E2"].tolist() == [501, 91, 38, 162, 301, 61]
    rows = gap_rows(epci, pd.Series({"E1": 40.0, "E2": 70.0}), cuts=Cuts(50.0, 50.0))
    assert rows["access_score"].tolist() == [91.3, 7.7]
    assert rows["nearest_min"].tolist() == [5.3, 22.2]
    assert rows["priority_score"].tolist() == [3.5, 64.6]
    assert rows["typology"].tolist() == ["couvert", "prioritaire"]
    region = total(accounts(), pd.Series("28", index=CODES))
    assert region[list(COUNTS)].loc["28"].tolist() == epci[list(COUNTS)].sum().tolist()


def test_quadrants_are_read_from_printed_scores() -> None:
    """The cut itself counts as high; an unknown score leaves the unit undetermined."""
    need = pd.Series([50.0, 50.0, 49.9, 49.9, np.nan])
    access = pd.Series([49.9, 50.0, 49.9, 50.0, 10.0])
    assert typology(need, access, cuts=Cuts(50.0, 50.0)).tolist() == [
        "prioritaire",
        "a_conforter",
        "a_surveiller",
        "couvert",
        "indetermine",
    ]


def test_no_site_at_all_leaves_everyone_out_of_reach() -> None:
    result = ledger([10, 20], [np.nan, np.inf], [0.0, 0.0], threshold_min=20.0, norm=0.0)
    assert result.out_of_reach_count.tolist() == [10, 20]


def test_reachable_without_a_norm_is_refused() -> None:
    with pytest.raises(NotComputedError, match="persons_per_site"):
        ledger([10], [5.0], [0.1], threshold_min=20.0, norm=0.0)


def test_a_commune_of_no_group_is_refused() -> None:
    with pytest.raises(NotComputedError, match="commune D"):
        total(accounts(), pd.Series(["E1", "E1", "E2"], index=CODES[:3]))


def test_doubling_every_population_doubles_the_persons() -> None:
    """Supply per inhabitant and the norm are both halved, so shares stay; counts double, but for one rounding."""
    once, _ = toy()
    twice, _ = toy(POPULATION * 2, NORM / 2)
    np.testing.assert_allclose(twice.satisfied_share, once.satisfied_share)
    assert twice.out_of_reach_count.tolist() == (once.out_of_reach_count * 2).tolist()
    assert np.abs(twice.served_count - once.served_count * 2).max() <= 1


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**6), st.floats(0, 60) | st.just(float("inf")), st.floats(0, 0.1), st.integers(0, 2)
        ),
        min_size=1,
        max_size=30,
    ),
    st.floats(1e-6, 0.1),
)
def test_every_level_adds_up(units: list[tuple[int, float, float, int]], norm: float) -> None:
    population, minutes, index, group = (np.array(column) for column in zip(*units, strict=True))
    result = ledger(population, minutes, index, threshold_min=20.0, norm=norm)
    codes = pd.Index([f"c{position}" for position in range(len(units))])
    frame = commune_accounts(
        result,
        codes=codes,
        nearest_min=pd.Series(minutes, index=codes),
        need_volume_count=pd.Series(population // 10, index=codes, dtype="Int64"),
    )
    for rows in (frame, total(frame, pd.Series(group, index=codes)), total(frame, pd.Series(0, index=codes))):
        parts = rows[["served_count", "reachable_full_count", "out_of_reach_count"]]
        assert (parts >= 0).all(axis=None)
        assert (parts.sum(axis="columns") == rows["population_count"]).all()
        assert rows["population_count"].sum() == population.sum()
        assert rows["satisfied_share"].dropna().between(0, 1 + 1e-12).all()
