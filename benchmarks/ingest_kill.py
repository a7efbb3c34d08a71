"""Kills an ingest with SIGKILL at random moments: the database must hold the former classes or the new ones.

    python benchmarks/ingest_kill.py FRR_FILE [ROUNDS] [SEED] [SNAPSHOT_ROUNDS]

The first rounds kill the load of one source's file, the last ones the load of the whole snapshot over that file.

It works on a private cluster of its own, thrown away at the end, and prints how many kills fell before and after the
commit.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

SOURCE = "dgcl_frr_2025"
CHILD = """
import sys
from pathlib import Path
from observatory.settings import Settings
from observatory.store import ingest, readers
from observatory.store.engine import create_engine
engine = create_engine(Settings(database_url=sys.argv[1], _env_file=None))
ingest.readers()
print("ready", flush=True)
ingest.ingest_file(engine, sys.argv[2], Path(sys.argv[3]))
print("done", flush=True)
"""
SNAPSHOT_CHILD = """
import sys
from observatory.settings import Settings
from observatory.store.engine import create_engine
from observatory.store.load import load_snapshot
engine = create_engine(Settings(database_url=sys.argv[1], _env_file=None))
print("ready", flush=True)
load_snapshot(engine, force=True)
print("done", flush=True)
"""


@dataclass(frozen=True)
class Outcome:
    """What the kills left: rounds that ended with the former data, with the new data, and with anything else."""

    former: int
    new: int
    other: int


def digest(engine: sa.Engine) -> str:
    """Return one hash of the classes, the checksums of files and the account of the last run."""
    parts = (
        "SELECT md5(string_agg(r::text, '' ORDER BY r::text)) FROM observatory.zoning r",
        f"SELECT max(checksum) FROM observatory.snapshot_file WHERE file_name = '{SOURCE}:file'",
        f"SELECT checksum FROM observatory.ingest_run WHERE source_id = '{SOURCE}' ORDER BY run_id DESC LIMIT 1",
    )
    with engine.connect() as connection:
        return " ".join(str(connection.exec_driver_sql(part).scalar()) for part in parts)


def kill_once(url: str, path: Path | None, after_s: float) -> None:
    """Start an ingest (of the snapshot if there is no file) and kill it so many seconds after it is ready to begin."""
    command = [sys.executable, "-c", SNAPSHOT_CHILD, url]
    if path is not None:
        command = [sys.executable, "-c", CHILD, url, SOURCE, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(after_s)
        child.kill()


def wait_for_rollback(engine: sa.Engine) -> None:
    """Wait until the server has noticed that its client died."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'observatory ingest%%'"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with engine.connect() as connection:
            if connection.exec_driver_sql(query).scalar() == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("the killed ingest still holds a connection")


def rounds(engine: sa.Engine, files: tuple[Path, Path], *, count: int, seed: int) -> Outcome:
    """Load one file, then kill the load of the other, so many times; the two must differ by their content."""
    from observatory.store import ingest

    draw = random.Random(seed)
    url = engine.url.render_as_string(hide_password=False)
    seen = {}
    started = time.perf_counter()
    for path in files:
        ingest.ingest_file(engine, SOURCE, path)
        seen[path] = digest(engine)
    usual_s = (time.perf_counter() - started) / 2
    outcome = {"former": 0, "new": 0, "other": 0}
    loaded, wanted = files[1], files[0]
    for _ in range(count):
        kill_once(url, wanted, draw.uniform(0, 1.5 * usual_s))
        wait_for_rollback(engine)
        found = digest(engine)
        kind = {seen[loaded]: "former", seen[wanted]: "new"}.get(found, "other")
        outcome[kind] += 1
        if kind == "new":
            loaded, wanted = wanted, loaded
    return Outcome(**outcome)


def whole(engine: sa.Engine) -> str:
    """Return one hash of everything that a snapshot replaces."""
    names = ("territory", "territory_link", "zoning", "structure", "structure_record", "snapshot_file")
    columns = {"territory": "level, code, name, population_count, geom", "snapshot_file": "file_name, checksum"}
    queries = [f"SELECT {columns.get(name, '*')} FROM observatory.{name}" for name in names]
    queries.append("SELECT level, code, indicator, period, value, status, source_id FROM observatory.indicator_value")
    with engine.connect() as connection:
        return " ".join(
            str(connection.exec_driver_sql(f"SELECT sum(hashtextextended(r::text, 0)) FROM ({query}) r").scalar())
            for query in queries
        )


def snapshot_rounds(engine: sa.Engine, changed: Path, *, count: int, seed: int) -> Outcome:
    """Load a changed file over the snapshot, then kill the load that takes the snapshot back, so many times."""
    from observatory.store import ingest
    from observatory.store.load import load_snapshot

    draw = random.Random(seed)
    url = engine.url.render_as_string(hide_password=False)
    started = time.perf_counter()
    load_snapshot(engine, force=True)
    usual_s = time.perf_counter() - started
    new = whole(engine)
    ingest.ingest_file(engine, SOURCE, changed)
    former = whole(engine)
    outcome = {"former": 0, "new": 0, "other": 0}
    for _ in range(count):
        kill_once(url, None, draw.uniform(0, 1.3 * usual_s))
        wait_for_rollback(engine)
        found = whole(engine)
        kind = {former: "former", new: "new"}.get(found, "other")
        outcome[kind] += 1
        if kind == "new":
            ingest.ingest_file(engine, SOURCE, changed)
    return Outcome(**outcome)


def two_files(path: Path, directory: Path) -> tuple[Path, Path]:
    """Return the file and a copy where one commune has another class."""
    content = path.read_bytes()
    changed = content.replace("14118;14;Caen;Non classée".encode(), b"14118;14;Caen;FRR+")
    if changed == content:
        raise ValueError(f"{path} does not class Caen as expected")
    copies = directory / "former.csv", directory / "new.csv"
    copies[0].write_bytes(content)
    copies[1].write_bytes(changed)
    return copies


def main() -> int:
    """Run the rounds on a cluster of their own."""
    from observatory.settings import Settings
    from observatory.store.cluster import cluster_for
    from observatory.store.engine import create_engine
    from observatory.store.load import load_snapshot, migrate

    path = Path(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    snapshot_count = int(sys.argv[4]) if len(sys.argv) > 4 else 12
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        settings = Settings(data_dir=directory / "data", _env_file=None)
        cluster = cluster_for(settings)
        cluster.up()
        try:
            engine = create_engine(settings)
            migrate(engine)
            load_snapshot(engine)
            files = two_files(path, directory)
            outcome = rounds(engine, files, count=count, seed=seed)
            print(_told("file", count, outcome), flush=True)
            of_snapshot = snapshot_rounds(engine, files[1], count=snapshot_count, seed=seed)
            print(_told("snapshot", snapshot_count, of_snapshot), flush=True)
            engine.dispose()
        finally:
            cluster.destroy()
    return 1 if outcome.other or of_snapshot.other else 0


def _told(what: str, count: int, outcome: Outcome) -> str:
    return (
        f"{what}, {count} kills: {outcome.former} left the former data, {outcome.new} the new, {outcome.other} "
        "anything else"
    )


if __name__ == "__main__":
    sys.exit(main())
