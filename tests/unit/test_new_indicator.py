"""An indicator is added by two files alone: its field in ``fields.toml``, its place in a défi in ``defis.toml``."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

import geodata
from observatory.declared import catalogue
from observatory.declared.need_study import NeedStudy
from observatory.declared.study_reading import DEFAULT_STUDY, read_study
from observatory.need import aggregate, indicator_table, normalise
from observatory.runs.need.need_figures import figure_names

FIELD = """
[fields.repair_visits_count]
label = "Visites d’ateliers de réparation"
unit = "visites"
description = "Indicateur d’essai."
levels = ["commune"]
sources = ["insee_rp_2021"]
"""
INDICATOR = """
[[defis.dechets.indicators]]
id = "repair_visits_pct"
label = "Visites d’ateliers de réparation pour 100 habitants"
unit = "visites pour 100 habitants"
denominator = "population"
vintage = "2021"
source = "insee_rp_2021"
direction = -1
weight = 1.0
low = 0.0
high = 40.0
goalposts_note = "Bornes d’essai."
measure = { kind = "ratio", level = "commune", figure = "repair_visits_count", over = "population_count", scale = 100 }
"""
BEFORE = '[[defis.dechets.indicators]]\nid = "reuse_nearest_min"'


@pytest.fixture
def added(tmp_path: Path) -> NeedStudy:
    """The need of the défi, from copies of the two files to which the indicator was added."""
    shutil.copy(geodata.ROOT / "catalog.toml", tmp_path)
    (tmp_path / "fields.toml").write_text((geodata.ROOT / "fields.toml").read_text(encoding="utf-8") + FIELD)
    text = geodata.path(DEFAULT_STUDY).read_text(encoding="utf-8")
    assert text.count(BEFORE) == 1
    (tmp_path / "defis.toml").write_text(text.replace(BEFORE, INDICATOR + BEFORE), encoding="utf-8")
    assert catalogue.loaded_fields(tmp_path)["repair_visits_count"].unit == "visites"
    return read_study(tmp_path / "defis.toml").need("dechets")


def test_a_made_up_indicator_counts_in_the_need_of_every_level(added: NeedStudy) -> None:
    communes, names = pd.Index(["c1", "c2"]), sorted(figure_names(added))
    assert {"repair_visits_count", "population_count"} <= set(names)
    commune = pd.DataFrame(1.0, index=communes, columns=[*names, "reuse_nearest_min", "catchment_population_count"])
    commune = commune.assign(population_count=[100.0, 300.0], repair_visits_count=[20.0, 0.0])
    table = indicator_table(
        added,
        figures={"commune": commune, "departement": pd.DataFrame(1.0, index=["d"], columns=names)},
        parents={
            ("commune", level): pd.Series(place, index=communes)
            for level, place in (("epci", "e"), ("departement", "d"))
        },
        population_count=commune["population_count"],
        levels=("epci",),
    )
    # 20 visits for 100 inhabitants, none for 300: 20 % and 0 %; 20 for 400 in the EPCI: 5 %.
    assert table.indicators["commune"]["repair_visits_pct"].tolist() == [20.0, 0.0]
    assert table.indicators["epci"]["repair_visits_pct"].tolist() == [5.0]
    # Fewer visits is more need: 20 of 40 is half of the way, none is all of it.
    scores = normalise(table.indicators["commune"], added)
    assert scores["repair_visits_pct"].tolist() == [50.0, 100.0]
    # The three others are the same in both communes, and weigh as much as it does, together: the scores are 25 apart.
    score = aggregate(scores, added)["score"]
    assert score["c2"] - score["c1"] == pytest.approx(25.0)
