"""Every indicator with its own denominator: four communes worked by hand, then the published IRIS file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from observatory.errors import NotComputedError
from observatory.need import Indicator, Measure, NeedStudy, Volume, Weight, indicator_table, volume_counts

FIGURES = Path(__file__).resolve().parents[3] / "shared" / "data" / "figures"


def indicator(name: str, measure: Measure) -> Indicator:
    return Indicator(id=name, label=name, direction=1, weight=1.0, low=0.0, high=100.0, measure=measure)


COMMUNE = pd.DataFrame(
    {
        "unemployed": [10.0, 30.0, np.nan, 0.0],
        "active": [100.0, 200.0, 50.0, 40.0],
        "population_2021": [1210.0, 500.0, 100.0, 60.0],
        "population_2019": [1000.0, 500.0, 100.0, 100.0],
    },
    index=["A", "B", "C", "D"],
)
IRIS = pd.DataFrame(
    {
        "population": [300.0, 700.0, 500.0, 100.0, 0.0],
        "old_pct": [10.0, 20.0, 4.0, np.nan, np.nan],
        "alone_pct": [50.0, 100.0, 25.0, np.nan, np.nan],
    },
    index=["A1", "A2", "B1", "C1", "D1"],
)
PARENTS = {
    ("iris", "commune"): pd.Series(["A", "A", "B", "C", "D"], index=IRIS.index),
    ("commune", "epci"): pd.Series(["E1", "E1", "E2", "E2"], index=COMMUNE.index),
    ("commune", "departement"): pd.Series(["14", "14", "14", "27"], index=COMMUNE.index),
}
POPULATION = pd.Series([1000, 500, 100, 400], index=COMMUNE.index)
STUDY = NeedStudy(
    id="toy",
    indicators=(
        indicator("rate", Measure("ratio", "commune", "unemployed", over="active", scale=100.0)),
        indicator("old", Measure("weighted_mean", "iris", "old_pct", weight="iris")),
        indicator("alone", Measure("weighted_mean", "iris", "alone_pct", weight="old")),
        indicator("spread", Measure("weighted_mean", "iris", "old_pct", weight="active_iris")),
        indicator("tonnes", Measure("inherited", "departement", "tonnes", over="population_2019", weight="past")),
        indicator("growth", Measure("ratio", "commune", "population_2021", over="population_2019", growth_years=2.0)),
    ),
    volume=Volume("share_of_population", "", "old"),
    weights={
        "iris": Weight("iris", "", "iris", "population"),
        "old": Weight("old", "", "iris", "population", share="old_pct"),
        "active_iris": Weight("active_iris", "", "commune", "active", spread_by="population"),
        "past": Weight("past", "", "commune", "population_2019"),
    },
)


def table():
    return indicator_table(
        STUDY,
        figures={
            "commune": COMMUNE,
            "iris": IRIS,
            "departement": pd.DataFrame({"tonnes": [800.0, 50.0]}, index=["14", "27"]),
        },
        parents=PARENTS,
        population_count=POPULATION,
        levels=("epci",),
    )


def test_communes_by_hand() -> None:
    """rate: A 10/100, B 30/200, C unknown, D 0/40.

    old: A (300 × 10 + 700 × 20) / 1000 = 17, B 4, C and D unknown (no figure; nobody in the IRIS).
    alone, over the old: A (30 × 50 + 140 × 100) / 170 = 91.176…, B 25.
    spread: A's 100 active persons are 30 and 70 in its IRIS: (30 × 10 + 70 × 20) / 100 = 17, B 4.
    tonnes: département 14 has 800 t for 1000 + 500 + 100 inhabitants in 2019 = 0.5 each, 27 has 50 / 100 = 0.5.
    growth: A √1.21 − 1 = 10 %, B and C 0, D √0.6 − 1.
    """
    found = table().indicators["commune"]
    unknown = float("nan")
    assert found["rate"].tolist() == pytest.approx([10, 15, unknown, 0], nan_ok=True)
    assert found["old"].tolist() == pytest.approx([17, 4, unknown, unknown], nan_ok=True)
    assert found["alone"].tolist() == pytest.approx([15500 / 170, 25, unknown, unknown], nan_ok=True)
    assert found["spread"].tolist() == pytest.approx([17, 4, unknown, unknown], nan_ok=True)
    assert found["tonnes"].tolist() == pytest.approx([0.5] * 4)
    assert found["growth"].tolist() == pytest.approx([10, 0, 0, (0.6**0.5 - 1) * 100])


def test_upper_level_by_hand() -> None:
    """E1 = A + B: rate 40/300; old (17 × 1000 + 4 × 500) / 1500; alone (15500 + 20 × 25) / 190; growth √(1710/1500).

    E2 = C + D: rate 0/40 from D alone, which covers 400 of its 500 inhabitants; old unknown, covered 0.
    """
    result = table()
    found, covered = result.indicators["epci"], result.covered_share["epci"]
    assert found.loc["E1", "rate"] == pytest.approx(4000 / 300)
    assert found.loc["E1", "old"] == pytest.approx(19000 / 1500)
    assert found.loc["E1", "alone"] == pytest.approx(16000 / 190)
    assert found.loc["E1", "growth"] == pytest.approx(((1710 / 1500) ** 0.5 - 1) * 100)
    assert covered.loc["E1"].tolist() == pytest.approx([1.0] * 6)
    assert found.loc["E2", "rate"] == pytest.approx(0.0)
    assert covered.loc["E2", "rate"] == pytest.approx(0.8)
    assert np.isnan(found.loc["E2", "old"])
    assert covered.loc["E2", "old"] == pytest.approx(0.0)


def test_volume_in_whole_persons() -> None:
    """17 % of 1000 = 170; 4 % of 500 = 20; unknown stays unknown."""
    persons = volume_counts(STUDY, figures={}, indicators=table().indicators["commune"], population_count=POPULATION)
    assert persons.tolist() == [170, 20, pd.NA, pd.NA]


def test_an_absent_figure_is_named() -> None:
    with pytest.raises(NotComputedError, match="« unemployed »"):
        indicator_table(STUDY, figures={}, parents=PARENTS, population_count=POPULATION, levels=())


@pytest.mark.skipif(not FIGURES.is_dir(), reason="figures absentes : ../shared/data/figures")
def test_shares_of_75_by_epci_are_those_of_the_iris_file() -> None:
    text = {"iris_code": str, "commune_code": str}
    iris = pd.read_csv(FIGURES / "iris_rp2022.csv", dtype=text).set_index("iris_code")
    epci = pd.read_csv(FIGURES / "epci_membership_2024.csv", dtype=str).set_index("commune_code")["epci_siren"]
    communes = pd.Index(sorted(iris["commune_code"].unique()))
    study = NeedStudy(
        id="s",
        indicators=(indicator("old", Measure("weighted_mean", "iris", "age75p_pct", weight="iris")),),
        weights={"iris": Weight("iris", "", "iris", "population_count")},
    )
    found = indicator_table(
        study,
        figures={"iris": iris},
        parents={("iris", "commune"): iris["commune_code"], ("commune", "epci"): epci.reindex(communes)},
        population_count=pd.Series(1, index=communes),
        levels=("epci",),
    ).indicators["epci"]["old"]
    known = iris[iris["age75p_pct"].notna()]
    expected = known.groupby(known["commune_code"].map(epci)).apply(
        lambda rows: np.average(rows["age75p_pct"], weights=rows["population_count"])
    )
    assert len(found) == 71
    np.testing.assert_allclose(found, expected.reindex(found.index), atol=1e-9)
