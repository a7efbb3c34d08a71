"""Projections of population: the file in the observatory's own form, growth, regret; expected values worked by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from observatory.errors import InputFileError
from observatory.siting.proposal.robust import robustness
from observatory.siting.proposal.solving import solve
from observatory.siting.question.arrays import SitingModel
from observatory.siting.question.growth import growth
from observatory.sources import contracts
from observatory.sources.batch import Batch
from observatory.sources.figures import projections
from observatory.sources.figures.long_form import VALUE_COLUMNS

NOTHING = pd.DataFrame({name: [] for name in VALUE_COLUMNS}, dtype=object)


def read(tmp_path: Path, text: str, *, encoding: str = "utf-8") -> Batch:
    path = tmp_path / "projections.csv"
    path.write_text(text, encoding=encoding)
    return projections.normalise(
        projections.read(path),
        communes={"14118", "14762", "72001"},
        epci={"200068799"},
        departements={"14", "27", "50", "61", "76"},
        smallest_count=11,
    )


def test_the_three_levels_are_told_by_their_codes_and_every_row_is_accounted_for(tmp_path: Path) -> None:
    batch = read(
        tmp_path,
        "Code;Année;Âge;Personnes\n"
        "14;2022;75 ans ou plus;70 123,5\n14;2030;75+;85000\n50;2030;75p;60000\n200068799;2030;75 et plus;7000\n"
        "14118;2030;80+;5000\n14762;2030;75+;7\n"  # seven persons: put aside, the row stays
        "75;2030;75+;1\n72002;2030;75+;50\n29019;2030;75+;50\n"  # elsewhere, unknown commune, elsewhere
        "14;2030;75 ans ou plus;85000\n"  # said twice
        "14;2030;75-79;1\nabc;2030;75+;1\n14;30;75+;1\n14;2040;75+;-5\n"
        "50;2040;75+;1\n50;2040;75+;2\n",  # two scenarios in one file contradict each other
        encoding="cp1252",
    )
    assert (batch.read_count, batch.kept_count, batch.duplicate_count, batch.outside_count) == (16, 6, 1, 2)
    assert batch.rejected_count == 7
    assert batch.rejected_cell_count == 1
    values = projections.values(batch.frame, NOTHING)
    contracts.check_tables({"values": values})
    found = values.set_index(["level", "code", "indicator", "period"])["value"]
    assert found["departement", "14", "age75p_projected_count", "2022"] == 70123.5
    assert found["epci", "200068799", "age75p_projected_count", "2030"] == 7000
    assert found["commune", "14118", "age80p_projected_count", "2030"] == 5000
    assert np.isnan(found["commune", "14762", "age75p_projected_count", "2030"])
    assert values["status"].tolist() == ["estimated"] * 5 + ["missing"]


def test_codes_that_may_be_those_of_regions_are_not_taken_for_departements(tmp_path: Path) -> None:
    # 76 is Seine-Maritime and Occitanie, 28 Eure-et-Loir and Normandie.
    rows = "76;2030;75+;900000\n28;2030;75+;500000\n"
    assert read(tmp_path, "code;annee;age;personnes\n" + rows).rejected_count == 2
    named = read(
        tmp_path, "code;annee;age;personnes;niveau\n76;2030;75+;150000;Département\n76;2030;75+;900000;région\n"
    )
    assert (named.kept_count, named.rejected_count) == (1, 1)
    assert named.frame["persons_count"].tolist() == [150000]
    assert read(tmp_path, "code;annee;age;personnes\n14;2030;75+;85000\n" + rows).kept_count == 2


def test_a_file_of_another_form_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="annee"):
        read(tmp_path, "code;age;personnes\n14;75+;1\n")


def test_a_file_replaces_the_levels_that_it_leaves_out(tmp_path: Path) -> None:
    batch = read(tmp_path, "code;annee;age;personnes\n14;2030;75+;85000\n")
    held = pd.DataFrame(
        [["commune", "14118", "age75p_projected_count", "2030", 9000.0, "estimated", "insee_projections"]],
        columns=list(VALUE_COLUMNS),
    )
    values = projections.values(batch.frame, held)
    contracts.check_tables({"values": values})
    assert values.set_index("level")["status"].to_dict() == {"departement": "estimated", "commune": "missing"}


def figures(rows: list[tuple[str, str, int, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["level", "code", "year", "persons_count"])


def test_growth_is_that_of_the_nearest_level_which_covers_both_years() -> None:
    told = figures(
        [
            ("departement", "14", 2043, 140.0),
            ("departement", "14", 2018, 100.0),
            ("departement", "14", 2028, 150.0),
            ("departement", "14", 2038, 130.0),
            ("epci", "E", 2022, 50.0),
            ("epci", "E", 2030, 60.0),
            ("commune", "A", 2022, 0.0),  # nobody to grow from
            ("commune", "A", 2040, 12.0),
            ("commune", "B", 2022, 20.0),
            ("commune", "B", 2040, 30.0),
        ]
    )
    parents: dict[str, list[str | None]] = {
        "commune": ["A", "B", "C", "D"],
        "epci": ["E", "E", None, None],
        "departement": ["14", "14", "14", "50"],
    }
    # Département in 2022: 100 + 50 × 4 / 10 = 120; in 2030: 150 − 20 × 2 / 10 = 146; in 2040: 130 + 10 × 2 / 5 = 134.
    near = growth(told, parents, reference_year=2022, year=2030)
    assert near.level == ("epci", "commune", "departement", None)
    # B in 2030: 20 + 10 × 8 / 18.
    assert near.factor[:3] == pytest.approx([60 / 50, (20 + 80 / 18) / 20, 146 / 120])
    assert np.isnan(near.factor[3])
    far = growth(told, parents, reference_year=2022, year=2040)
    assert far.level == ("departement", "commune", "departement", None)  # the EPCI's stop in 2030
    assert far.factor[:3] == pytest.approx([134 / 120, 1.5, 134 / 120])
    assert np.isnan(growth(told, parents, reference_year=2010, year=2030).factor).all()


def test_the_regret_of_ageing_is_worked_out_again() -> None:
    place = np.array([0.0, 10.0, 20.0, 30.0])
    minutes = np.abs(place[:, None] - place[None, :])
    persons = np.array([100, 50, 40, 30])
    model = SitingModel(
        population_count=persons,
        concerned_count={"dechets": persons, "vieillissement": np.array([10, 5, 4, 3])},
        weights={"dechets": 1.0, "vieillissement": 10.0},
        is_counted=np.ones(4, dtype=bool),
        existing_min=minutes[:, [0]],
        offers=np.array([[True]]),
        is_kept=np.array([True]),
        candidate_min=minutes,
        services=("ressourcerie",),
        poles=1,
        objective="p_median",
        threshold_min=10.0,
    )
    solution = solve(model)
    assert solution.objective == 1600.0  # unit 2: 100 × 10 + 60 × 10
    futures = {"2030": {"vieillissement": np.array([1.0, 1.0, 1.0, 6.0])}, "2040": {"vieillissement": np.full(4, 2.0)}}
    first, second = (one for one in robustness(model, solution, futures=futures).cases if one.kind == "projection")
    # 2030: unit 3 weighs 30 + 10 × 18 = 210. Kept: 100 × 10 + 210 × 10; best, at unit 3: 100 × 10 + 80 × 10.
    assert (first.subject, first.objective, first.best_objective) == ("2030", 3100.0, 1800.0)
    assert first.regret == pytest.approx(1300 / 1800)
    # 2040: weights 150 and 90 of units 1 and 3; the proposal stays the best.
    assert (second.subject, second.objective, second.regret) == ("2040", 2400.0, 0.0)
    assert not [one for one in robustness(model, solution).cases if one.kind == "projection"]
