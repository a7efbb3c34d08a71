"""The database killed under load: 503 in French within seconds, and all is well again by itself when it is back."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
import toy_territory
from served import served

from observatory.settings import Settings
from observatory.store.engine import create_engine
from observatory.store.ingest.snapshot_load import load_snapshot, migrate
from observatory.store.server.cluster import Cluster

ADDRESSES = ("/api/territories?level=epci", "/api/territories/commune/14901", "/api/sources", "/territoires")
LONGEST_ANSWER_S = 60.0
"""A bound against answers that never come: a connection attempt may last three seconds, and may be tried twice."""


@pytest.fixture
def own_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster that the test may kill, with the toy territory in it."""
    directory = tmp_path_factory.mktemp("outage")
    cluster = Cluster(directory)
    cluster.up()
    engine = create_engine(Settings(database_url=cluster.url, _env_file=None))
    migrate(engine)
    load_snapshot(engine, toy_territory.write(tmp_path_factory.mktemp("toy")))
    engine.dispose()
    yield cluster
    cluster.destroy()


def kill(cluster: Cluster) -> None:
    """``kill -9`` of every process of the cluster, as the machine's memory killer would."""
    with psycopg.connect(cluster.url) as connection:
        ((directory,),) = connection.execute("SHOW data_directory").fetchall()
    postmaster = int((Path(directory) / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    os.kill(postmaster, signal.SIGKILL)
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(child), signal.SIGKILL)


class Load:
    """Readers that ask without a pause, and what they were answered."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.stopped = threading.Event()
        self.answers: list[tuple[float, float, str, int, str, str]] = []
        self.threads = [threading.Thread(target=self._ask, args=(rank,)) for rank in range(8)]

    def _ask(self, rank: int) -> None:
        with httpx.Client(base_url=self.base, timeout=30) as client:
            while not self.stopped.is_set():
                address = ADDRESSES[rank % len(ADDRESSES)]
                started = time.monotonic()
                answer = client.get(address)
                ended = time.monotonic()
                kind = answer.headers["content-type"]
                text = answer.text if answer.status_code != 200 else ""
                self.answers.append((ended, ended - started, address, answer.status_code, kind, text))

    def __enter__(self) -> Load:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def wait_for(self, count: int) -> None:
        """Wait for ``count`` more answers."""
        wanted, deadline = len(self.answers) + count, time.monotonic() + 60
        while len(self.answers) < wanted:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def statuses(self, *, since: float, until: float = float("inf")) -> Counter[int]:
        return Counter(status for ended, _, _, status, _, _ in self.answers if since <= ended < until)


def eventually_ready(base: str, *, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while httpx.get(f"{base}/api/sources", timeout=30).status_code != 200:
        assert time.monotonic() < deadline, "the API has not come back by itself"
        time.sleep(0.2)


@pytest.mark.slow
def test_killed_under_load_and_back(own_cluster: Cluster) -> None:
    settings = Settings(database_url=own_cluster.url, _env_file=None)
    with served(settings) as base, Load(base) as load:
        load.wait_for(40)
        assert set(load.statuses(since=0)) == {200}
        kill(own_cluster)
        killed = time.monotonic()
        time.sleep(1)
        load.wait_for(24)
        assert set(load.statuses(since=killed + 1)) == {503}
        assert httpx.get(f"{base}/healthz").status_code == 200
        own_cluster.up()
        eventually_ready(base, within_s=15)
        back = time.monotonic()
        load.wait_for(8)
        load.wait_for(40)
    assert set(load.statuses(since=back + 1)) <= {200}
    assert {status for *_, status, _, _ in load.answers} == {200, 503}
    assert max(duration for _, duration, *_ in load.answers) < LONGEST_ANSWER_S
    for _, _, address, status, kind, text in load.answers:
        if status == 503:
            assert kind.startswith("application/problem+json" if address.startswith("/api") else "text/html")
            assert "base" in text
            assert "psycopg" not in text
            assert "Traceback" not in text


@pytest.mark.slow
def test_a_killed_private_cluster_is_started_again_by_the_api(own_cluster: Cluster) -> None:
    settings = Settings(data_dir=own_cluster.data_dir, _env_file=None)
    with served(settings) as base:
        eventually_ready(base, within_s=15)
        kill(own_cluster)
        eventually_ready(base, within_s=30)
