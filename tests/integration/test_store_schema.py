"""The schema: the migrations say what the models say, and can be undone; a database that is down says so in French."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from observatory.errors import DatabaseUnavailableError, NotComputedError, UsageError
from observatory.settings import Settings
from observatory.store import migrate as migrations
from observatory.store.engine import _Starter, create_engine
from observatory.store.server.cluster import Cluster
from observatory.store.tables import SCHEMA, Base


def test_migrations_agree_with_the_models(empty_engine: sa.Engine) -> None:
    options = {"version_table_schema": SCHEMA, "include_schemas": True, "include_name": migrations.is_ours}
    with empty_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


def test_every_geometry_has_a_gist_index_and_every_constraint_a_name(empty_engine: sa.Engine) -> None:
    with empty_engine.connect() as connection:
        unindexed = connection.exec_driver_sql(
            "SELECT f_table_name, f_geometry_column FROM geometry_columns AS geometry "
            "WHERE f_table_schema = 'observatory' AND NOT EXISTS ("
            "SELECT 1 FROM pg_indexes WHERE schemaname = 'observatory' AND tablename = geometry.f_table_name "
            "AND indexdef LIKE '%%USING gist (' || geometry.f_geometry_column || ')')"
        ).all()
        srids = connection.exec_driver_sql(
            "SELECT DISTINCT srid FROM geometry_columns WHERE f_table_schema = 'observatory'"
        ).all()
    assert unindexed == []
    assert srids == [(2154,)]
    for table in Base.metadata.tables.values():
        assert all(constraint.name for constraint in table.constraints)


def test_down_and_up_again(empty_engine: sa.Engine) -> None:
    migrations.migrate(empty_engine, "base")
    with empty_engine.connect() as connection:
        left = sa.inspect(connection).get_table_names(schema=SCHEMA)
        assert left == ["alembic_version"]
        assert sa.inspect(connection).get_view_names(schema=SCHEMA) == []
    migrations.migrate(empty_engine)
    migrations.migrate(empty_engine)
    with empty_engine.connect() as connection:
        assert migrations.current_revision(connection) == migrations.head_revision()


def test_a_database_of_the_former_steps_is_brought_forward_with_its_data(empty_engine: sa.Engine) -> None:
    """The last of the eleven former steps left a schema of its own; what it holds is still there afterwards."""
    migrations.migrate(empty_engine, "0011")
    with empty_engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO observatory.source (source_id, title, producer, licence, url, vintage, coverage) "
            "VALUES ('insee', 'Populations', 'Insee', 'LO 2.0', 'https://insee.fr', '2022', 'complète')"
        )
        connection.exec_driver_sql(
            "INSERT INTO observatory.objective VALUES "
            "('epci', '200068799', 'insertion', 'job_seekers_count', 120.5, '2024', 90, '2027', 'délibération')"
        )
    migrations.migrate(empty_engine)
    with empty_engine.connect() as connection:
        assert migrations.current_revision(connection) == migrations.head_revision()
        objective = connection.exec_driver_sql("SELECT code, baseline_value FROM observatory.objective").all()
        assert [tuple(row) for row in objective] == [("200068799", 120.5)]
        assert connection.exec_driver_sql("SELECT title FROM observatory.source").scalars().all() == ["Populations"]


@pytest.mark.parametrize(
    ("revision", "sentence"), [("0010", "version qui précède, qui l’amène à l’étape 0011"), ("0999", "plus récente")]
)
def test_a_database_at_a_step_unknown_here_is_refused_and_left_alone(
    empty_engine: sa.Engine, revision: str, sentence: str
) -> None:
    with empty_engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE observatory.alembic_version SET version_num = '{revision}'")
    with pytest.raises(DatabaseUnavailableError, match=sentence):
        migrations.migrate(empty_engine)
    with empty_engine.connect() as connection:
        assert migrations.current_revision(connection) == revision
        assert sa.inspect(connection).has_table("territory", schema=SCHEMA)


def test_a_database_without_schema_says_what_to_do(empty_engine: sa.Engine) -> None:
    with empty_engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA observatory CASCADE")
    with empty_engine.connect() as connection, pytest.raises(NotComputedError, match="observatory ingest"):
        connection.exec_driver_sql("SELECT * FROM observatory.territory")


def test_a_role_that_may_not_add_postgis_is_told_so(cluster: Cluster, settings: Settings) -> None:
    admin = create_engine(settings)
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("CREATE ROLE reader LOGIN")
        connection.exec_driver_sql("CREATE DATABASE bare OWNER reader TEMPLATE template0")
    url = sa.make_url(cluster.url).set(username="reader", database="bare").render_as_string(hide_password=False)
    engine = create_engine(Settings(database_url=url, _env_file=None))
    try:
        with pytest.raises(DatabaseUnavailableError, match="CREATE EXTENSION postgis"):
            migrations.migrate(engine)
    finally:
        engine.dispose()
        with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("DROP DATABASE bare")
            connection.exec_driver_sql("DROP ROLE reader")
        admin.dispose()


def test_a_server_that_is_down_is_said_in_french() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    engine = create_engine(
        Settings(database_url=f"postgresql://someone:secret@127.0.0.1:{port}/nothing", _env_file=None)
    )
    with pytest.raises(DatabaseUnavailableError) as caught:
        engine.connect()
    assert "secret" not in str(caught.value)
    assert "OBS_DATABASE_URL" in str(caught.value)


@pytest.mark.parametrize("url", ["mysql://a@b/c", "n’importe quoi"])
def test_an_address_that_is_not_postgresql_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="postgresql://"):
        create_engine(Settings(database_url=url, _env_file=None))


def test_a_statement_that_lasts_too_long_is_stopped(cluster: Cluster) -> None:
    engine = create_engine(Settings(database_url=cluster.url, _env_file=None), statement_timeout_ms=50)
    with engine.connect() as connection, pytest.raises(DatabaseUnavailableError, match="trop de temps"):
        connection.exec_driver_sql("SELECT pg_sleep(5)")
    engine.dispose()


def test_a_connection_cut_by_the_server_is_said_then_the_next_works(cluster: Cluster) -> None:
    engine = create_engine(Settings(database_url=cluster.url, _env_file=None))
    with engine.connect() as connection, engine.connect() as other:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        other.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")
        with pytest.raises(DatabaseUnavailableError, match="réessayez"):
            connection.exec_driver_sql("SELECT 1")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
    engine.dispose()


@pytest.mark.slow
def test_a_killed_private_cluster_comes_back_at_the_next_connection(tmp_path: Path) -> None:
    import os
    import signal

    settings = Settings(data_dir=tmp_path / "observatory", _env_file=None)
    engine = create_engine(settings)
    cluster = Cluster(tmp_path / "observatory")
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE kept AS SELECT 1 AS one")
            directory = connection.exec_driver_sql("SHOW data_directory").scalar_one()
        pid = int((Path(directory) / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
        os.kill(pid, signal.SIGKILL)

        deadline = time.monotonic() + 30
        while True:
            try:
                with engine.connect() as connection:
                    assert connection.exec_driver_sql("SELECT one FROM kept").scalar_one() == 1
                break
            except DatabaseUnavailableError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
    finally:
        engine.dispose()
        cluster.destroy()


def test_a_cluster_that_fails_is_not_started_at_every_request() -> None:
    attempts = []

    def fail() -> None:
        attempts.append(1)
        raise DatabaseUnavailableError("en panne")

    starter = _Starter(fail)
    for _ in range(3):
        with pytest.raises(DatabaseUnavailableError, match="en panne"):
            starter.start()
    assert len(attempts) == 1


def test_one_thread_starts_the_cluster_while_the_others_wait() -> None:
    attempts = []

    def slow() -> None:
        attempts.append(1)
        time.sleep(0.2)

    starter = _Starter(slow)
    threads = [threading.Thread(target=starter.start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(attempts) == 1
