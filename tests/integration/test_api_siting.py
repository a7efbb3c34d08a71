"""Siting by the API and the page: the same answer as the command line, French refusals, whole without JavaScript."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from followed import LONGEST_S, shown

from api.app import create_app
from observatory import pipeline
from observatory.publish import siting_rows as publication
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


def solved(client: TestClient, asked: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of a question: at once, or followed as a job."""
    response = client.post("/api/siting", json=asked)
    if response.status_code == 200:
        return response.json()
    assert response.status_code == 202, response.text
    job = response.json()
    assert response.headers["location"] == job["url"] == f"/api/jobs/{job['job']}"
    deadline = time.monotonic() + LONGEST_S
    while job["status"] in {"todo", "doing"} and time.monotonic() < deadline:
        time.sleep(0.2)
        job = client.get(job["url"]).json()
    assert (job["status"], job["error"]) == ("succeeded", None)
    assert job["progress"]["done"] == job["progress"]["total"] > 0
    return job["result"]


@pytest.fixture(scope="module")
def answer(client: TestClient) -> dict[str, Any]:
    return solved(client, ASKED)


def test_an_answer_has_the_shape_of_the_contract(answer: dict[str, Any]) -> None:
    for solution in answer["solutions"]:
        assert solution["status"] in {"optimal", "feasible"}
        assert solution["objective"] <= solution["bound"]
        assert len([site for site in solution["sites"] if not site["is_existing"]]) == 2
        for ledger in (solution["ledger_before"], solution["ledger_after"]):
            total, *parts = (ledger[name] for name in COUNTS)
            assert total == sum(parts) == 46_187


def test_the_ledger_before_is_the_gap_of_the_territory(client: TestClient, answer: dict[str, Any]) -> None:
    query = "/api/gaps?defi=vieillissement&service=tiers_lieu&level=epci&territory=200068799"
    (row,) = client.get(query).json()["items"]
    ledger = answer["solutions"][0]["ledger_before"]
    assert {name: row[name] for name in COUNTS} == {name: ledger[name] for name in COUNTS}


def test_candidates_and_kept_structures_are_obeyed(client: TestClient) -> None:
    asked = {**ASKED, "services": ["ressourcerie"], "poles": 1, "candidates": ["14174", "14726"], "keep": []}
    solution = solved(client, asked)["solutions"][0]
    (site,) = solution["sites"]
    assert site["code"] in {"14174", "14726"}
    assert solution["closure_effect"] < 0


def test_an_impossible_question_is_an_answer(client: TestClient) -> None:
    (solution,) = solved(client, {**ASKED, "poles": 20})["solutions"]
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
        ({"filters": {"is_riche": True}}, 422, "is_riche"),
        ({"filters": {"polygon": {"type": "Point", "coordinates": [0, 49]}}}, 422, "contour"),
        ({"layers": ["parkings"]}, 422, "parkings"),
        ({"pareto": ["bonheur"]}, 422, "bonheur"),
        ({"closable": [{"code": "x"}]}, 422, "budget"),
        ({"capacity_count": 100, "objective": "p_center"}, 422, "capacité"),
        ({"defis": "insertion"}, 422, "Paramètre « defis »"),
        ({"poles": True}, 422, "Paramètre « poles » : un nombre entier"),
        ({"seuil": 20}, 422, "« seuil »"),
        ({"incompatible": [["14762"]]}, 422, "« incompatible »"),
        ({"mesh": "iris"}, 422, "contour"),
        ({"pareto": ["uncovered_insertion"]}, 422, "Aucun des buts"),
        (
            {
                "joint": {
                    "note": "x",
                    "site_cost": 1,
                    "budget": 5,
                    "poles": 1,
                    "services": {"tiers_lieu": {"cost": 1, "defis": ["insertion"]}},
                }
            },
            422,
            "défi « insertion »",
        ),
    ],
)
def test_a_refusal_is_a_french_problem(client: TestClient, changes: dict[str, Any], status: int, named: str) -> None:
    response = client.post("/api/siting", json={**ASKED, **changes})
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    detail = response.json()["detail"]
    assert named in detail
    assert "constrained" not in detail


