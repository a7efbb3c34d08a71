"""The commands on Normandy: figures that add up, the same in every format; machine formats alone on standard output."""

import csv
import io
import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import geopandas as gpd
import pytest

from observatory import cli

COUNTS = ("population_count", "served_count", "reachable_full_count", "out_of_reach_count")
PERSONS = ("need_volume_count", "in_need_out_of_reach_count")
ASKED = ("gaps", "--defi", "vieillissement", "--service", "tiers_lieu")


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


@pytest.fixture
def rows(observatory):
    def read(level: str, *more: str) -> list[dict[str, str]]:
        code, out, err = observatory(*ASKED, "--level", level, "--format", "csv", *more)
        assert code == 0
        # What the lists lack and how old they are is said apart, on the error stream.
        assert all(line.startswith("Attention : ") for line in err.splitlines())
        return list(csv.DictReader(io.StringIO(out)))

    return read


def total(found: list[dict[str, str]], column: str) -> int:
    return sum(int(row[column] or 0) for row in found)


def test_seventy_one_epci_add_up_to_the_region_and_to_the_communes(rows):
    epci = rows("epci")
    assert len(epci) == len({row["code"] for row in epci}) == 71
    assert all(row["need_score"] and row["access_score"] and row["priority_score"] for row in epci)
    for row in epci:
        parts = [int(row[name]) for name in ("served_count", "reachable_full_count", "out_of_reach_count")]
        assert sum(parts) == int(row["population_count"]), row["name"]
    region, communes, departements = rows("region"), rows("commune"), rows("departement")
    assert (len(region), len(communes), len(departements)) == (1, 2644, 5)
    assert region[0]["population_count"] == "3339075"
    for column in COUNTS:
        assert total(epci, column) == total(communes, column) == total(departements, column) == total(region, column)
    assert "suppressed" not in {row["status"] for row in communes}
    for column in PERSONS:
        assert total(epci, column) == total(departements, column) == total(region, column) == total(communes, column)


def test_a_partial_epci_says_so(rows):
    partial = [row for row in rows("epci") if row["is_partial"] == "true"]
    assert partial
    assert all(row["note"] for row in partial)
    # Dreux is in Eure-et-Loir: only its communes of the Eure are counted.
    assert any("Dreux" in row["name"] for row in partial)


def test_a_territory_narrows_the_rows(rows):
    caux_seine = rows("commune", "--territory", "200010700")
    assert len(caux_seine) == 50
    assert total(caux_seine, "population_count") == int(rows("epci", "--territory", "200010700")[0]["population_count"])
    vire = rows("commune", "--territory", "14762")
    assert [(row["name"], row["population_count"]) for row in vire] == [("Vire Normandie", "17411")]
    assert len(rows("commune", "--territory", "200068799")) == 17


def test_qpv_say_that_their_population_is_unknown(rows):
    districts = rows("qpv")
    assert len(districts) == 63
    assert {(row["population_count"], row["typology"], row["status"]) for row in districts} == {
        ("", "indetermine", "missing")
    }
    assert all(row["nearest_min"] and row["note"] for row in districts)


def test_every_format_tells_the_same_figures(observatory, rows):
    code, out, err = observatory(*ASKED, "--level", "epci", "--format", "json")
    document = json.loads(out)
    assert (code, document["total"]) == (0, 71)
    assert err.splitlines() == [f"Attention : {warning}" for warning in document["warnings"]]
    assert list(document) == ["items", "total", "parameters", "sources", "warnings", "run"]
    assert document["sources"]
    assert all(source["licence"] and source["vintage"] for source in document["sources"])
    _, out, _ = observatory(*ASKED, "--level", "epci", "--format", "geojson")
    collection = json.loads(out)
    assert [feature["properties"] for feature in collection["features"]] == document["items"]
    assert collection["run"] == document["run"]
    assert {feature["geometry"]["type"] for feature in collection["features"]} <= {"Polygon", "MultiPolygon"}
    west, south, east, north = gpd.GeoDataFrame.from_features(collection["features"]).total_bounds
    assert -2 < west < east < 2
    assert 48 < south < north < 50.2
    for row, item in zip(rows("epci"), document["items"], strict=True):
        assert row["code"] == item["code"]
        assert {name: float(row[name]) for name in COUNTS} == {name: item[name] for name in COUNTS}


def test_the_table_is_plain_whole_and_says_its_sources_beside(observatory):
    code, out, err = observatory(*ASKED, "--level", "epci")
    assert code == 0
    assert "\x1b" not in out + err
    assert "…" not in out
    assert "Communauté d'agglomération Caux Seine Agglo" in out
    assert "3\u202f339\u202f075" in out
    assert "Total de 71 lignes" in out
    assert "Sources :" in err
    assert "Hors de portée : à plus de" in err
    assert "Licence" not in out


