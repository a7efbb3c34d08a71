"""The secret of small counts, against attackers that are written here and know everything that is published."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import geodata
from observatory.declared import catalogue
from observatory.declared.reference import secrecy
from observatory.errors import NotComputedError, UsageError
from observatory.gap.secrecy import Suppression, stand_ins, suppress

THRESHOLD, PROTECTION = 11, 5


def table(rows: list[tuple[str, str, str, int]]) -> tuple[pd.Series, pd.DataFrame]:
    frame = pd.DataFrame(rows, columns=["code", "epci", "departement", "count"]).set_index("code")
    return frame["count"].astype("Int64"), frame[["epci", "departement"]]


def published_sums(
    counts: pd.Series, parents: pd.DataFrame, mask: pd.Series, withheld: dict[str, list[str]]
) -> list[tuple[np.ndarray, int]]:
    """List the equations that subtraction gives: hidden cells of each published total, and what they sum to."""
    values = counts.fillna(0).astype(int)
    groups = [(mask.to_numpy(), int(values[mask].sum()))]
    for name in parents.columns:
        for code in parents[name].unique():
            if code not in withheld.get(name, []):
                inside = mask & (parents[name] == code)
                groups.append((inside.to_numpy(), int(values[inside].sum())))
    return groups


def linear_attack(
    counts: pd.Series,
    mask: pd.Series,
    equations: list[tuple[np.ndarray, int]],
    *,
    code: str,
    cap: pd.Series | None = None,
) -> tuple[int, int]:
    """Bound one hidden count, one variable per cell, knowing which hidden cells are small."""
    hidden = counts.index[mask]
    small = (counts[hidden] < THRESHOLD).to_numpy()
    most = np.full(len(hidden), float(counts.sum())) if cap is None else np.maximum(cap[hidden], counts[hidden])
    bounds = [(1, min(10, top)) if one else (THRESHOLD, top) for one, top in zip(small, most, strict=True)]
    matrix = np.array([inside[mask.to_numpy()].astype(float) for inside, _ in equations])
    cost = np.array([1.0 if one == code else 0.0 for one in hidden])
    ends = [
        linprog(sign * cost, A_eq=matrix, b_eq=[value for _, value in equations], bounds=bounds, method="highs")
        for sign in (1, -1)
    ]
    assert all(end.status == 0 for end in ends)
    return round(ends[0].fun), round(-ends[1].fun)


def attack(counts: pd.Series, parents: pd.DataFrame, found: Suppression) -> dict[str, tuple[int, int]]:
    equations = published_sums(counts, parents, found.mask, found.withheld_totals)
    return {code: linear_attack(counts, found.mask, equations, code=code) for code in found.mask.index[found.mask]}


LONE = [
    ("A", "E1", "14", 4), ("B", "E1", "14", 30), ("C", "E1", "14", 45), ("D", "E2", "14", 60), ("E", "E2", "14", 80),
]  # fmt: skip


def test_a_lone_small_count_by_hand() -> None:
    """A is 79 − 30 − 45 = 4 unless another count of E1 is hidden: B, the smallest. Then A + B = 34, A from 1 to 10."""
    counts, parents = table(LONE)
    found = suppress(counts, parents, threshold=THRESHOLD, protection=PROTECTION)
    assert found.mask.tolist() == [True, True, False, False, False]
    assert (found.primary_count, found.complementary_count) == (1, 1)
    assert found.intervals.loc["A"].tolist() == [1, 10]
    assert found.intervals.loc["B"].tolist() == [24, 33]
    assert found.withheld_totals == {}


def test_without_protection_the_attacker_wins() -> None:
    counts, parents = table(LONE)
    naive = (counts > 0) & (counts < THRESHOLD)
    equations = published_sums(counts, parents, naive, {})
    assert linear_attack(counts, naive, equations, code="A") == (4, 4)
    only_primary = suppress(counts, parents, threshold=THRESHOLD, protection=0)
    assert only_primary.complementary_count == 0
    assert only_primary.intervals.loc["A"].tolist() == [4, 4]


def test_two_small_counts_can_betray_each_other() -> None:
    """10 + 9 = 19 leaves 9 or 10 for each: a third must be hidden. 5 + 5 = 10 leaves 1 to 9."""
    betrayed, parents = table([("A", "E", "14", 10), ("B", "E", "14", 9), ("C", "E", "14", 40)])
    safe, _ = table([("A", "E", "14", 5), ("B", "E", "14", 5), ("C", "E", "14", 40)])
    assert suppress(betrayed, parents, threshold=THRESHOLD, protection=PROTECTION).mask.tolist() == [True, True, True]
    found = suppress(safe, parents, threshold=THRESHOLD, protection=PROTECTION)
    assert found.mask.tolist() == [True, True, False]
    assert found.intervals.to_numpy().tolist() == [[1, 9], [1, 9]]


def test_a_protecting_cell_with_no_slack_is_not_enough() -> None:
    """A = 3 with B = 11: the attacker knows B ≥ 11, so A ≤ 3. C must be hidden too."""
    counts, parents = table([("A", "E", "14", 3), ("B", "E", "14", 11), ("C", "E", "14", 40), ("D", "E", "14", 50)])
    found = suppress(counts, parents, threshold=THRESHOLD, protection=PROTECTION)
    assert found.mask.tolist() == [True, True, True, False]


def test_the_order_of_protection_is_public() -> None:
    """C has fewer inhabitants than B: it is hidden first although its count is larger, and says nothing of B's."""
    counts, parents = table(LONE)
    inhabitants = pd.Series([40, 900, 300, 700, 800], index=counts.index)
    found = suppress(counts, parents, threshold=THRESHOLD, protection=PROTECTION, cap_count=inhabitants)
    assert found.mask.tolist() == [True, False, True, False, False]