def test_a_declared_study_is_asked_by_its_name(client: TestClient, computed_engine: sa.Engine) -> None:
    with computed_engine.begin() as connection:
        run = pipeline.site(connection, "vire")
    found = solved(client, {"study": "vire"})
    assert found["run"] == run.run_hash
    assert {name: found[name] for name in run.document} == run.document
    for asked, named in (
        ({"study": "vire", "poles": 2}, "poles"),
        ({"study": "caen"}, "caux-seine"),
        ({}, "territory"),
    ):
        refused = client.post("/api/siting", json=asked)
        assert refused.status_code == 422
        assert named in refused.json()["detail"]


def test_the_page_tells_each_case_that_was_tried(client: TestClient, computed_engine: sa.Engine) -> None:
    with computed_engine.begin() as connection:
        tried = pipeline.site(connection, "vire").document["robustness"]
    page = html.unescape(plain(shown(client, "/implantation?etude=vire").text))
    assert f"Les {len(tried['cases'])} cas essayés, et ce que chacun choisirait" in page
    for case in tried["cases"]:
        assert f'<th scope="row">{case["label"]}</th>' in page


def test_a_question_may_be_at_the_mesh_of_a_study_among_its_neighbours(client: TestClient) -> None:
    asked = {**ASKED, "mesh": "commune_deleguee", "catchment": ["200035814"], "solutions": 1}
    about = solved(client, asked)["parameters"]
    assert about["unit_count"] > 17
    assert about["neighbour_unit_count"] == 42


def test_the_page_shows_the_study_that_the_command_gives(client: TestClient, computed_engine: sa.Engine) -> None:
    page = shown(client, "/implantation?etude=caux-seine")
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


def test_filters_limits_compromises_and_the_joint_pole_by_the_api(client: TestClient) -> None:
    # A square around Vire, inland; only its communes of 1,000 inhabitants or more, which are rural or not.
    square = [[-1.1, 48.7], [-0.6, 48.7], [-0.6, 49.0], [-1.1, 49.0], [-1.1, 48.7]]
    found = solved(
        client,
        {
            **ASKED,
            "services": ["ressourcerie"],
            "filters": {"polygon": {"type": "Polygon", "coordinates": [square]}, "min_population_count": 1000},
            "costs": {"note": "unités d’essai", "site": 2, "by_site": {"14762": 1}, "budget": 3},
            "incompatible": [["14762", "14726"]],
            "pareto": True,
            "joint": {
                "note": "unités d’essai",
                "site_cost": 1,
                "budget": 2,
                "poles": 1,
                "services": {"ressourcerie": {"cost": 1}},
            },
        },
    )
    best = found["solutions"][0]
    new = [site for site in best["sites"] if not site["is_existing"]]
    assert best["status"] == "optimal"
    assert 1 <= len(new) <= 2
    assert sum(1 if site["code"] == "14762" else 2 for site in new) <= 3
    assert not {"14762", "14726"} <= {site["code"] for site in new}
    assert all(-1.1 <= site["lon"] <= -0.6 and 48.7 <= site["lat"] <= 49.0 for site in new)
    assert found["parameters"]["candidate_count"] < 17
    front = found["pareto"]
    assert [aim["id"] for aim in front["aims"]] == ["mean_min", "worst_decile_min", "cost"]
    assert front["is_complete"]
    values = [tuple(one["values"].values()) for one in front["compromises"]]
    assert not any(
        other != one and all(a <= b for a, b in zip(other, one, strict=True)) for one in values for other in values
    )
    joint = found["joint"]
    assert joint["objective"] == joint["objective_before"] + sum(
        part["gain"] for site in joint["sites"] for part in site["services"]
    )


