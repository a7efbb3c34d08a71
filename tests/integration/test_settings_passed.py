"""Settings are passed: an application given its own never asks the environment, and a command line asks it once."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
import toy_territory
from fastapi.testclient import TestClient

from api.app import create_app
from observatory import cli
from observatory.declared.study_reading import read_study
from observatory.errors import ObservatoryError
from observatory.runs.access.travel_cost import travel_in_force
from observatory.settings import Settings
from observatory.store import loaded_travel
from observatory.store.engine import create_engine
from observatory.store.ingest.snapshot_load import load_snapshot

ROOT = Path(__file__).parents[2]
ADDRESSES = (
    "/api/gaps?defi=insertion&service=ressourcerie&level=commune",
    "/api/territories?level=commune",
    "/api/structures",
    "/api/isochrones?lon=0.3&lat=49.2",
    "/lacunes?defi=insertion&service=ressourcerie&level=commune",
    "/carte?defi=insertion&service=ressourcerie&level=commune",
    "/healthz",
)
STUDY = """
[study]
id = "toy"
title = "Étude de démonstration"
version = 1

[rules]
normalisation = "goalposts"
aggregation = "arithmetic"
min_weight_share = 0.6

[cuts]
need = 50.0
access = 50.0

[catchment]
threshold_min = 15.0

[weights.active]
label = "actifs"
level = "commune"
figure = "active_15_64_count"

[defis.insertion]
label = "Insertion"
volume_kind = "share_of_population"
volume_indicator = "unemployment"
volume_label = "chômeurs"

[[defis.insertion.indicators]]
id = "unemployment"
label = "Chômage"
unit = "%"
direction = 1
weight = 1.0
low = 0.0
high = 20.0
measure = { kind = "weighted_mean", level = "commune", figure = "unemployed_15_64_share", weight = "active" }

[services.ressourcerie]
threshold_min = 15.0

[services.tiers_lieu]
threshold_min = 15.0

[services.accompagnement]
threshold_min = 15.0
"""
"""It declares no travel of its own: what the operator loaded is looked for."""


@pytest.fixture
def own(empty_engine: sa.Engine, tmp_path: Path) -> Settings:
    """Settings that name everything: a database with the toy territory, a data directory, a study."""
    load_snapshot(empty_engine, toy_territory.write(tmp_path))
    (tmp_path / "etude.toml").write_text(STUDY, encoding="utf-8")
    url = empty_engine.url.render_as_string(hide_password=False)
    return Settings(database_url=url, data_dir=tmp_path / "data", study=tmp_path / "etude.toml", _env_file=None)


@pytest.fixture
def poison(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the environment name a database, a study and travel times that can't be read, and refuse pages."""
    elsewhere = tmp_path / "ailleurs" / "observatoire"
    elsewhere.mkdir(parents=True)
    (elsewhere / loaded_travel.NAME).write_bytes(b"rien")
    for name, value in {
        "OBS_DATA_DIR": str(elsewhere),
        "XDG_DATA_HOME": str(elsewhere.parent),
        "OBS_STUDY": str(tmp_path / "absente.toml"),
        "OBS_DATABASE_URL": "postgresql://personne@ailleurs.invalid/rien",
        "OBS_BASEMAP_URL": "https://ailleurs.invalid/{z}/{x}/{y}.png",
    }.items():
        monkeypatch.setenv(name, value)


def answers(settings: Settings) -> dict[str, tuple[int, str]]:
    with TestClient(create_app(settings)) as client:
        return {address: ((found := client.get(address)).status_code, found.text) for address in ADDRESSES}


def test_an_application_given_its_settings_never_asks_the_environment(
    own: Settings, request: pytest.FixtureRequest
) -> None:
    answers(own)  # analyses are worked out and stored; what follows reads them
    plain = answers(own)
    refused = {address: text for address, (status, text) in plain.items() if status != 200}
    assert [address for address in refused if "isochrones" not in address] == [], refused
    assert "Aucun réseau routier" in refused["/api/isochrones?lon=0.3&lat=49.2"]
    request.getfixturevalue("poison")
    assert answers(own) == plain


def test_travel_is_that_of_the_data_directory_the_connection_was_opened_with(own: Settings, poison: None) -> None:
    engine, study = create_engine(own), read_study(own.study)
    one = np.zeros(1, dtype=np.int64)
    times = loaded_travel.MatrixTimes(np.array([[523_000.0, 6_935_000.0]]), one, one, np.array([0.0]))
    with engine.connect() as connection:
        assert travel_in_force(connection, study).loaded is None
        stored = loaded_travel.store_matrix(times, label="durees.csv", path=loaded_travel.location(own))
        assert travel_in_force(connection, study).loaded == stored
    engine.dispose()
    other = sa.create_engine(engine.url)
    with other.connect() as connection, pytest.raises(ObservatoryError, match="create_engine"):
        travel_in_force(connection, study)
    other.dispose()


@pytest.mark.parametrize(
    "arguments",
    [["gaps", "--defi", "insertion", "--service", "ressourcerie", "--level", "commune"], ["access", "loaded"]],
)
def test_a_command_line_asks_the_environment_once(
    own: Settings, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    read = []

    def once() -> Settings:
        read.append(own)
        return own

    monkeypatch.setattr("observatory.settings.Settings", once)
    code = cli.run(arguments)
    assert (code, len(read)) == (0, 1), capsys.readouterr().err


def test_only_entry_points_read_the_environment() -> None:
    """Read in the code itself: a construction without arguments, or the process's own variables."""
    found = set()
    for path in [path for room in ("observatory", "api", "geodata") for path in (ROOT / room).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_built = isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Settings")
            if is_built or (isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"}):
                found.add(f"{path.relative_to(ROOT)} : {'Settings()' if is_built else ast.unparse(node)}")
    assert found == {
        "observatory/cli.py : os.environ",  # OBS_DEBUG, before any setting is known
        "observatory/commands/session.py : Settings()",
        "observatory/store/server/datadir.py : os.environ",  # where a user's data are, when the settings don't say
        "observatory/store/server/dump.py : os.environ",  # handed to PostgreSQL's own programs
        "observatory/store/server/processes.py : os.environ",  # the same
    }