def test_a_small_total_is_withheld_and_so_is_another() -> None:
    """E1 is one commune of 6: its total is its count. Withheld alone, 14 − E2 − E3 gives it back; E2 goes with it."""
    counts, parents = table(
        [("A", "E1", "14", 6), ("B", "E2", "14", 20), ("C", "E2", "14", 8), ("D", "E2", "14", 3), ("F", "E3", "14", 90)]
    )
    found = suppress(counts, parents, threshold=THRESHOLD, protection=PROTECTION)
    assert found.withheld_totals == {"epci": ["E1", "E2"]}
    assert all(high - low >= PROTECTION for low, high in attack(counts, parents, found).values())


def test_a_total_made_of_small_counts_is_withheld_for_itself() -> None:
    """3 + 4 = 7 keeps both counts apart (1 to 6), but 7 is a small count too."""
    counts, parents = table([("A", "E1", "14", 3), ("B", "E1", "14", 4), ("C", "E2", "14", 90)])
    found = suppress(counts, parents, threshold=THRESHOLD, protection=PROTECTION)
    assert "E1" in found.withheld_totals["epci"]


def test_zeros_are_shown_and_unknown_counts_ignored() -> None:
    counts, parents = table([("A", "E", "14", 0), ("B", "E", "14", 20), ("C", "E", "14", 40)])
    counts["C"] = pd.NA
    found = suppress(counts, parents, threshold=THRESHOLD, protection=PROTECTION)
    assert not found.mask.any()
    assert stand_ins(counts, found, parents, threshold=THRESHOLD).tolist() == [0, 20, pd.NA]


def test_a_count_known_beforehand_is_not_asked_more() -> None:
    """A has 3 active persons: from 1 to 3 is all that secrecy can leave."""
    counts, parents = table(LONE)
    active = pd.Series([3, 100, 100, 100, 100], index=counts.index)
    counts["A"] = 2
    found = suppress(counts, parents, threshold=THRESHOLD, protection=PROTECTION, cap_count=active)
    assert found.intervals.loc["A"].tolist() == [1, 3]
    assert found.unprotected == ()