def test_a_place_that_no_filter_leaves_is_named(client: TestClient) -> None:
    asked = {**ASKED, "filters": {"min_population_count": 10_000_000}}
    (solution,) = solved(client, asked)["solutions"]
    assert "10\u202f000\u202f000 habitants" in solution["reason"]
    assert (solution["status"], "filtres" in solution["reason"]) == ("infeasible", True)


def test_a_job_may_be_cancelled_once_and_an_unknown_one_is_not_found(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.routes.siting.WAIT_S", 0.0)
    response = client.post("/api/siting", json={**ASKED, "threshold_min": 21.5})
    assert response.status_code == 202
    url = response.headers["location"]
    assert client.delete(url).json()["status"] == "cancelled"
    again = client.delete(url)
    assert (again.status_code, again.headers["content-type"]) == (409, "application/problem+json")
    assert client.get(url).json()["status"] == "cancelled"
    assert "annulé" in client.get(f"/implantation?calcul={url.rpartition('/')[2]}").text
    for method in ("get", "delete"):
        unknown = getattr(client, method)("/api/jobs/inconnu")
        assert (unknown.status_code, unknown.headers["content-type"]) == (404, "application/problem+json")


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def test_the_form_asks_within_a_budget_and_for_the_services_of_each_place(client: TestClient) -> None:
    form = (
        "/implantation?territory=200068799&services=ressourcerie&services=tiers_lieu&defis=vieillissement&poles=2"
        "&objective=mclp&threshold_min=20"
    )
    # Three units, two a place: one pole only, whatever the number asked for.
    limited = plain(shown(client, f"{form}&budget=3&cout_lieu=2").text)
    assert "Coût : 2 sur un budget de 3 (coûts et budget saisis sur la page" in limited
    assert 'name="budget" inputmode="decimal" maxlength="12" value="3"' in limited
    assert "Pôle commun" in limited
    joint = plain(shown(client, f"{form}&budget=4,5&cout_lieu=2&commun=1&cout_ressourcerie=2").text)
    assert "Le pôle commun : quels services, et où" in joint
    assert "Coût en tout : 3 sur 4,5" in joint  # a place at 2, a service at 1; one at 2 more would be too dear
    assert 'name="cout_ressourcerie" inputmode="decimal" maxlength="12" placeholder="1" value="2"' in joint
    assert "tous seraient ouverts" in client.get(f"{form}&commun=1").text
    for wrong in ("budget=beaucoup", "budget=-1", "budget=5&cout_lieu=x", "budget=5&commun=1&cout_tiers_lieu=inf"):
        refused = client.get(f"{form}&{wrong}")
        assert refused.status_code == 422
        assert "nombre positif" in refused.text


def test_what_a_proposal_costs_and_closes_is_said(client: TestClient) -> None:
    open_today = solved(client, ASKED)["solutions"][0]
    assert (open_today["cost"], open_today["closed"]) == (None, [])
    structure = next(site for site in open_today["sites"] if site["is_existing"])
    kept = [site["code"] for site in open_today["sites"] if site["is_existing"] and site is not structure]
    without = solved(client, {**ASKED, "keep": kept, "costs": {"note": "essai", "site": 2}})["solutions"][0]
    assert [one["code"] for one in without["closed"]] == [structure["code"]]
    assert without["closed"][0]["population_count"] >= 0
    assert without["cost"] == 4


def test_the_form_of_the_page_asks_and_is_refused_in_french(client: TestClient) -> None:
    asked = "/implantation?territory=200068799&services=ressourcerie&poles=1&objective=mclp&threshold_min=20"
    page = shown(client, f"{asked}&defis=dechets&compromis=true")
    assert page.status_code == 200
    assert "Pourquoi ici" in page.text
    assert "Les compromis entre les buts" in page.text
    assert "17 sites candidats" in re.sub(
        r"\s", " ", shown(client, f"{asked}&defis=dechets".replace("poles=1", "poles=20")).text
    )
    refused = client.get(asked)
    assert refused.status_code == 422
    assert "au moins un défi" in refused.text
    assert client.get("/implantation?etude=mars").status_code == 422
