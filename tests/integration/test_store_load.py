"""Loading: what is refused, what is replaced, what stays, and what happens when two do it at once."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
import toy_territory
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from observatory.errors import InputFileError
from observatory.store import migrate as migrations
from observatory.store.ingest.snapshot_load import load_snapshot
from observatory.store.migrate import LOCK_KEY
from observatory.store.tables import SCHEMA, Base


def _count(engine: sa.Engine, table: str) -> int:
    with engine.connect() as connection:
        return connection.exec_driver_sql(f"SELECT count(*) FROM observatory.{table}").scalar_one()


def test_load_counts_what_it_read_kept_and_refused(empty_engine: sa.Engine, toy_snapshot: Path) -> None:
    report = load_snapshot(empty_engine, toy_snapshot)

    assert report.status == "loaded"
    # 5 communes, 2 EPCI, 2 départements, region, zone d'emploi, commune déléguée, QPV, IRIS.
    assert report.rows["territories.parquet"] == 14
    counts = {
        one.source_id: (one.rows_read, one.rows_kept, one.rows_rejected, one.rows_duplicate, one.rows_outside)
        for one in report.sources
    }
    # As the snapshot's making counted them.
    assert counts["toy_directory"] == (9, 5, 1, 1, 2)
    assert counts["toy_census"] == (7, 6, 0, 0, 1)
    # As the snapshot holds them; the other directory's only record is the first one's ressourcerie.
    assert counts["toy_other_directory"] == (1, 0, 0, 1, 0)
    assert counts["toy_map"] == (14 + 18 + 6, 14 + 18 + 6, 0, 0, 0)
    with empty_engine.connect() as connection:
        rejected = connection.exec_driver_sql("SELECT file_name, line, scope FROM observatory.rejected_row").all()
        units = dict(connection.exec_driver_sql("SELECT source_id, row_count FROM observatory.source").all())
    assert sorted(rejected) == [("annuaire.csv", 7, "row"), ("recensement.csv", 3, "cell")]
    # Three communes have a share, the fourth's is missing but its active count is there; the IRIS makes five;
    # the populations of 72901, of the six groups and of the commune déléguée come from the census too.
    assert units["toy_census"] == 4 + 1 + 8
    assert units["toy_directory"] == 5


def test_geometry_is_stored_in_lambert_93_as_it_was_written(empty_engine: sa.Engine, toy_snapshot: Path) -> None:
    load_snapshot(empty_engine, toy_snapshot)
    with empty_engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT code, ST_SRID(geom), GeometryType(geom), ST_Area(geom), ST_X(point), ST_Y(point) "
            "FROM observatory.territory WHERE level = 'commune' ORDER BY code"
        ).all()
    assert rows == [
        ("14901", 2154, "MULTIPOLYGON", 1e8, 435_000, 6_875_000),
        ("14902", 2154, "MULTIPOLYGON", 1e8, 445_000, 6_875_000),
        ("61901", 2154, "MULTIPOLYGON", 1e8, 455_000, 6_875_000),
        ("61902", 2154, "MULTIPOLYGON", 1e8, 455_000, 6_865_000),
        ("72901", None, None, None, 455_000, 6_855_000),
    ]


def test_second_load_does_nothing(empty_engine: sa.Engine, toy_snapshot: Path) -> None:
    first = load_snapshot(empty_engine, toy_snapshot)
    second = load_snapshot(empty_engine, toy_snapshot)

    assert second.status == "unchanged"
    assert second.sources == first.sources
    assert _count(empty_engine, "ingest_run") == 4


def test_a_changed_file_replaces_the_data_and_keeps_the_runs(empty_engine: sa.Engine, tmp_path: Path) -> None:
    load_snapshot(empty_engine, toy_territory.write(tmp_path))
    with empty_engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO observatory.run (run_hash, kind, is_default, parameters, inputs, source_ids) "
            "VALUES ('abc', 'gap', true, '{}', '{}', '{}')"
        )
    zonings = toy_territory.frames()["zonings"].iloc[:-1]
    report = load_snapshot(empty_engine, toy_territory.write(tmp_path, zonings=zonings))

    assert report.status == "loaded"
    assert _count(empty_engine, "zoning") == 5
    assert _count(empty_engine, "run") == 1


def test_only_the_figures_that_differ_are_written(empty_engine: sa.Engine, tmp_path: Path) -> None:
    def figures() -> dict[tuple[str, str, str], tuple[float | None, str, int]]:
        with empty_engine.connect() as connection:
            rows = connection.exec_driver_sql(
                "SELECT code, indicator, period, value, status, xmin::text::bigint FROM observatory.indicator_value "
                "WHERE level = 'commune'"
            )
            return {tuple(row[:3]): tuple(row[3:]) for row in rows}  # type: ignore[misc]

    load_snapshot(empty_engine, toy_territory.write(tmp_path))
    before = figures()
    values = toy_territory.frames()["values"]
    values.loc[0, "value"] = 401.0  # 14901
    values.loc[7, ["value", "status"]] = [8.0, "observed"]  # 61902, missing until now
    load_snapshot(empty_engine, toy_territory.write(tmp_path, values=values.drop(index=1)))  # 14902 goes
    after = figures()

    changed = ("14901", "active_15_64_count", "2021"), ("61902", "unemployed_15_64_share", "2021")
    assert after[changed[0]][0] == 401.0
    assert before[changed[1]][:2] == (None, "missing")
    assert after[changed[1]][:2] == (8.0, "observed")
    assert set(before) - set(after) == {("14902", "active_15_64_count", "2021")}
    untouched = set(after) - set(changed)
    assert len(untouched) == 9
    assert {key: after[key] for key in untouched} == {key: before[key] for key in untouched}


def test_keys_and_indexes_are_back_after_the_first_load(empty_engine: sa.Engine, toy_snapshot: Path) -> None:
    load_snapshot(empty_engine, toy_snapshot)
    options = {"version_table_schema": SCHEMA, "include_schemas": True, "include_name": migrations.is_ours}
    with empty_engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []
        with pytest.raises(sa.exc.IntegrityError, match="fk_indicator_value_source_id"):
            connection.exec_driver_sql("UPDATE observatory.indicator_value SET source_id = 'nobody'")


def _twice(name: str) -> pd.DataFrame:
    frame = toy_territory.frames()[name]
    return pd.concat([frame, frame.iloc[[0]]])


def _with(name: str, row: int, **values: Any) -> pd.DataFrame:
    frame = toy_territory.frames()[name].copy()
    for column, value in values.items():
        frame[column] = frame[column].where(frame.index != row, value)
    return frame


def _bow_tie() -> pd.DataFrame:
    import shapely

    frame = toy_territory.frames()["territories"].copy()
    x, y = toy_territory.SQUARES["14901"]
    bow_tie = shapely.Polygon([(x, y), (x + 100, y + 100), (x + 100, y), (x, y + 100)])
    frame.loc[0, "geometry"] = bow_tie
    return frame


@pytest.mark.parametrize(
    ("file", "frame", "sentence"),
    [
        ("zonings", _twice("zonings"), "zonings, clé absente ou double : commune 14901 densite"),
        ("values", _with("values", 0, code="99999"), "values, territoire inconnu : commune 99999"),
        ("values", _with("values", 0, indicator="happiness"), "values, indicateur non déclaré : happiness"),
        ("values", _with("values", 0, source_id="nobody"), "values, source non déclarée au catalogue : nobody"),
        ("values", _with("values", 0, status="missing"), "valeur et statut se contredisent"),
        (
            "territories",
            _with("territories", 0, population_count=1001),
            "population de 1500, somme de ses communes 1501",
        ),
        ("territories", _with("territories", 0, point_x_m=2.35), "hors du domaine du Lambert-93 : commune 14901"),
        ("territories", _bow_tie(), "géométrie invalide : commune 14901"),
        ("territories", toy_territory.frames()["territories"].to_crs(4326), "Lambert-93 (EPSG:2154)"),
        ("structure_services", _with("structure_services", 0, structure_id="s9"), "structure inconnue : s9"),
        (
            "structures",
            _with("structures", 0, place_quality="unknown"),
            "point et qualité du lieu se contredisent : s1",
        ),
        (
            "structures",
            toy_territory.frames()["structures"].drop(columns="siret"),
            "Il manque à « structures.parquet » : siret",
        ),
        ("zonings", toy_territory.frames()["zonings"].iloc[:0], "« zonings.parquet » a 0 lignes"),
    ],
)
def test_a_bad_file_is_refused_and_the_former_data_stays(
    empty_engine: sa.Engine, tmp_path: Path, file: str, frame: pd.DataFrame, sentence: str
) -> None:
    load_snapshot(empty_engine, toy_territory.write(tmp_path))
    before = (
        _count(empty_engine, "indicator_value"),
        _count(empty_engine, "territory"),
        _count(empty_engine, "ingest_run"),
    )

    with pytest.raises(InputFileError) as caught:
        load_snapshot(empty_engine, toy_territory.write(tmp_path, **{file: frame}))

    assert sentence in str(caught.value)
    assert before == (
        _count(empty_engine, "indicator_value"),
        _count(empty_engine, "territory"),
        _count(empty_engine, "ingest_run"),
    )
    assert load_snapshot(empty_engine, toy_territory.write(tmp_path)).status == "unchanged"


def test_an_unreadable_or_absent_file_is_said_in_french(empty_engine: sa.Engine, toy_snapshot: Path) -> None:
    (toy_snapshot / "values.parquet").write_bytes(b"not parquet")
    with pytest.raises(InputFileError, match=r"« values\.parquet » est illisible"):
        load_snapshot(empty_engine, toy_snapshot)
    (toy_snapshot / "values.parquet").unlink()
    with pytest.raises(InputFileError, match=r"il manque « values\.parquet »"):
        load_snapshot(empty_engine, toy_snapshot)


def test_a_second_load_waits_for_the_first_and_says_whom_for(empty_engine: sa.Engine, toy_snapshot: Path) -> None:
    said: list[str] = []
    results: list[str] = []
    waiting = threading.Event()

    def tell(label: str, _done: int, _total: int) -> None:
        said.append(label)
        if label.startswith("En attente"):
            waiting.set()

    second = threading.Thread(target=lambda: results.append(load_snapshot(empty_engine, toy_snapshot, tell).status))
    with empty_engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL application_name = 'observatory ingest (claire, processus 12)'")
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK_KEY)))
        second.start()
        assert waiting.wait(10)
        second.join(1.5)
        assert second.is_alive()
        assert said[1:] == []  # it has read nothing yet
    second.join(30)

    assert results == ["loaded"]
    assert said[0].startswith("En attente de « observatory ingest (claire, processus 12) », commencé à ")