def test_bad_requests_are_refused() -> None:
    counts, parents = table(LONE)
    with pytest.raises(UsageError, match="une ou deux"):
        suppress(counts, parents.assign(third="x"), threshold=THRESHOLD, protection=PROTECTION)
    with pytest.raises(NotComputedError, match="pas de parent"):
        suppress(counts, parents.iloc[1:], threshold=THRESHOLD, protection=PROTECTION)
    with pytest.raises(NotComputedError, match="négatif"):
        suppress(counts - 10, parents, threshold=THRESHOLD, protection=PROTECTION)


HIERARCHY = st.lists(
    st.tuples(
        st.sampled_from(["E1", "E2", "E3"]),
        st.sampled_from(["14", "50"]),
        st.sampled_from([0, 1, 2, 5, 9, 10, 11, 13, 25]),
    ),
    min_size=3,
    max_size=9,
)  # fmt: skip


def as_table(rows: list[tuple[str, str, int]]) -> tuple[pd.Series, pd.DataFrame]:
    return table([(f"c{position}", *row) for position, row in enumerate(rows)])


@settings(max_examples=60)
@given(HIERARCHY)
def test_no_attacker_bounds_a_hidden_count(rows: list[tuple[str, str, int]]) -> None:
    """The intervals announced are the best that the attacker's own programme finds, and wide enough."""
    counts, parents = as_table(rows)
    found = suppress(counts, parents, threshold=THRESHOLD, protection=PROTECTION)
    deduced = attack(counts, parents, found)
    assert {code: tuple(row) for code, row in found.intervals.astype(int).iterrows()} == deduced
    for code, (low, high) in deduced.items():
        assert low <= counts[code] <= high
        assert high - low >= PROTECTION or code in found.unprotected
    assert (found.mask | (counts == 0) | (counts >= THRESHOLD)).all()


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from(["E1", "E2"]), st.sampled_from(["14", "50"]), st.sampled_from([0, 1, 2, 3, 5, 6, 9])),
        min_size=2, max_size=7,
    )
)  # fmt: skip
def test_intervals_equal_enumeration(rows: list[tuple[str, str, int]]) -> None:
    """With threshold 4, every way to fill the hidden cells is tried: each end of each interval is reached."""
    counts, parents = as_table(rows)
    most = pd.Series(9, index=counts.index)
    found = suppress(counts, parents, threshold=4, protection=2, cap_count=most)
    hidden = counts.index[found.mask]
    assume(0 < len(hidden) <= 5)
    equations = [(inside[found.mask.to_numpy()], value) for inside, value in published_sums(
        counts, parents, found.mask, found.withheld_totals)]  # fmt: skip
    ranges = [range(1, 4) if counts[code] < 4 else range(4, 10) for code in hidden]
    fits = np.array(
        [fill for fill in itertools.product(*ranges) if all(np.dot(inside, fill) == v for inside, v in equations)]
    )
    assert found.intervals["low"].tolist() == fits.min(axis=0).tolist()
    assert found.intervals["high"].tolist() == fits.max(axis=0).tolist()
    width = fits.max(axis=0) - fits.min(axis=0)
    assert all(wide >= 2 or code in found.unprotected for wide, code in zip(width, hidden, strict=True))


@settings(max_examples=40)
@given(HIERARCHY, st.integers(0, 2**32 - 1))
def test_stand_ins_hold_nothing_but_what_is_published(rows: list[tuple[str, str, int]], seed: int) -> None:
    """Another truth that fits all that is published gives the same stand-ins, and they keep every published total."""
    counts, parents = as_table(rows)
    found = suppress(counts, parents, threshold=THRESHOLD, protection=PROTECTION)
    shown = stand_ins(counts, found, parents, threshold=THRESHOLD)
    assert shown[~found.mask].equals(counts[~found.mask])
    for inside, value in published_sums(counts, parents, found.mask, found.withheld_totals):
        assert shown[inside].sum() == value
    other = another_truth(counts, parents, found, np.random.default_rng(seed))
    assert stand_ins(other, found, parents, threshold=THRESHOLD).equals(shown)


