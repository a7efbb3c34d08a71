"""A directory of declarations and snapshot that the operator chooses goes before what is delivered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import geodata
from api.app import create_app
from observatory.cli import run
from observatory.declared import catalogue
from observatory.declared.region import home_region, use_region
from observatory.declared.services import offer
from observatory.declared.study_reading import read_study
from observatory.settings import Settings

DELIVERED = home_region()


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A region that declares itself and nothing else."""
    text = (geodata.ROOT / "region.toml").read_text(encoding="utf-8")
    (tmp_path / "region.toml").write_text(text.replace('name = "Normandie"', 'name = "Maine"'), encoding="utf-8")
    yield tmp_path
    use_region(None)


def test_what_a_directory_declares_goes_first_and_what_it_lacks_is_as_delivered(directory: Path) -> None:
    delivered = catalogue.sources(), read_study(), offer()
    use_region(directory)
    assert home_region().names.name == "Maine"
    assert (catalogue.sources(), read_study(), offer()) == delivered
    (directory / "studies").mkdir()
    for name in ("services.toml", "studies/defis.toml"):
        text = (geodata.ROOT / name).read_text(encoding="utf-8")
        (directory / name).write_text(text.replace("France services", "Guichets du Maine"), encoding="utf-8")
    changed = (directory / "studies" / "defis.toml").read_text(encoding="utf-8").replace("version = ", "version = 9", 1)
    (directory / "studies" / "defis.toml").write_text(changed, encoding="utf-8")
    assert "Guichets du Maine" in str(offer().services)
    assert read_study().version > delivered[1].version
    use_region(None)
    assert home_region() == DELIVERED
    assert read_study() == delivered[1]


def test_a_snapshot_is_never_that_of_another_region(directory: Path) -> None:
    use_region(directory)
    assert geodata.snapshot() == directory.resolve() / "snapshot"


def test_the_setting_chooses_for_commands_and_pages(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OBS_GEODATA_DIR", str(directory))
    out = directory / "dictionary.md"
    assert run(["snapshot", "dictionary", "--out", str(out)]) == 0
    assert out.is_file()
    assert home_region().names.name == "Maine"
    create_app(Settings(_env_file=None, geodata_dir=None))
    assert home_region() == DELIVERED
    create_app(Settings(_env_file=None))
    assert home_region().names.name == "Maine"
    (directory / "region.toml").unlink()
    assert run(["snapshot", "dictionary", "--out", str(out)]) == 1
    assert "ne contient pas « region.toml »" in capsys.readouterr().err
