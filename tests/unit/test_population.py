"""Population of communes on a toy territory, worked by hand: what gives it, its year, and what an EPCI leaves."""

from __future__ import annotations

import pandas as pd
import pytest

from observatory.sources.territories import population

CODES = pd.Index(["14001", "14002", "14003", "14004", "14005", "72001"])
MEMBERS = pd.Series({"14001": "E1", "14002": "E1", "14003": "E1", "14004": "E2", "14005": "E2"})
IRIS = pd.DataFrame(
    [
        ("140010000", "14001", 400.0),
        ("140020101", "14002", 300.0),
        ("140020102", "14002", 250.0),
        ("140030000", "14003", 80.0),
        ("140040000", "14004", 90.0),
    ],
    columns=["iris_code", "commune_code", "population_count"],
)
CENSUS = pd.Series({"14001": 390.0, "14002": 560.0, "14003": 130.0, "14004": 120.0, "14005": 60.0, "72001": 77.0})


def found(**changed: object) -> pd.DataFrame:
    given: dict[str, object] = {
        "iris_frame": IRIS,
        "census": CENSUS,
        "epci_count": pd.Series({"E1": 1081, "E2": 200}),
        "incomplete": {"14003", "14005"},
        "members": MEMBERS,
        "partial": set(),
    }
    return population.of_communes(CODES, **(given | changed))  # type: ignore[arg-type]


def test_each_of_the_ways_gives_its_communes() -> None:
    rows = found()
    assert rows.columns.tolist() == list(population.COLUMNS)
    # 1081 - 400 - 550 = 131: the row of IRIS of 14003 is of a part of it; 200 - 90 = 110.
    assert rows["population_count"].tolist() == [400, 550, 131, 90, 110, 77]
    assert rows["population_method"].tolist() == [
        "published",
        "iris_sum",
        "epci_remainder",
        "published",
        "epci_remainder",
        "published",
    ]
    assert rows["population_status"].tolist() == [
        "observed",
        "observed",
        "estimated",
        "observed",
        "estimated",
        "observed",
    ]
    assert rows["population_period"].tolist() == ["2022"] * 5 + ["2021"]
    assert rows["population_source_id"].iloc[-1] == "insee_rp_2021"


def test_two_incomplete_communes_of_an_epci_or_an_epci_beyond_the_region_have_the_earlier_census() -> None:
    two = found(incomplete={"14002", "14003"})
    assert two.loc[["14002", "14003"], "population_count"].tolist() == [560, 130]
    assert two.loc[["14002", "14003"], "population_period"].tolist() == ["2021", "2021"]
    beyond = found(partial={"E2"})
    assert beyond.loc["14005", ["population_count", "population_method"]].tolist() == [60, "published"]


def test_a_sum_is_as_sure_as_its_communes_unless_it_is_the_published_total() -> None:
    keys = pd.Series({"14001": "A", "14002": "A", "14003": "B", "14004": "B", "14005": "B"})
    rows = found().drop(index="72001")
    zones = population.summed(rows, keys, is_published=False)
    assert zones["population_count"].to_dict() == {"A": 950, "B": 331}
    assert zones["population_status"].to_dict() == {"A": "observed", "B": "estimated"}
    assert population.summed(rows, keys, is_published=True)["population_status"].eq("observed").all()


def test_an_unknown_commune_is_missing() -> None:
    rows = population.of_communes(
        pd.Index(["72002"]),
        iris_frame=IRIS,
        census=CENSUS,
        epci_count=pd.Series(dtype=float),
        incomplete=set(),
        members=MEMBERS,
        partial=set(),
    )
    assert rows["population_status"].tolist() == ["missing"]
    assert pd.isna(rows["population_count"].iloc[0])
    assert rows["population_method"].tolist() == [None]


@pytest.mark.parametrize("column", population.COLUMNS[1:])
def test_texts_are_texts(column: str) -> None:
    assert found()[column].map(lambda one: one is None or isinstance(one, str)).all()
