"""How sure real rows are, and whether what is said of them agrees with what is stored."""

from __future__ import annotations

import json

import pandas as pd
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from observatory import cli
from observatory.declared.study_reading import read_study
from observatory.publish.gap_explanation import ADDED, explained
from observatory.publish.gap_report import GapReport
from observatory.publish.gap_rows import gap_report, to_csv, to_json
from observatory.runs.gap.certainty import COLUMNS, Certainties
from observatory.runs.gap.gap_request import GapRequest
from observatory.runs.loaded_inputs import Inputs, read_inputs
from observatory.runs.need.need_figures import computed_figures
from observatory.runs.need.need_run import NeedRun, need_run
from observatory.settings import Settings

ASKED = {"defi": "insertion", "service": "accompagnement"}


@pytest.fixture
def inputs(connection: sa.Connection) -> Inputs:
    return read_inputs(connection)


@pytest.fixture
def need(connection: sa.Connection, inputs: Inputs) -> NeedRun:
    return need_run(connection, read_study(), "insertion", inputs=inputs)


def judged(connection: sa.Connection, level: str, need: NeedRun, inputs: Inputs) -> tuple[GapReport, pd.DataFrame]:
    report = gap_report(connection, level=level, **ASKED)
    request = GapRequest.of(read_study(), threshold_min=None, **ASKED)
    return report, Certainties(connection, inputs).rows(request, level=level, need=need)


@pytest.mark.parametrize("level", ["epci", "departement", "commune"])
def test_certainty_agrees_with_the_stored_rows(
    connection: sa.Connection, level: str, need: NeedRun, inputs: Inputs
) -> None:
    """The study's own choice is one of those judged: a choice that flips the answer leaves the share short of all."""
    report, sure = judged(connection, level, need, inputs)
    rows = pd.DataFrame(report.rows).set_index("code")
    scored = rows.index[rows["need_score"].notna()]
    found = sure.loc[scored]
    # What is stored is what would be worked out again.
    for column in COLUMNS:
        kept, again = rows.loc[scored, column], found[column]
        assert kept.tolist() == (again.astype(int) if column.startswith("rank") else again).tolist(), column
    assert set(sure.index) == set(rows.index)
    assert (found["score_low"] <= found["score_high"]).all()
    assert found["rank_low"].min() == 1
    assert (found["rank_low"] <= found["rank_high"]).all()
    assert found["rank_high"].max() <= len(scored)
    assert found["verdict_share"].between(0, 1).all()
    is_deficit = rows.loc[scored, "typology"] == "prioritaire"
    assert (found["is_deficit"].astype(bool) == is_deficit).all()
    assert (found.loc[is_deficit, "verdict_share"] > 0).all()
    assert (found.loc[~is_deficit, "verdict_share"] < 1).all()
    flipped = found["flips"].map(len) > 0
    assert flipped.any() or level == "departement"
    assert found.loc[flipped, "verdict_share"].between(0, 1, inclusive="neither").all()
    assert (found["rank_low"] <= found["rank_median"]).all()
    assert (found["rank_median"] <= found["rank_high"]).all()
    # A greater need ranks better: the order of the scores and that of the ranks nearly agree.
    order = rows.loc[scored, "need_score"].astype(float).rank(ascending=False)
    assert order.corr(found["rank_low"].astype(float)) > 0.8


def test_the_region_has_no_rank_to_hold_and_qpv_no_score(
    connection: sa.Connection, need: NeedRun, inputs: Inputs
) -> None:
    _, region = judged(connection, "region", need, inputs)
    assert region["rank_high"].isna().all()
    assert region["verdict_share"].between(0, 1).all()
    _, qpv = judged(connection, "qpv", need, inputs)
    assert qpv.empty


