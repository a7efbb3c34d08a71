"""The private cluster is really created, killed, recovered, saved and restored, in throw-away data directories."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from observatory.errors import ClusterError, InputFileError, UsageError
from observatory.store.server import binaries, datadir, dump, processes
from observatory.store.server.cluster import Cluster

FAST = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "32MB"}
"""Safe against a killed server, which is what is tested here, though not against a power cut."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("données à moi"), options=FAST)
    made.up()
    yield made
    made.destroy()


@pytest.fixture
def town(cluster: Cluster) -> Iterator[str]:
    """Address of the database with one known row in it, whatever the test before did."""
    url = cluster.up()
    execute(url, "DROP TABLE IF EXISTS town, alembic_version")
    execute(url, "CREATE TABLE alembic_version (version_num text)")
    execute(url, "CREATE TABLE town (name text, place geometry(Point, 2154))")
    execute(url, "INSERT INTO town VALUES ('Vire Normandie', ST_SetSRID(ST_MakePoint(422000, 6866000), 2154))")
    yield url
    for entry in cluster.data_dir.glob("*.dump"):
        entry.unlink()


def execute(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(query)  # type: ignore[call-overload]
        return cursor.fetchall() if cursor.description else []


def towns(url: str) -> list[tuple[object, ...]]:
    return execute(url, "SELECT name, ST_X(place) FROM town ORDER BY name")


def kill_postmaster(cluster: Cluster) -> int:
    pid = processes.postmaster(datadir.locate(cluster.data_dir))
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    return pid


def test_it_listens_on_a_private_unix_socket_only_and_runs_without_privileges(cluster: Cluster, town: str) -> None:
    place = datadir.locate(cluster.data_dir)
    assert execute(town, "SHOW listen_addresses") == [("",)]
    assert execute(town, "SHOW fsync") == [("off",)]
    assert execute(town, "SHOW server_encoding") == [("UTF8",)]
    assert execute(town, "SELECT inet_server_addr()") == [(None,)]
    assert place.socket_dir.stat().st_mode & 0o777 == 0o700
    assert place.socket_dir.stat().st_uid == place.account.uid != 0
    pid = processes.postmaster(place)
    assert Path(f"/proc/{pid}").stat().st_uid == place.account.uid


def test_status_tells_running_versions_and_size(cluster: Cluster, town: str) -> None:
    state = cluster.status()
    assert state.is_created
    assert state.is_running
    assert state.server_version.startswith(f"{state.major}.")
    assert state.postgis_version.split(".")[0] == "3"
    assert state.size_bytes > 1_000_000
    assert state.url == town == cluster.url


def test_stop_and_start_keep_the_data(cluster: Cluster, town: str) -> None:
    assert cluster.down() is True
    assert cluster.down() is False
    assert cluster.status().is_running is False
    assert cluster.url == town
    assert towns(cluster.up()) == [("Vire Normandie", 422000.0)]


def test_a_killed_server_comes_back_with_its_data(cluster: Cluster, town: str) -> None:
    kill_postmaster(cluster)
    assert towns(cluster.up()) == [("Vire Normandie", 422000.0)]


def test_a_server_killed_amid_a_long_query_comes_back(cluster: Cluster, town: str) -> None:
    # The backend is busy in a query that never waits, so it outlives its postmaster and keeps its shared memory.
    def count_for_long() -> None:
        with pytest.raises(psycopg.OperationalError):
            execute(town, "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 1000000) b")

    busy = threading.Thread(target=count_for_long)
    busy.start()
    time.sleep(1.0)
    killed = kill_postmaster(cluster)
    assert towns(cluster.up()) == [("Vire Normandie", 422000.0)]
    assert processes.postmaster(datadir.locate(cluster.data_dir)) != killed
    busy.join(timeout=30)
    assert not busy.is_alive()


def test_a_pid_taken_by_another_program_does_not_forbid_the_start(cluster: Cluster, town: str) -> None:
    place = datadir.locate(cluster.data_dir)
    kill_postmaster(cluster)
    processes.end_orphans(place)
    pid_file = place.database_dir / "postmaster.pid"
    lines = pid_file.read_text(encoding="utf-8").split("\n")
    # PostgreSQL only minds a process of its own user, so that is what took the number.
    user = {} if place.account.is_self else {"user": place.account.uid}
    with subprocess.Popen(["sleep", "60"], cwd="/", **user) as other:
        try:
            for path in (pid_file, place.socket_dir / f"{processes.SOCKET_NAME}.lock"):
                path.write_text("\n".join([str(other.pid), *lines[1:]]), encoding="utf-8")
            assert towns(cluster.up()) == [("Vire Normandie", 422000.0)]
            assert other.poll() is None
        finally:
            other.kill()


def test_a_swept_socket_directory_is_made_again(cluster: Cluster, town: str) -> None:
    shutil.rmtree(datadir.locate(cluster.data_dir).socket_dir)
    assert towns(cluster.up()) == [("Vire Normandie", 422000.0)]


def test_backup_then_restore_gives_the_same_rows(cluster: Cluster, town: str) -> None:
    path = cluster.data_dir / "sauvegarde.dump"
    cluster.backup(path)
    execute(town, "UPDATE town SET name = 'Caen'")
    busy = psycopg.connect(town)  # an open page must not forbid a restore
    busy.execute("SELECT 1")
    cluster.restore(path)
    with pytest.raises(psycopg.OperationalError):
        busy.execute("SELECT 1")
    busy.close()
    assert towns(town) == [("Vire Normandie", 422000.0)]
    assert execute(town, "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1") == [
        ("observatory",),
        ("postgres",),
    ]
    assert path.stat().st_mode & 0o077 == 0


def test_backup_replaces_a_file_only_when_told_to(cluster: Cluster, town: str) -> None:
    path = cluster.data_dir / "sauvegarde.dump"
    path.write_bytes(b"precious")
    with pytest.raises(UsageError, match="existe déjà"):
        cluster.backup(path)
    assert path.read_bytes() == b"precious"
    cluster.backup(path, overwrite=True)
    assert path.read_bytes()[:5] == b"PGDMP"
    assert [entry.name for entry in cluster.data_dir.glob(".*")] == []


def test_restoring_garbage_loses_nothing(cluster: Cluster, town: str) -> None:
    garbage = cluster.data_dir / "photo.dump"
    garbage.write_bytes(bytes(range(256)) * 40)
    with pytest.raises(InputFileError, match="n’est pas une sauvegarde lisible"):
        cluster.restore(garbage)
    with pytest.raises(InputFileError, match="n’existe pas"):
        cluster.restore(cluster.data_dir / "absent.dump")
    assert towns(town) == [("Vire Normandie", 422000.0)]


def test_restoring_a_cut_backup_loses_nothing(cluster: Cluster, town: str) -> None:
    execute(town, "CREATE TABLE filler AS SELECT md5(n::text) FROM generate_series(1, 20000) n")
    path = cluster.data_dir / "entier.dump"
    cluster.backup(path)
    execute(town, "DROP TABLE filler")
    cut = cluster.data_dir / "coupe.dump"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputFileError, match="la base actuelle n’a pas changé"):
        cluster.restore(cut)
    assert towns(town) == [("Vire Normandie", 422000.0)]
    assert execute(town, "SELECT count(*) FROM pg_database WHERE datname LIKE 'observatory_%'") == [(0,)]


