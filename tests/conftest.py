"""Root fixtures: one private PostGIS for the whole session, migrated once; every test's transaction is rolled back."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import sqlalchemy as sa
import toy_territory

import geodata
from observatory.settings import Settings
from observatory.store.engine import create_engine
from observatory.store.ingest.snapshot_load import load_snapshot, migrate
from observatory.store.server.cluster import Cluster

hypothesis.settings.register_profile("busy", deadline=None)
"""A case may wait for a processor that other tests use: no example is judged by its time."""
hypothesis.settings.load_profile("busy")


@pytest.fixture(autouse=True, scope="session")
def _no_operator_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The operator's own ``OBS_…`` settings and data directory never reach a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data-home")))
        for name in [name for name in os.environ if name.startswith("OBS_")]:
            patch.delenv(name)
        yield


@pytest.fixture(autouse=True, scope="session")
def _no_hurry() -> Iterator[None]:
    """A busy machine never cuts a siting study short, which would change its answer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("observatory.runs.siting.siting_run.TIME_LIMIT_S", 900.0)
        yield


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a throw-away private cluster."""
    return Settings(data_dir=tmp_path_factory.mktemp("observatory"), _env_file=None)


@pytest.fixture(scope="session")
def cluster(settings: Settings) -> Iterator[Cluster]:
    """The throw-away cluster, started; destroyed at the end of the session."""
    assert settings.data_dir is not None
    cluster = Cluster(
        settings.data_dir, options={"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    )
    cluster.up()
    yield cluster
    cluster.destroy()


@pytest.fixture(scope="session")
def snapshot_directory() -> Path:
    """The bundled snapshot."""
    if not any(geodata.SNAPSHOT.glob("*.parquet")):
        pytest.skip("l’instantané n’est pas construit : lancez « observatory snapshot build »")
    return geodata.SNAPSHOT


def _database(cluster: Cluster, name: str) -> Iterator[sa.Engine]:
    """Create the database ``name``, migrated, in the throw-away cluster."""
    admin = sa.create_engine(
        sa.make_url(cluster.url).set(drivername="postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
        poolclass=sa.NullPool,
    )
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    url = sa.make_url(cluster.url).set(database=name).render_as_string(hide_password=False)
    engine = create_engine(Settings(database_url=url, _env_file=None))
    migrate(engine)
    yield engine
    engine.dispose()
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    admin.dispose()


@pytest.fixture(scope="session")
def engine(cluster: Cluster, settings: Settings, snapshot_directory: Path) -> Iterator[sa.Engine]:
    """An engine on the database with the bundled snapshot, loaded once."""
    engine = create_engine(settings)
    migrate(engine)
    load_snapshot(engine, snapshot_directory)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def computed_engine(
    engine: sa.Engine, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> sa.Engine:
    """The bundled snapshot with every default analysis worked out, by one process for all those of the run."""
    from observatory import pipeline

    if worker_id == "master":
        pipeline.compute(engine)
        return engine
    shared = tmp_path_factory.getbasetemp().parent / "computed.dump"
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        engine.dispose()
        if shared.is_file():
            cluster.restore(shared)
        else:
            pipeline.compute(engine)
            cluster.backup(shared)
    return engine


@pytest.fixture
def connection(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection on the bundled snapshot; what the test writes is rolled back."""
    with engine.connect() as connection:
        transaction = connection.begin()
        yield connection
        transaction.rollback()


@pytest.fixture
def toy_snapshot(tmp_path: Path) -> Path:
    """The toy territory's Parquet files (see :mod:`toy_territory`)."""
    return toy_territory.write(tmp_path)


@pytest.fixture(scope="session")
def toy_engine(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    """An engine on a database that holds the toy territory; it isn't to be written to."""
    for engine in _database(cluster, "toy"):
        load_snapshot(engine, toy_territory.write(tmp_path_factory.mktemp("toy")))
        yield engine


@pytest.fixture
def toy_connection(toy_engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection on the toy territory; what the test writes is rolled back."""
    with toy_engine.connect() as connection:
        transaction = connection.begin()
        yield connection
        transaction.rollback()


@pytest.fixture
def empty_engine(cluster: Cluster) -> Iterator[sa.Engine]:
    """An engine on a database of its own, migrated and empty, for tests that commit."""
    yield from _database(cluster, "scratch")
