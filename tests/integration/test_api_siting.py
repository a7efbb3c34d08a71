"""Siting by the API and the page: the same answer as the command line, French refusals, whole without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from observatory import pipeline
from observatory.publish import siting as publication
from observatory.settings import Settings

ASKED = {
    "territory": "200068799",
    "defis": ["vieillissement"],
    "services": ["tiers_lieu"],
    "poles": 2,
    "objective": "mclp",
    "threshold_min": 20,
}
COUNTS = ("population_count", "served_count", "reachable_full_count", "out_of_reach_count")


@pytest.fixture(scope="module")
def client(computed_engine: sa.Engine, settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings)) as client:
        yield client


@pytest.fixture(scope="module")
def answer(client: TestClient) -> dict[str, Any]:
    response = client.post("/api/siting", json=ASKED)
    assert response.status_code == 200, response.text
    return response.json()


def test_an_answer_has_the_shape_of_the_contract(answer: dict[str, Any]) -> None:
    for solution in answer["solutions"]:
        assert solution["status"] in {"optimal", "feasible"}
        assert solution["objective"] <= solution["bound"]
        assert len([site for site in solution["sites"] if not site["is_existing"]]) == 2
        for ledger in (solution["ledger_before"], solution["ledger_after"]):
            total, *parts = (ledger[name] for name in COUNTS)
            assert total == sum(parts) == 47_385


def test_the_ledger_before_is_the_gap_of_the_territory(client: TestClient, answer: dict[str, Any]) -> None:
    query = "/api/gaps?defi=vieillissement&service=tiers_lieu&level=epci&territory=200068799"
    (row,) = client.get(query).json()["items"]
    ledger = answer["solutions"][0]["ledger_before"]
    assert {name: row[name] for name in COUNTS} == {name: ledger[name] for name in COUNTS}


def test_candidates_and_kept_structures_are_obeyed(client: TestClient) -> None:
    asked = {**ASKED, "services": ["ressourcerie"], "poles": 1, "candidates": ["14174", "14726"], "keep": []}
    solution = client.post("/api/siting", json=asked).json()["solutions"][0]
    (site,) = solution["sites"]
    assert site["code"] in {"14174", "14726"}
    assert solution["closure_effect"] < 0


def test_an_impossible_question_is_an_answer(client: TestClient) -> None:
    (solution,) = client.post("/api/siting", json={**ASKED, "poles": 20}).json()["solutions"]
    assert (solution["status"], solution["gap"], solution["sites"]) == ("infeasible", None, [])
    assert "17 sites candidats" in solution["reason"]


@pytest.mark.parametrize(
    ("changes", "status", "named"),
    [
        ({"poles": 0}, 422, "poles"),
        ({"poles": "deux"}, 422, "poles"),
        ({"objective": "tsp"}, 422, "p_median"),
        ({"services": ["piscine"]}, 422, "ressourcerie"),
        ({"defis": ["bonheur"]}, 422, "insertion"),
        ({"defis": {"dechets": -1}}, 422, "positif"),
        ({"territory": "999999999"}, 404, "999999999"),
        ({"territory": "28"}, 422, "intercommunalité"),
        ({"candidates": ["76384"]}, 422, "76384"),
        ({"threshold_min": 500}, 422, "threshold_min"),
    ],
)
def test_a_refusal_is_a_french_problem(client: TestClient, changes: dict[str, Any], status: int, named: str) -> None:
    response = client.post("/api/siting", json={**ASKED, **changes})
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    assert named in response.json()["detail"]


def test_the_page_shows_the_study_that_the_command_gives(client: TestClient, computed_engine: sa.Engine) -> None:
    page = client.get("/implantation?etude=caux-seine")
    assert page.status_code == 200
    with computed_engine.begin() as connection:
        document = publication.document(pipeline.site(connection, "caux-seine"))
    text = re.sub(r"\s", " ", page.text)
    assert document["run"][:12] in text
    for site in publication.new_sites(document["solutions"][0]):
        assert f"<h3>{site['name']}</h3>" in text
    for ledger in (document["solutions"][0]["ledger_before"], document["solutions"][0]["ledger_after"]):
        assert f"{ledger['out_of_reach_count']:,}".replace(",", " ") in text
    assert '<section class="cadre sources"' in page.text


def test_the_form_of_the_page_asks_and_is_refused_in_french(client: TestClient) -> None:
    asked = "/implantation?territory=200068799&services=ressourcerie&poles=1&objective=mclp&threshold_min=20"
    page = client.get(f"{asked}&defis=dechets")
    assert page.status_code == 200
    assert "Pourquoi ici" in page.text
    assert "17 sites candidats" in client.get(f"{asked}&defis=dechets".replace("poles=1", "poles=20")).text
    refused = client.get(asked)
    assert refused.status_code == 422
    assert "au moins un défi" in refused.text
    assert client.get("/implantation?etude=mars").status_code == 422
