"""``observatory site``: the contract's JSON alone on standard output, French everywhere else, two studies compared."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from followed import shown

from api.app import create_app
from observatory import cli
from observatory.publish import siting_rows as publication

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


@pytest.fixture
def observatory(engine, settings, monkeypatch, capfdbinary):
    """Run a command on the bundled snapshot; return exit code, standard output, error stream."""
    monkeypatch.setenv("OBS_DATA_DIR", str(settings.data_dir))

    def run(*arguments: str) -> tuple[int, str, str]:
        capfdbinary.readouterr()
        code = cli.run(list(arguments))
        told = capfdbinary.readouterr()
        return code, told.out.decode("utf-8"), told.err.decode("utf-8")

    return run


def test_json_is_the_contract_and_nothing_else(observatory):
    code, out, err = observatory("site", "--study", "vire", "--format", "json")
    assert code == 0
    # What the lists lack and how old they are is said apart, on the error stream.
    assert all(line.startswith("Attention : ") for line in err.splitlines())
    document = json.loads(out)
    assert list(document)[:3] == ["solutions", "study", "run"]
    assert document["study"] == "vire"
    contract = ["sites", "objective", "bound", "gap", "status", "ledger_before", "ledger_after", "why"]
    for solution in document["solutions"]:
        assert list(solution)[:8] == contract
        assert [list(site)[:5] for site in solution["sites"]] == [
            ["code", "name", "lon", "lat", "is_existing"] for _ in solution["sites"]
        ]
    assert observatory("site", "--study", "vire", "--format", "json")[1] == out


def test_geojson_holds_the_same_sites(observatory):
    document = json.loads(observatory("site", "--study", "vire", "--format", "json")[1])
    points = json.loads(observatory("site", "--study", "vire", "--format", "geojson")[1])
    assert points["run"] == document["run"]
    sites = document["solutions"][0]["sites"]
    assert [one["id"] for one in points["features"]] == [site["code"] for site in sites]
    assert [one["geometry"]["coordinates"] for one in points["features"]] == [[s["lon"], s["lat"]] for s in sites]


def test_the_table_explains_and_two_runs_are_compared(observatory):
    code, out, err = observatory("site", "--study", "vire")
    assert code == 0
    assert "optimum prouvé" in out
    assert "Pourquoi" in err
    assert "friche de 6 000 m²" in err.lower()
    documents = [
        json.loads(observatory("site", "--study", name, "--format", "json")[1]) for name in ("vire", "caux-seine")
    ]
    runs = [document["run"] for document in documents]
    code, out, err = observatory("site", "compare", runs[0][:10], runs[1][:10])
    assert (code, err) == (0, "")
    assert "Intercom de la Vire au Noireau" in out
    assert "Caux Seine" in out
    assert all(run[:12] in out for run in runs)
    vire = documents[0]["solutions"][0]
    for ledger, words in (("ledger_before", "Hors de portée avant"), ("ledger_after", "Hors de portée après")):
        told = vire[ledger]["services"]
        counts = {one["service"]: f"{one['out_of_reach_count']:,}".replace(",", "\u202f") for one in told}
        (line,) = (line for line in out.splitlines() if words in line)
        assert f"Ressourceries et réemploi {counts['ressourcerie']}, Tiers-lieux {counts['tiers_lieu']}" in line
    assert "tiers_lieu" not in out


def test_an_impossible_study_is_a_sentence(observatory, tmp_path):
    study = tmp_path / "essai.toml"
    study.write_text(
        '[study]\nid = "essai"\ntitle = "Essai"\n[territory]\ncode = "200068799"\n[defis]\ndechets = 1\n'
        '[siting]\nservices = ["ressourcerie"]\npoles = 18\nobjective = "mclp"\nthreshold_min = 20\n',
        encoding="utf-8",
    )
    code, out, err = observatory("site", "--study", str(study), "--format", "json")
    assert code == 0
    (solution,) = json.loads(out)["solutions"]
    assert (solution["status"], solution["gap"]) == ("infeasible", None)
    code, out, err = observatory("site", "--study", str(study))
    assert "17 sites candidats" in err


@pytest.mark.parametrize(("name", "notebook"), [("vire", "06_vire"), ("caux-seine", "05_caux_seine")])
def test_the_command_the_notebook_and_the_page_give_one_answer(observatory, settings, name, notebook):
    document = json.loads(observatory("site", "--study", name, "--format", "json")[1])
    told = runpy.run_path(str(NOTEBOOKS / f"{notebook}.py"))
    alone = json.loads(publication.to_json(told["run"]))
    # The command adds what the day says of the age of sources: it isn't part of the answer.
    assert {key: alone[key] for key in alone if key != "warnings"} == {
        key: document[key] for key in document if key != "warnings"
    }
    with TestClient(create_app(settings)) as client:
        page = shown(client, f"/implantation?etude={name}")
    assert page.status_code == 200
    assert document["run"][:12] in page.text
    for site in document["joint"]["sites"]:
        assert f'<th scope="row">{site["name"]}</th>' in page.text


def test_compromises_are_printed_on_demand(observatory, tmp_path):
    study = tmp_path / "essai.toml"
    study.write_text(
        '[study]\nid = "essai"\ntitle = "Essai"\n[territory]\ncode = "200068799"\n[defis]\ndechets = 1\n'
        '[siting]\nservices = ["ressourcerie"]\npoles = 1\nobjective = "p_center"\nthreshold_min = 20\nsolutions = 1\n',
        encoding="utf-8",
    )
    code, out, err = observatory("site", "--study", str(study), "--pareto")
    assert code == 0
    assert "Compromis entre les buts" in out
    assert "Temps moyen des habitants" in out
    assert "minutes du lieu le plus éloigné" in err


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        ((), 2, "--study"),
        (("--study", "vire", "--format", "pdf"), 2, "geojson"),
        (("--study", "nulle-part.toml"), 1, "caux-seine"),
        (("compare", "zz", "yy"), 2, "hexadécimaux"),
        (("compare", "0123456789", "0123456789"), 1, "site --study"),
    ],
)
def test_a_wrong_command_is_one_french_sentence(observatory, arguments, code, named):
    told = observatory("site", *arguments)
    assert told[:2] == (code, "")
    assert named in told[2]
    assert len(told[2].strip().splitlines()) == 1
