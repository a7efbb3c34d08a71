"""Closing the regional border on the toy territory, by hand: who loses the site across it, and who flips."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from test_pipeline import TOY_STUDY

from observatory.publish.gap_report import GapReport
from observatory.publish.gap_rows import gap_report, to_csv


@pytest.fixture
def toy_study(tmp_path: Path) -> Path:
    path = tmp_path / "toy.toml"
    path.write_text(TOY_STUDY, encoding="utf-8")
    return path


def report(connection: sa.Connection, study: Path, level: str, *, closed: bool) -> GapReport:
    return gap_report(
        connection,
        defi="insertion",
        service="ressourcerie",
        level=level,
        threshold_min=15.0,
        closed_border=closed,
        study_path=study,
    )


def test_closed_border_by_hand(toy_connection: sa.Connection, toy_study: Path) -> None:
    """The site across the border, 10 minutes from 61902, goes; the next one is √(20² + 10²) = 22.4 minutes away.

    Nobody outside reaches the site of 14901, so its ratio stays 1/1150 and 14901 and 14902 keep their shares.
    """
    opened = {row["code"]: row for row in report(toy_connection, toy_study, "commune", closed=False).rows}
    closed = {row["code"]: row for row in report(toy_connection, toy_study, "commune", closed=True).rows}
    assert (opened["61902"]["served_count"], opened["61902"]["nearest_min"]) == (200, 10.0)
    lost = closed["61902"]
    assert (lost["served_count"], lost["reachable_full_count"], lost["out_of_reach_count"]) == (0, 0, 200)
    assert (lost["nearest_min"], lost["access_score"]) == (22.4, 0.0)
    for code in ("14901", "14902", "61901"):
        same = ("served_count", "reachable_full_count", "out_of_reach_count", "access_score", "typology")
        assert [closed[code][name] for name in same] == [opened[code][name] for name in same]
        assert not closed[code]["is_border_flip"]
    assert all(row["in_need_out_of_reach_count"] is None for row in closed.values())


def test_the_epci_that_loses_it_flips_and_the_ordinary_run_says_so(
    toy_connection: sa.Connection, toy_study: Path
) -> None:
    """EPCI 200000002: 200 of its 500 inhabitants were served (access 40 of 100), nobody is; the cut is 50."""
    opened, closed = (report(toy_connection, toy_study, "epci", closed=closed) for closed in (False, True))
    row = next(row for row in closed.rows if row["code"] == "200000002")
    assert (row["access_score"], row["out_of_reach_count"]) == (0.0, 500)
    assert next(one for one in opened.rows if one["code"] == "200000002")["access_score"] == 40.0
    flipped = {one["code"]: one["typology"] for one in closed.rows if one["is_border_flip"]}
    assert opened.parameters["border_flips"]["epci"] == flipped
    assert closed.parameters["closed_border"]
    assert closed.run_hash != opened.run_hash
    assert to_csv(closed).splitlines()[0].endswith("open_border_typology,is_border_flip")


def test_a_higher_cut_makes_it_flip(toy_connection: sa.Connection, tmp_path: Path) -> None:
    """With the cut of access at 30, the EPCI's 40 are enough with the border open, and 0 is not with it closed."""
    study = tmp_path / "cut.toml"
    study.write_text(TOY_STUDY.replace("access = 50.0", "access = 30.0"), encoding="utf-8")
    opened, closed = (report(toy_connection, study, "epci", closed=closed) for closed in (False, True))
    before = next(row for row in opened.rows if row["code"] == "200000002")
    after = next(row for row in closed.rows if row["code"] == "200000002")
    assert before["typology"] in {"couvert", "a_conforter"}
    assert after["typology"] in {"prioritaire", "a_surveiller"}
    assert after["is_border_flip"]
    assert after["open_border_typology"] == before["typology"]
    assert opened.parameters["border_flips"]["epci"] == {"200000002": after["typology"]}


def test_normandy_flips_are_those_of_the_run(connection: sa.Connection) -> None:
    asked = {"defi": "insertion", "service": "tiers_lieu", "level": "epci"}
    opened, closed = gap_report(connection, **asked), gap_report(connection, **asked, closed_border=True)
    flipped = {row["code"] for row in closed.rows if row["is_border_flip"]}
    assert flipped == set(opened.parameters["border_flips"]["epci"])
    population = [sum(row["population_count"] for row in one.rows) for one in (opened, closed)]
    assert population[0] == population[1]
    for row in closed.rows:
        parts = row["served_count"] + row["reachable_full_count"] + row["out_of_reach_count"]
        assert parts == row["population_count"]
