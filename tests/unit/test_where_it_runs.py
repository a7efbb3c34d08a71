"""What must not depend on where the observatory is installed, where its data is, or what terminal it speaks to."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from observatory.runs import job_queue
from observatory.settings import Settings
from observatory.store.engine import create_engine
from observatory.store.server import cluster, datadir


@pytest.mark.parametrize("name", ["mes données", "été à Vire", "a+b & c", "50 % d'ici"])
def test_pages_and_their_worker_reach_the_same_database(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Path("/tmp/o") / name  # nothing is made there; a longer path would put the socket elsewhere
    place = datadir.Place(data_dir=home, home=home, account=datadir.locate(Path("/tmp")).account)
    monkeypatch.setattr(datadir, "locate", lambda _: place)
    settings = Settings(data_dir=home, _env_file=None)
    engine = create_engine(settings)
    _, keywords = engine.dialect.create_connect_args(engine.url)
    assert keywords["host"] == str(home / "socket")
    for address in (cluster.cluster_for(settings).url, job_queue._pool(settings)["conninfo"]):
        assert conninfo_to_dict(address)["host"] == str(home / "socket")


NOISY = """
import os, sys
from observatory.terminal import only_answers
with only_answers():
    os.write(1, b"Running HiGHS 1.13\\n")
    print("bavard")
    sys.stdout.write({text!r})
sys.stdout.write("apres")
"""


def spoken(code: str, encoding: str) -> tuple[bytes, bytes]:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env={**os.environ, "PYTHONIOENCODING": encoding}, check=True
    )
    return done.stdout, done.stderr


def test_what_a_library_prints_is_never_part_of_the_answer() -> None:
    answer, told = spoken(NOISY.format(text='{"a": 1}\n'), "utf-8")
    assert answer == b'{"a": 1}\napres'
    assert b"Running HiGHS" in told
    assert b"bavard" in told


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", "l’été à Œuvre → 1 000 € \U0001f600"),
        ("latin-1", "l'été à OEuvre -> 1 000 EUR ?"),
        ("ascii", "l'ete a OEuvre -> 1 000 EUR ?"),
    ],
)
def test_a_terminal_of_another_encoding_reads_the_same_words(encoding: str, expected: str) -> None:
    answer, _ = spoken(NOISY.format(text="l’été à Œuvre → 1 000 € \U0001f600"), encoding)
    assert answer.decode(encoding) == f"{expected}apres"


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), (["gaps", "--defi"], 2), (["incônnu"], 2)])
def test_help_and_refusals_are_told_to_an_old_terminal(arguments: list[str], code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from observatory.cli import main; main()", *arguments],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "latin-1", "LC_ALL": "C"},
        check=False,
    )
    assert done.returncode == code
    said = done.stdout if code == 0 else done.stderr
    assert said.decode("latin-1").strip()
    assert "’".encode() not in said
    assert b"Traceback" not in done.stderr
    assert b"\\u" not in done.stderr


def test_a_built_package_finds_all_that_it_reads(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    if not (root / "node_modules" / "leaflet").is_dir():
        pytest.skip("« npm ci » n’a pas été lancé")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=root, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = """
from pathlib import Path
import geodata
from observatory.libraries import library
from observatory.publish import offline_page
from observatory.store.statements import statement
from api.app import STATIC
here = Path.cwd() / "site"
assert Path(offline_page.__file__).is_relative_to(here), offline_page.__file__
assert len(offline_page.leaflet_script()) > 100_000 and "data:image" in offline_page.leaflet_style()
served = {one.name for one in library("maplibre-gl").iterdir()}
assert served == {"maplibre-gl-csp.js", "maplibre-gl-csp-worker.js", "maplibre-gl.css"}
assert library("maplibre-gl").is_relative_to(here) and (STATIC / "css").is_dir()
assert geodata.SNAPSHOT.is_relative_to(here) and any(geodata.SNAPSHOT.glob("*.parquet"))
statement("102_territory")
"""
    subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=True, env={**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    )
