"""Communes that merged: counts carried to the communes of today, nobody lost, nobody counted twice."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

import geodata
from observatory.declared import reference
from observatory.errors import InputFileError
from observatory.sources.batch import Sieve
from observatory.sources.territories import history

FIGURES = Path(__file__).parents[3] / "shared" / "data" / "figures"


@dataclass(frozen=True)
class Carried:
    """Persons by commune of today; former code → code of today, those that differ; persons whose code leads nowhere."""

    persons: pd.Series
    moved: dict[str, str]
    lost: dict[str, int]


def carried(persons: pd.Series, *, present: set[str], successor: dict[str, str]) -> Carried:
    """Carry persons by commune (``Int64``) as the census does."""
    frame = pd.DataFrame({"commune_code": persons.index, "persons": persons.to_numpy(), "line": range(len(persons))})
    sieve = Sieve(frame, "toy", "toy.csv", shown=("commune_code",))
    today = history.carried(sieve, communes=present, successor=successor)
    former = sieve.frame["commune_code"]
    lost = frame.loc[~frame.index.isin(sieve.frame.index)].set_index("commune_code")["persons"]
    added = history.added(sieve.frame[["persons"]], today, communes=present).set_index("commune_code")["persons"]
    assert sieve.batch().rejected["content"].tolist() == lost.index.tolist()
    return Carried(added, dict(zip(former[former.ne(today)], today[former.ne(today)], strict=True)), lost.to_dict())


def counts(**persons: int | None) -> pd.Series:
    return pd.Series(persons, dtype="Int64")


def test_counts_of_merged_communes_are_added() -> None:
    found = carried(counts(A=10, B=3, C=4, D=5, X=7), present={"A", "D"}, successor={"B": "A", "C": "B", "E": "D"})
    assert found.persons.to_dict() == {"A": 17, "D": 5}
    assert found.moved == {"B": "A", "C": "A"}
    assert found.lost == {"X": 7}


def test_a_missing_count_is_not_zero() -> None:
    found = carried(counts(A=None, B=3, D=None), present={"A", "D", "E"}, successor={"B": "A"})
    assert found.persons["A"] == 3
    assert found.persons.isna()[["D", "E"]].all()


def test_circles_are_refused() -> None:
    with pytest.raises(InputFileError, match="tournent en rond"):
        carried(counts(A=1), present={"Z"}, successor={"A": "B", "B": "A"})


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
    declared = reference.history()
    successor = history.successors(
        pd.DataFrame({"code": links["child_code"], "commune_code": links["parent_code"]}),
        {**declared.renamed, **declared.merged},
    )
    return communes, delegated, set(communes.index), successor


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
    persons = pd.Series([draw.randrange(10, 120_000) for _ in codes], index=codes, dtype="Int64")
    found = carried(persons, present=present, successor=successor)
    assert (len(persons), len(found.moved), len(found.lost)) == (commune_count, moved_count, 0)
    assert found.persons.sum() == persons.sum()
    assert set(found.persons.index) == present
    expected: dict[str, int] = {}
    for code, count in persons.items():
        parent = found.moved.get(str(code), str(code))
        expected[parent] = expected.get(parent, 0) + count
    assert found.persons.dropna().to_dict() == expected