def another_truth(counts: pd.Series, parents: pd.DataFrame, found: Suppression, rng: np.random.Generator) -> pd.Series:
    """Draw a vertex of the set of tables that agree with what is published."""
    hidden = counts.index[found.mask]
    if hidden.empty:
        return counts
    equations = published_sums(counts, parents, found.mask, found.withheld_totals)
    result = linprog(
        rng.normal(size=len(hidden)),
        A_eq=np.array([inside[found.mask.to_numpy()].astype(float) for inside, _ in equations]),
        b_eq=[value for _, value in equations],
        bounds=[(1, 10) if counts[code] < THRESHOLD else (THRESHOLD, counts.sum()) for code in hidden],
        method="highs",
    )
    other = counts.copy()
    other[hidden] = np.round(result.x).astype(int)
    return other


def test_normandy_is_protected_in_seconds() -> None:
    """2,643 communes, 71 EPCI, 5 départements of the snapshot: every count of unemployed under 11 stays within 1–10."""
    counts, parents, active = normandy()
    found = suppress(counts, parents, threshold=THRESHOLD, protection=PROTECTION, cap_count=active)
    again = suppress(counts, parents, threshold=THRESHOLD, protection=PROTECTION, cap_count=active)
    assert found.mask.equals(again.mask)
    assert found.unprotected == ()
    assert found.primary_count == ((counts > 0) & (counts < THRESHOLD)).sum()
    assert 0 < found.complementary_count < 30
    equations = published_sums(counts, parents, found.mask, found.withheld_totals)
    narrowest = (found.intervals["high"] - found.intervals["low"])[found.is_primary[found.mask]].nsmallest(6).index
    for code in narrowest:
        low, high = linear_attack(counts, found.mask, equations, code=code, cap=active)
        assert (low, high) == tuple(found.intervals.loc[code])
        assert high - low >= PROTECTION
    naive = found.is_primary
    lone = next(code for code in parents["epci"].unique() if naive[parents["epci"] == code].sum() == 1)
    code = naive.index[naive & (parents["epci"] == lone)][0]
    bare = published_sums(counts, parents, naive, {})
    assert linear_attack(counts, naive, bare, code=code, cap=active) == (counts[code], counts[code])


def normandy() -> tuple[pd.Series, pd.DataFrame, pd.Series]:
    links = pd.read_parquet(geodata.SNAPSHOT / "territory_links.parquet")
    values = pd.read_parquet(geodata.SNAPSHOT / "values.parquet")
    parents = links[links["child_level"] == "commune"].pivot_table(
        index="child_code", columns="parent_level", values="parent_code", aggfunc="first"
    )[["epci", "departement"]]
    parents = parents[parents["departement"].isin(["14", "27", "50", "61", "76"])].dropna()
    known = values[values["level"] == "commune"].pivot_table(index="code", columns="indicator", values="value")
    known = ((known.reindex(parents.index) + 0.5) // 1).astype("Int64")
    return known["unemployed_1564_count"], parents, known["active_1564_count"]


def test_thresholds_are_declared_for_known_sources() -> None:
    declared = secrecy()
    sources, fields = {one.source_id for one in catalogue.sources()}, {one.indicator for one in catalogue.fields()}
    assert declared.thresholds.model_dump() == {"persons": 11, "households": 5}
    assert set(declared.sources) <= sources
    assert {one.source for one in declared.figures.values()} <= set(declared.sources)
    assert {name for name, one in declared.sources.items() if one.diffusion == "published"} == {
        "insee_rp_2021", "insee_iris_rp2022", "insee_etat_civil_2022",
    }  # fmt: skip
    assert all(len(one.reason) > 20 for one in declared.sources.values())
    for figure, entry in declared.figures.items():
        assert figure in fields
        assert entry.source in sources
        bounds = [one for one in (entry.cap, entry.of, entry.linked_to) if one is not None]
        assert bounds
        assert set(bounds) <= fields
