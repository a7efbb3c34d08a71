"""Communes that merged: counts carried to the communes of today, nobody lost, nobody counted twice."""

from __future__ import annotations

import random
from pathlib import Path

import pandas as pd
import pytest

import geodata
from observatory.errors import InputFileError
from observatory.sources.territories import history

FIGURES = Path(__file__).parents[3] / "shared" / "data" / "figures"
WITHOUT_OUTLINE = "14581"
"""Aurseulles is a commune of today that the territories lack."""


def added(counts: pd.Series, *, present: set[str], successor: dict[str, str]) -> pd.Series:
    """Counts by commune of today; a code that leads nowhere fails."""
    today = history.carry(counts.index.to_series(), known=present, successor=successor)
    assert today.notna().all()
    return counts.groupby(today.to_numpy()).sum(min_count=1)


def test_a_commune_leads_to_its_commune_of_today_step_by_step() -> None:
    codes = pd.Series(["A", "B", "C", "D", "X"])
    today = history.carry(codes, known={"A", "D"}, successor={"B": "A", "C": "B", "E": "D"})
    assert today.tolist() == ["A", "A", "A", "D", None]


def test_circles_are_refused() -> None:
    with pytest.raises(InputFileError, match="tournent en rond"):
        history.carry(pd.Series(["A"]), known={"Z"}, successor={"A": "B", "B": "A"})


@pytest.fixture(scope="module")
def normandy() -> tuple[pd.DataFrame, pd.DataFrame, set[str], dict[str, str]]:
    """Communes of today, communes déléguées, present codes and successors."""
    path = geodata.SNAPSHOT / "territories.parquet"
    if not path.exists():
        pytest.skip("l’instantané n’est pas construit : lancez « observatory snapshot build »")
    frame = pd.read_parquet(path, columns=["level", "code", "population_count", "is_border"])
    communes = frame[frame["level"].eq("commune") & ~frame["is_border"]].set_index("code")
    delegated = frame[frame["level"].eq("commune_deleguee")].set_index("code")
    links = pd.read_parquet(geodata.SNAPSHOT / "territory_links.parquet")
    links = links[links["child_level"].eq("commune_deleguee")]
    declared = geodata.declarations("history")
    successor = history.successors(
        pd.DataFrame({"code": links["child_code"], "commune_code": links["parent_code"]}),
        {**declared["renamed"], **declared["merged"]},
    )
    return communes, delegated, {*communes.index, WITHOUT_OUTLINE}, successor


def members(year: int) -> pd.Series:
    path = FIGURES / f"epci_membership_{year}.csv"
    if not path.exists():
        pytest.skip(f"« {path.name} » n’est pas dans {FIGURES}")
    return pd.read_csv(path, dtype=str).set_index("commune_code")["epci_siren"]


@pytest.mark.parametrize(("year", "commune_count", "moved_count"), [(2018, 2709, 67), (2019, 2651, 9), (2024, 2651, 8)])
def test_every_commune_of_a_year_has_its_commune_of_today(
    normandy: tuple[pd.DataFrame, pd.DataFrame, set[str], dict[str, str]],
    year: int,
    commune_count: int,
    moved_count: int,
) -> None:
    _, _, present, successor = normandy
    codes = members(year).index
    draw = random.Random(year)
    persons = pd.Series([draw.randrange(10, 120_000) for _ in codes], index=codes)
    today = history.carry(codes.to_series(), known=present, successor=successor)
    assert (len(codes), int(today.ne(codes).sum()), int(today.isna().sum())) == (commune_count, moved_count, 0)
    carried = added(persons, present=present, successor=successor)
    assert carried.sum() == persons.sum()
    assert set(carried.index) <= present


def test_the_population_of_the_communes_of_2018_is_that_of_today_to_the_person(
    normandy: tuple[pd.DataFrame, pd.DataFrame, set[str], dict[str, str]],
) -> None:
    communes, delegated, present, successor = normandy
    codes = members(2018).index
    grown = {successor[code] for code in codes if code not in present}
    own = [
        delegated["population_count"].get(code, pd.NA)
        if code not in present or (code in grown and code in delegated.index)
        else communes["population_count"].get(code, pd.NA)
        for code in codes
    ]
    persons = pd.Series(pd.array(own, dtype="Int64"), index=codes, name="persons")
    carried = added(persons, present=present, successor=successor)
    assert carried.sum() == persons.sum()
    today = history.carry(codes.to_series(), known=present, successor=successor)
    doubtful = {*today[persons.isna().to_numpy()], WITHOUT_OUTLINE}
    both = carried.to_frame().join(communes["population_count"], how="inner")
    both = both.drop(index=list(doubtful), errors="ignore")
    differing = both[both["persons"].ne(both["population_count"])]
    # Their centre of 2018 had already merged with others: its population cannot be read in the parts of today.
    assert set(differing.index) <= {"27685", "50025", "50215", "50419", "50523", "50546"}
    assert len(both) > 2600