def test_every_epci_is_explained(connection: sa.Connection) -> None:
    report = explained(connection, gap_report(connection, level="epci", **ASKED))
    assert len(report.rows) == 71
    for row in report.rows:
        assert row["name"][1:] in row["explanation"]
        assert f"{row['need_score']:.1f}".replace(".", ",") in row["explanation"]
        assert "None" not in row["explanation"]
        assert "nan" not in row["explanation"]
        assert 1 <= row["rank_low"] <= row["rank_high"] <= 71
        assert row["verdict"] in {"robuste", "fragile", "absent"}
        assert sum(one["contribution"] for one in row["contributions"]) == pytest.approx(row["need_score"])
    said = {row["code"]: row["explanation"] for row in report.rows}
    assert said["200010700"].startswith("Pour le défi «")
    assert "la communauté d'agglomération Caux Seine Agglo" in said["200010700"]
    assert "choix de méthode" in said["200010700"]
    assert "la communauté de communes Intercom de la Vire au Noireau" in said["200068799"]
    header, first, *_ = to_csv(report).splitlines()
    assert header.endswith(
        ",note,rank_low,rank_median,rank_high,verdict_share,verdict,score_low,score_high,flips,near_threshold_count"
        ",contributions,explanation"
    )
    assert first.split(",")[1] == report.rows[0]["code"]
    item = json.loads(to_json(report))["items"][0]
    assert tuple(item)[-2:] == ADDED
    assert item["verdict_share"] == report.rows[0]["verdict_share"]


def test_qpv_are_explained_without_a_score(connection: sa.Connection) -> None:
    report = explained(connection, gap_report(connection, level="qpv", **ASKED))
    assert all("n’est pas connu" in row["explanation"] for row in report.rows)
    assert {row["verdict_share"] for row in report.rows} == {None}


def test_the_api_explains_the_rows_of_a_page(engine: sa.Engine, settings: Settings) -> None:
    address = "/api/gaps?defi=insertion&service=accompagnement&level=epci"
    with TestClient(create_app(settings)) as client:
        plain = client.get(address).json()["items"]
        page = client.get(f"{address}&explain=true&limit=2&offset=1").json()
        table = client.get(f"{address}&explain=true&format=csv&limit=1").text.splitlines()
    assert page["total"] == 71
    assert [{name: row[name] for name in plain[0]} for row in page["items"]] == plain[1:3]
    assert all(row["explanation"].startswith("Pour le défi «") for row in page["items"])
    assert table[0].endswith(",contributions,explanation")
    assert len(table) == 2


def test_the_command_explains_in_sentences(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OBS_DATA_DIR", str(settings.data_dir))
    asked = ["gaps", "--defi", "insertion", "--service", "accompagnement", "--level", "epci", "--explain"]
    assert cli.run([*asked, "--territory", "200010700"]) == 0
    told = capfd.readouterr().out
    assert "\nCommunauté d'agglomération Caux Seine Agglo (200010700)\nPour le défi «" in told
    assert "choix de méthode" in told


def test_longer_drives_change_the_need_that_counts_them(connection: sa.Connection, inputs: Inputs) -> None:
    """Minutes to the nearest ressourcerie follow the factor; fewer inhabitants are near; the answer stays its own."""
    study = read_study()
    figures = {
        factor: computed_figures(connection, study, study.need("dechets"), inputs, travel_factor=factor)[0]
        for factor in (0.85, 1.0, 1.15)
    }
    minutes, around = "reuse_nearest_min", "catchment_population_count"
    assert (figures[1.15][minutes] / figures[1.0][minutes]).dropna().round(6).unique().tolist() == [1.15]
    assert (figures[1.15][around] <= figures[1.0][around]).all()
    assert (figures[1.0][around] <= figures[0.85][around]).all()
    assert figures[1.15][around].sum() < 0.9 * figures[1.0][around].sum()
    asked = {"defi": "dechets", "service": "tiers_lieu"}
    rows = pd.DataFrame(gap_report(connection, level="epci", **asked).rows).set_index("code")
    need = need_run(connection, study, "dechets", inputs=inputs)
    request = GapRequest.of(study, threshold_min=None, **asked)
    sure = Certainties(connection, inputs).rows(request, level="epci", need=need).loc[rows.index]
    assert (sure["is_deficit"].astype(bool) == (rows["typology"] == "prioritaire")).all()
    assert (sure["verdict_share"] == rows["verdict_share"]).all()
    assert any(any(flip.startswith("trajets") for flip in flips) for flips in sure["flips"])