def test_restoring_another_database_is_refused(cluster: Cluster, town: str) -> None:
    path = cluster.data_dir / "autre.dump"
    execute(town, "DROP TABLE alembic_version")
    cluster.backup(path)
    with pytest.raises(InputFileError, match="autre base"):
        cluster.restore(path)
    assert towns(town) == [("Vire Normandie", 422000.0)]


def test_another_major_version_is_refused_in_clear(tmp_path: Path) -> None:
    database_dir = tmp_path / "postgres"
    database_dir.mkdir()
    (database_dir / "PG_VERSION").write_text("9.6\n", encoding="ascii")
    if os.geteuid() == 0:
        account = datadir.locate(tmp_path / "absent").account
        os.chown(database_dir, account.uid, account.gid)
    with pytest.raises(ClusterError) as caught:
        Cluster(tmp_path).up()
    assert "PostgreSQL 9," in str(caught.value)
    assert f"PostgreSQL {binaries.choose().major}" in str(caught.value)
    assert "observatory db backup" in str(caught.value)
    assert [path.name for path in database_dir.iterdir()] == ["PG_VERSION"]


def test_two_processes_at_once_make_one_cluster(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from observatory.store.server.cluster import Cluster; "
        "print(Cluster(pathlib.Path(sys.argv[1]), options={'shared_buffers': '32MB', 'fsync': 'off'}).up())"
    )
    cluster = Cluster(tmp_path)
    command = [sys.executable, "-c", script, str(tmp_path)]
    try:
        both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        answers = [process.communicate(timeout=120)[0].strip() for process in both]
        assert [process.returncode for process in both] == [0, 0]
        assert answers[0] == answers[1] == cluster.url
        assert execute(cluster.url, "SELECT 1") == [(1,)]
    finally:
        cluster.destroy()


def test_the_directories_of_a_cluster_are_made_by_one_process_at_a_time(tmp_path: Path) -> None:
    places: list[datadir.Place] = []

    def settle() -> None:
        with datadir.settled(tmp_path) as place:
            places.append(place)

    both = [threading.Thread(target=settle) for _ in range(2)]
    with datadir.locked(tmp_path):
        for thread in both:
            thread.start()
        both[0].join(timeout=0.5)
        assert [path.name for path in tmp_path.iterdir()] == ["verrou"]
        assert places == []
    for thread in both:
        thread.join(timeout=30)
    assert len(places) == 2
    assert places[0] == places[1]
    assert places[0].log_file.parent.is_dir()
    datadir.forget(places[0])


def test_a_failed_creation_leaves_nothing_half_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(place: datadir.Place, programs: binaries.Binaries, directory: Path, *, role: str) -> None:
        (directory / "base").mkdir()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(processes, "_initdb", fail)
    cluster = Cluster(tmp_path)
    try:
        with pytest.raises(ClusterError, match="plus de place sur le disque"):
            cluster.up()
        place = datadir.locate(tmp_path)
        assert list(place.home.glob("postgres*")) == []
        assert cluster.status().is_created is False
    finally:
        cluster.destroy()


def test_a_setting_that_postgres_refuses_is_told_with_its_reason(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, options={**FAST, "work_mem": "beaucoup"})
    try:
        with pytest.raises(ClusterError, match=r"n’a pas pu démarrer .*observatoire.conf.*contains errors"):
            cluster.up()
        Cluster(tmp_path, options=FAST).up()
        assert cluster.status().is_running
    finally:
        cluster.destroy()
    assert cluster.status().is_created is False


def test_a_password_is_not_shown_to_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}

    def record(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        seen.update(command=command, environment=options["env"])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(dump.subprocess, "run", record)
    dump._run("pg_dump", "postgresql+psycopg://marie:s3cret@localhost/obs", [])
    assert "s3cret" not in " ".join(seen["command"])  # type: ignore[arg-type]
    assert seen["environment"]["PGPASSWORD"] == "s3cret"  # type: ignore[index]
