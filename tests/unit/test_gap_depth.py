"""Depth and severity worked by hand, and comparisons of territories."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import geodata
from observatory.errors import UsageError
from observatory.gap.depth import (
    DENSITY_CLASSES,
    NOT_FRR,
    compared,
    density_class,
    depths,
    frr_class,
    qpv_against_commune,
)

CODES = pd.Index(["A", "B", "C", "D"])
SHARE = pd.Series([0.2, 1.0, 0.6, 0.0], index=CODES)
PERSONS = pd.Series([100, 300, 50, pd.NA], index=CODES, dtype="Int64")
EPCI = pd.Series(["E", "E", "F", "F"], index=CODES)


def test_depth_by_hand() -> None:
    """E: 100 of 400 lack 0.8: 0.25, 0.2, 0.16. F: D counts for nobody; 50 of 50 lack 0.4: 1, 0.4, 0.16."""
    found = depths(SHARE, PERSONS, EPCI)
    assert found.loc["E", ["persons_count", "lacking_count"]].tolist() == [400, 100]
    assert found.loc["E", ["headcount", "depth", "severity"]].tolist() == pytest.approx([0.25, 0.2, 0.16])
    assert found.loc["F", ["persons_count", "lacking_count"]].tolist() == [50, 50]
    assert found.loc["F", ["headcount", "depth", "severity"]].tolist() == pytest.approx([1.0, 0.4, 0.16])


def test_the_line_is_strict() -> None:
    """With the line at 0.6, C is not below it; A lacks (0.6 − 0.2) / 0.6."""
    found = depths(SHARE, PERSONS, EPCI, line=0.6)
    assert found.loc["F", "headcount"] == 0
    assert found.loc["E", "depth"] == pytest.approx(0.25 * 2 / 3)


def test_a_group_where_nobody_is_counted_has_no_measure() -> None:
    found = depths(SHARE, PERSONS, pd.Series(["E", "E", None, "G"], index=CODES))
    assert found.index.tolist() == ["E", "G"]
    assert found.loc["G", "persons_count"] == 0
    assert np.isnan(found.loc["G", "depth"])


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 999), st.sampled_from("xyz")), min_size=1, max_size=12))
def test_measures_of_a_whole_are_the_means_of_its_parts(rows: list[tuple[float, int, str]]) -> None:
    frame = pd.DataFrame(rows, columns=["share", "persons", "group"])
    parts = depths(frame["share"], frame["persons"], frame["group"])
    whole = depths(frame["share"], frame["persons"], pd.Series("all", index=frame.index)).loc["all"]
    assert parts["lacking_count"].sum() == whole["lacking_count"]
    for name in ("headcount", "depth", "severity"):
        assert 0 <= whole[name] <= 1
        assert np.average(parts[name], weights=parts["persons_count"].astype(float)) == pytest.approx(whole[name])
    assert whole["severity"] <= whole["depth"] + 1e-12 <= whole["headcount"] + 2e-12


def test_rural_against_urban_by_hand() -> None:
    """Urban 1 and 4, rural 5 and 7. Rural: 350 persons, 50 lack 0.4; urban: 100 persons, all lack 0.8."""
    density = pd.Series(["1", "5", "7", "4"], index=CODES)
    found = depths(SHARE, PERSONS, density_class(density))
    gap = compared(found, subject="rural", reference="urbain")
    assert gap["headcount_difference"] == pytest.approx(50 / 350 - 1)
    assert gap["depth_difference"] == pytest.approx(20 / 350 - 0.8)
    assert gap["lacking_ratio"] == pytest.approx(50 / 350)
    with pytest.raises(UsageError, match="montagne"):
        compared(found, subject="montagne", reference="urbain")


def test_zonings_are_named_as_the_snapshot_has_them() -> None:
    zonings = pd.read_parquet(geodata.SNAPSHOT / "zonings.parquet")
    grid = zonings[zonings["zoning"] == "densite"].drop_duplicates("value_code").set_index("value_code")["value_label"]
    assert set(grid.index) <= set(DENSITY_CLASSES)
    for code, label in grid.items():
        assert (DENSITY_CLASSES[code] == "rural") == ("rura" in label.lower()), label
    statuses = set(zonings.loc[zonings["zoning"] == "frr", "value_code"])
    assert statuses >= NOT_FRR
    assert set(frr_class(pd.Series(sorted(statuses - NOT_FRR)))) == {"frr"}
    frr = frr_class(pd.Series(["n", "y", None], index=["A", "B", "C"]), outside_codes=frozenset({"n"}))
    assert frr.tolist() == ["hors_frr", "frr", "inconnu"]


def test_qpv_by_hand() -> None:
    """Q1 has less access than its commune, Q2 as much but 1.5 min farther, Q3 more; Q4's commune is unknown."""
    qpv = pd.DataFrame(
        {"access_score": [40.0, 50.0, 90.0, 10.0], "nearest_min": [9.0, 6.5, 2.0, 3.0]}, index=["Q1", "Q2", "Q3", "Q4"]
    )
    communes = pd.DataFrame({"access_score": [50.0, 60.0], "nearest_min": [5.0, 4.0]}, index=["A", "B"])
    home = pd.Series(["A", "A", "B", "Z"], index=qpv.index)
    found = qpv_against_commune(qpv, communes, home)
    assert found["access_difference"].tolist() == pytest.approx([-10.0, 0.0, 30.0, np.nan], nan_ok=True)
    assert found["nearest_difference_min"].tolist() == pytest.approx([4.0, 1.5, -2.0, np.nan], nan_ok=True)
    assert found["is_worse_off"].tolist() == [True, True, False, pd.NA]
    assert found["commune_code"].tolist() == ["A", "A", "B", "Z"]
