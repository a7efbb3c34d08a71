"""What is said of all of Normandy, against the rows it comes from; and the page of gaps against the database."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from observatory.declared.study_reading import read_study
from observatory.need.uncertainty import dominance, monte_carlo, total_indices
from observatory.publish.gap_report import GapReport
from observatory.publish.gap_rows import gap_report
from observatory.publish.profile_text import sections
from observatory.runs.gap.regional_profile import Profiles
from observatory.runs.loaded_inputs import read_inputs
from observatory.runs.need.need_run import need_run
from observatory.runs.need.ranking import indicator_frame
from observatory.settings import Settings
from observatory.words import labels, numbers

ASKED = {"defi": "insertion", "service": "ess"}


@pytest.fixture
def computed(computed_engine: sa.Engine) -> Iterator[sa.Connection]:
    with computed_engine.connect() as connection:
        transaction = connection.begin()
        yield connection
        transaction.rollback()


def communes(connection: sa.Connection) -> tuple[GapReport, pd.DataFrame]:
    report = gap_report(connection, level="commune", **ASKED)
    return report, pd.DataFrame(report.rows).set_index("code")


def test_toy_neighbours_by_hand(toy_connection: sa.Connection) -> None:
    """Alphaville – Bêta – Gamma in a row, Gamma-le-Vieux under Gamma: it touches Bêta by a corner."""
    assert Profiles(toy_connection, read_inputs(toy_connection)).neighbours == {
        "14901": ["14902"],
        "14902": ["14901", "61901", "61902"],
        "61901": ["14902", "61902"],
        "61902": ["14902", "61901"],
    }


def test_depth_is_that_of_the_published_rows(computed: sa.Connection) -> None:
    """Those under the cut are counted again from the rows; communes under secrecy count by their estimates."""
    report, rows = communes(computed)
    need = need_run(computed, read_study(), "insertion", inputs=read_inputs(computed))
    persons = need.volume_estimates.reindex(rows.index).fillna(0).astype(float)
    depth = report.profile["depth"]
    (region,) = depth["region"]
    lacking = np.clip((depth["line_score"] - rows["access_score"].astype(float)) / depth["line_score"], 0, None)
    assert region["persons_count"] == persons.sum()
    assert region["lacking_count"] == persons[lacking > 0].sum()
    assert region["depth"] == pytest.approx((persons * lacking).sum() / persons.sum(), abs=1e-4)
    assert region["severity"] == pytest.approx((persons * lacking**2).sum() / persons.sum(), abs=1e-4)
    for name in ("densite", "frr", "departement"):
        assert sum(one["lacking_count"] for one in depth[name]) == region["lacking_count"], name
    # Few persons, and those of a total that is withheld, are left out.
    assert 0.99 < sum(one["lacking_count"] or 0 for one in depth["epci"]) / region["lacking_count"] <= 1


def test_areas_are_communes_of_one_kind_that_touch(computed: sa.Connection) -> None:
    report, rows = communes(computed)
    clusters = report.profile["clusters"]
    near = Profiles(computed, read_inputs(computed)).neighbours
    for area in clusters["areas"]:
        left, reached = set(area["communes"]), [area["communes"][0]]
        left.discard(reached[0])
        while reached:
            touching = left & set(near[reached.pop()])
            left -= touching
            reached += touching
        assert not left, area["name"]
        assert area["population_count"] == rows.loc[area["communes"], "population_count"].sum()
    deficits = [one for one in clusters["areas"] if one["kind"] == "besoin_fort_acces_faible"]
    codes = [code for area in deficits for code in area["communes"]]
    assert len(codes) == len(set(codes)) == clusters["significant_count"]["besoin_fort_acces_faible"] > 0
    assert (rows.loc[codes, "need_score"] > rows["need_score"].mean()).all()


def test_estimated_volumes_add_up_to_the_published_totals(computed: sa.Connection) -> None:
    volume = communes(computed)[0].profile["volume"]
    query = sa.text(
        "SELECT code, value FROM observatory.indicator_value WHERE indicator = 'job_seekers_count' "
        "AND level = 'departement' AND period = :period"
    )
    published = {row.code: row.value for row in computed.execute(query, {"period": volume["period"]})}
    assert {one["code"]: (one["volume"], one["status"]) for one in volume["departement"]} == {
        code: (value, "observed") for code, value in published.items()
    }
    assert sum(one["volume"] for one in volume["epci"]) == sum(published.values())
    assert all(one["volume_low"] <= one["volume"] <= one["volume_high"] for one in volume["epci"])


def test_the_ranking_is_that_of_the_draws_and_its_weights_sum_to_one(computed: sa.Connection) -> None:
    """Surely above is surely below seen from the other side; what is stored is what the pure functions give."""
    ranking = communes(computed)[0].profile["ranking"]
    found = pd.DataFrame(ranking["dominance"]).set_index("code")
    assert len(found) == 71
    assert ranking["pair_count"] == 71 * 70 // 2
    assert found["above_count"].sum() == found["below_count"].sum() == ranking["sure_pair_count"] > 1000
    assert (found["above_count"] + found["below_count"] <= 70).all()
    assert sum(one["effective_weight"] for one in ranking["indicators"]) == pytest.approx(1.0, abs=0.01)
    assert sum(one["weight"] for one in ranking["indicators"]) == pytest.approx(1.0)
    study, inputs = read_study(), read_inputs(computed)
    need = need_run(computed, study, ASKED["defi"], inputs=inputs)
    values = indicator_frame(need, study.need(ASKED["defi"]), "epci")
    share = dominance(monte_carlo(values, study.need(ASKED["defi"]), draw_count=ranking["draws"], seed=ranking["seed"]))
    assert found["above_count"].equals((share >= ranking["sure_share"]).sum(axis="columns").rename("above_count"))
    index = total_indices(values, study.need(ASKED["defi"]), seed=ranking["seed"])
    assert ranking["choices"]["normalisation"] == round(index["normalisation"], 3) > 0.3
    assert 0 < ranking["moran"]["statistic"] < 1
    assert ranking["moran"]["p_value"] == 0.001
    assert 0 <= ranking["s_maup"] <= 1


def test_the_page_shows_what_is_stored(computed_engine: sa.Engine, settings: Settings) -> None:
    with computed_engine.begin() as connection:
        report = gap_report(connection, level="departement", **ASKED)
        parts = sections(report)
    with TestClient(create_app(settings)) as client:
        page = client.get("/lacunes", params={"level": "departement", **ASKED}).text
        document = client.get("/api/gaps", params={"level": "departement", "explain": True, **ASKED}).json()
        assert "profile" not in client.get("/api/gaps", params={"level": "departement", **ASKED}).json()
    text = html.unescape(re.sub(r"<[^>]+>", "|", page))
    table = page.index('<table class="lacunes">')
    for row in report.rows:
        start = page.index(f'/territoires/departement/{row["code"]}"', table)
        line = html.unescape(page[start : page.index("</tr>", start)])
        assert labels.verdict(row["verdict"], row["verdict_share"]) in line
        assert f"rang {numbers.rank_interval(row['rank_low'], row['rank_high'])}<" in line
        assert f">{numbers.count(row['out_of_reach_count'])}<" in line
    assert [part.id for part in parts] == ["poches", "profondeur", "quartiers", "volumes", "classement"]
    for part in parts:
        for sentence in part.sentences:
            assert re.sub(r"\s", "", sentence) in re.sub(r"\s", "", text)
        for cells in part.rows:
            assert re.sub(r"\s", "", "".join(cells)).replace("'", "’") in re.sub(r"[\s|]", "", text), cells
    assert document["profile"] == json.loads(json.dumps(report.profile))