def test_what_insee_publishes_is_no_secret(observatory):
    code, out, err = observatory(*ASKED, "--level", "commune", "--territory", "200068799")
    assert code == 0
    assert "secret" not in out + err


def test_a_shorter_threshold_never_serves_more(rows):
    usual = {row["code"]: int(row["out_of_reach_count"]) for row in rows("commune")}
    shorter = {row["code"]: int(row["out_of_reach_count"]) for row in rows("commune", "--threshold-min", "5")}
    assert sum(shorter.values()) > sum(usual.values())
    assert all(shorter[code] >= out for code, out in usual.items())


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"--territory": "99999"}, "Aucun territoire n’a le code « 99999 »"),
        ({"--defi": "culture"}, "Le défi « culture » n’est pas dans l’étude : choisissez"),
        ({"--service": "boulangerie"}, "Le service « boulangerie » n’est pas dans l’étude : choisissez"),
        ({"--threshold-min": "0"}, "L’option --threshold-min attend un nombre d’au moins 1"),
        ({"--study": "nulle-part.toml"}, "Le fichier d’étude « nulle-part.toml » n’existe pas"),
    ],
)
def test_what_does_not_exist_is_told_in_one_sentence(observatory, changed, sentence):
    options = {"--defi": "insertion", "--service": "ess", "--level": "epci", **changed}
    code, out, err = observatory("gaps", *(part for pair in options.items() for part in pair))
    assert code == (1 if "--study" in changed else 2)
    assert out == ""
    assert err.startswith(sentence)
    assert err.count("\n") == 1


def test_computing_again_changes_nothing(observatory):
    assert observatory("compute")[0] == 0
    code, out, err = observatory("compute")
    assert (code, out) == (0, "")
    assert "Inchangé" in err


def test_a_gap_layer_is_exported_with_its_sources(observatory, rows, tmp_path):
    path = tmp_path / "lacunes.gpkg"
    code, out, err = observatory(
        "export", "--layer", "gaps-vieillissement-tiers_lieu-epci", "--format", "gpkg", "--out", str(path)
    )
    assert (code, out) == (0, "")
    assert "71 lignes" in err
    found = gpd.read_file(path, layer="gaps-vieillissement-tiers_lieu-epci")
    assert sorted(found["code"]) == sorted(row["code"] for row in rows("epci"))
    assert found["population_count"].sum() == 3339075
    assert len(gpd.read_file(path, layer="sources")) > 3


def test_an_export_that_cannot_be_written_is_told(observatory, tmp_path):
    path = tmp_path / "absent" / "epci.csv"
    code, _, err = observatory("export", "--layer", "epci", "--format", "csv", "--out", str(path))
    assert code == 1
    assert err == f"Le dossier « {path.parent} » n’existe pas : créez-le, ou choisissez un autre chemin.\n"


def test_the_map_is_one_file_that_loads_nothing(observatory, tmp_path):
    path = tmp_path / "carte.html"
    code, out, err = observatory("map", "--out", str(path))
    assert (code, out) == (0, "")
    assert "couches" in err
    text = path.read_text(encoding="utf-8")
    assert path.stat().st_size < 10e6
    outside_scripts = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"""<link|<img|<script[^>]+src|@import""", outside_scripts)
    for name in ("Lacune :", "Besoin :", "QPV, 63", "Zones France ruralités", "Tiers-lieux", "Ressourceries", "ESS"):
        assert name in text
    assert "Licence Ouverte 2.0" in text


def test_a_port_in_use_is_told_before_any_work(observatory):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, out, err = observatory("serve", "--port", str(port), "--prepare")
    assert (code, out) == (1, "")
    assert err.startswith(f"Le port {port} est déjà utilisé")
    assert err.count("\n") == 1


def test_serving_says_where_and_stops_on_ctrl_c(engine, settings, monkeypatch):
    monkeypatch.setenv("OBS_DATA_DIR", str(settings.data_dir))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from observatory.cli import main; main()", "serve", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert _answers(f"http://127.0.0.1:{port}/healthz", within_s=60)
            server.send_signal(signal.SIGINT)
            out, err = server.communicate(timeout=30)
        finally:
            server.kill()
    assert (server.returncode, out) == (0, "")
    assert err.splitlines()[0] == f"L’observatoire est servi sur http://127.0.0.1:{port} (Ctrl+C pour l’arrêter)."
    assert err.splitlines()[-1] == "Observatoire arrêté."


def _answers(address: str, *, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return answer.status == 200
        except OSError:
            time.sleep(0.2)
    return False
