"""One source from its producer's file, and the two commands that load and list."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from observatory.commands import ingest as commands
from observatory.errors import InputFileError, NotComputedError, UsageError
from observatory.sources import registry
from observatory.sources.batch import Batch, Sieve
from observatory.sources.registry import Source, figures
from observatory.store import read
from observatory.store.ingest import file_ingest
from observatory.store.ingest.snapshot_load import load_snapshot


def _normalise(frame: pd.DataFrame, *, communes: set[str], file_name: str) -> Batch:
    """Keeps ``code;active``: one line is elsewhere, one can't be read."""
    sieve = Sieve(frame, "toy_census", file_name)
    sieve.leave_outside(~sieve.frame["code"].isin(communes))
    sieve.reject(sieve.frame["active"].eq("n.d."), "nombre illisible")
    return sieve.batch()


def _figures(kept: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "level": "commune",
            "code": kept["code"],
            "indicator": "active_15_64_count",
            "period": "2022",
            "value": kept["active"].astype(float),
            "status": "observed",
            "source_id": "toy_census",
        }
    )


SOURCE = Source(
    source_id="toy_census",
    fills=("values",),
    needs={"communes": "communes"},
    read=lambda path: pd.read_csv(path, sep=";", dtype=str).assign(line=lambda rows: rows.index + 2),
    normalise=_normalise,
    tables=figures(_figures),
)


@pytest.fixture
def loaded(empty_engine: sa.Engine, toy_snapshot: Path, monkeypatch: pytest.MonkeyPatch) -> sa.Engine:
    load_snapshot(empty_engine, toy_snapshot)
    declare(monkeypatch, SOURCE)
    return empty_engine


def declare(monkeypatch: pytest.MonkeyPatch, source: Source) -> None:
    """Make ``source`` the only one that is declared."""
    monkeypatch.setattr(registry, "find", {source.source_id: source}.get)


@pytest.fixture
def census(tmp_path: Path) -> Path:
    path = tmp_path / "rp.csv"
    path.write_text("code;active\n14901;410\n14902;n.d.\n75056;9\n", encoding="utf-8")
    return path


def _commune_figures(engine: sa.Engine) -> dict[tuple[str, str, str], float]:
    with engine.connect() as connection:
        found = read.values(connection, "commune")
    return {(row.code, row.indicator, row.period): row.value for row in found.itertuples()}


def test_a_file_replaces_the_figures_of_its_source_at_its_level(loaded: sa.Engine, census: Path) -> None:
    status, (report,) = file_ingest.ingest_file(loaded, "toy_census", census, accepts_fewer=True)

    assert status == "loaded"
    assert (report.rows_read, report.rows_kept, report.rows_rejected, report.rows_outside) == (3, 1, 1, 1)
    assert _commune_figures(loaded) == {("14901", "active_15_64_count", "2022"): 410.0}
    with loaded.connect() as connection:
        assert len(read.values(connection, "iris")) == 1  # the source's other levels stay
        assert read.rejected(connection, "toy_census")[0]["reason"] == "nombre illisible"
    assert file_ingest.ingest_file(loaded, "toy_census", census, accepts_fewer=True)[0] == "unchanged"


def test_the_snapshot_leaves_it_alone_until_it_changes(loaded: sa.Engine, census: Path, toy_snapshot: Path) -> None:
    file_ingest.ingest_file(loaded, "toy_census", census, accepts_fewer=True)
    assert load_snapshot(loaded, toy_snapshot).status == "unchanged"
    with loaded.connect() as connection:
        assert file_ingest.loaded_from_file(connection) == {"toy_census"}

    load_snapshot(loaded, toy_snapshot, force=True)
    assert ("14902", "active_15_64_count", "2021") in _commune_figures(loaded)
    with loaded.connect() as connection:
        assert file_ingest.loaded_from_file(connection) == set()


def test_a_file_that_contradicts_what_is_loaded_changes_nothing(
    loaded: sa.Engine, census: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _commune_figures(loaded)
    declare(monkeypatch, replace(SOURCE, tables=figures(lambda kept: _figures(kept).assign(code="99999"))))
    with pytest.raises(InputFileError, match="territoire inconnu : commune 99999"):
        file_ingest.ingest_file(loaded, "toy_census", census, accepts_fewer=True)
    pd.testing.assert_series_equal(pd.Series(_commune_figures(loaded)), pd.Series(before))


def test_what_can_not_be_loaded_is_said(loaded: sa.Engine, census: Path) -> None:
    with pytest.raises(UsageError, match="ne se charge que par l’instantané"):
        file_ingest.ingest_file(loaded, "toy_map", census)
    with pytest.raises(InputFileError, match="introuvable"):
        file_ingest.ingest_file(loaded, "toy_census", census.with_name("absent.csv"))
    census.write_text("code;active\n75056;9\n", encoding="utf-8")
    with pytest.raises(InputFileError, match=r"ne parle pas de la Normandie.*aucune gardée"):
        file_ingest.ingest_file(loaded, "toy_census", census, accepts_fewer=True)


def test_territories_come_first(empty_engine: sa.Engine, census: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch, SOURCE)
    with pytest.raises(NotComputedError, match="observatory ingest"):
        file_ingest.ingest_file(empty_engine, "toy_census", census)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"sources": ["insee_bpe"]}, "insee_bpe_2024"),
        ({"region": "11"}, "Normandie"),
        ({"from_file": [Path("a.csv")]}, "observatory ingest SOURCE --from-file FICHIER"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_is_opened(arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        commands.ingest(**arguments)  # type: ignore[arg-type]
    assert caught.value.exit_code == 2


def test_sources_lists_the_catalogue_and_what_was_rejected(
    toy_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setenv("OBS_DATABASE_URL", toy_engine.url.render_as_string(hide_password=False))
    commands.sources(format_="json")
    out, err = capfdbinary.readouterr()
    answer = json.loads(out)
    assert err == b""
    assert answer["total"] == 4
    one = next(item for item in answer["items"] if item["source_id"] == "toy_map")
    assert (one["row_count"], one["completeness_share"], one["published_date"]) == (4, 1.0, "2024-01-15")
    assert one["age_days"] > 365

    commands.sources()
    text = capfdbinary.readouterr().out.decode()
    assert "4 sur 4 (100,0 %)" in text
    assert "83,3 %" in text

    commands.sources(rejected=True)
    text = capfdbinary.readouterr().out.decode()
    assert "annuaire.csv" in text
    assert "sans nom" in text

    with pytest.raises(UsageError, match="xml"):
        commands.sources(format_="xml")
