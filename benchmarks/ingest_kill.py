"""Kills an ingest with SIGKILL at random moments: the database must hold the former data or the new, never a mix.

    python benchmarks/ingest_kill.py FRR_FILE [ROUNDS] [SEED] [SNAPSHOT_ROUNDS]

The first rounds kill the load of one source's file, the last ones the load of the whole snapshot over that file.

It works on a private cluster of its own, with the settings of the observatory's (``fsync`` on), thrown away at the end,
and prints how many kills fell before and after the commit. Each killed process is forked from one that has the
programme in memory, so that what is killed is the ingest and not the start of Python; moments are drawn over a quarter
more than the measured duration of one.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

SOURCE = "dgcl_frr_2025"
SPREAD = 1.25
"""Moments of the kills go up to so many times the duration of an ingest, so that some fall after the commit."""
PARENT = """
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from observatory.settings import Settings
from observatory.store.engine import create_engine
from observatory.store.ingest import file_ingest
from observatory.store.ingest.snapshot_load import load_snapshot
import pyarrow.parquet
from observatory.sources import contracts

file_ingest.source_of(sys.argv[2])
print("ready", flush=True)
for line in sys.stdin:
    delay, _, path = line.rstrip("\\n").partition(" ")
    child = os.fork()
    if not child:
        try:
            engine = create_engine(Settings(database_url=sys.argv[1], _env_file=None))
            if path:
                file_ingest.ingest_file(engine, sys.argv[2], Path(path))
            else:
                load_snapshot(engine, force=True)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if float(delay) >= 0:
        time.sleep(float(delay))
        os.kill(child, signal.SIGKILL)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Reads lines « seconds before the kill, below 0 for none; file, none for the snapshot »; tells each end."""


@dataclass(frozen=True)
class Outcome:
    """What the kills left: rounds that ended with the former data, with the new data, and with anything else."""

    former: int
    new: int
    other: int
    usual_s: float
    """How long one took before any was killed."""


def digest(engine: sa.Engine) -> str:
    """Return one hash of the classes, the checksums of files and the account of the last run."""
    parts = (
        "SELECT md5(string_agg(r::text, '' ORDER BY r::text)) FROM observatory.zoning r",
        f"SELECT max(checksum) FROM observatory.snapshot_file WHERE file_name = '{SOURCE}:file'",
        f"SELECT checksum FROM observatory.ingest_run WHERE source_id = '{SOURCE}' ORDER BY run_id DESC LIMIT 1",
    )
    with engine.connect() as connection:
        return " ".join(str(connection.exec_driver_sql(part).scalar()) for part in parts)


class Killer:
    """Starts ingests in processes forked from ``parent``, and kills them."""

    def __init__(self, parent: subprocess.Popen[str]) -> None:
        assert parent.stdin is not None
        assert parent.stdout is not None
        self._asked, self._told = parent.stdin, parent.stdout
        assert self._told.readline() == "ready\n"

    def run(self, path: Path | None, *, killed_after_s: float = -1.0) -> int:
        """Run an ingest, of the snapshot if there is no file, killed so many seconds after its start, never if below 0.

        Returns
        -------
        int
            How it ended: 0 on its own, minus the signal if it was killed.
        """
        self._asked.write(f"{killed_after_s} {path or ''}\n")
        self._asked.flush()
        end = int(self._told.readline())
        assert end in {0, -signal.SIGKILL}
        return end


@contextmanager
def killer(engine: sa.Engine) -> Iterator[Killer]:
    """Give what starts and kills ingests into a database; end it with the block."""
    url = engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", PARENT, url, SOURCE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        try:
            yield Killer(parent)
        finally:
            parent.kill()


def wait_for_rollback(engine: sa.Engine) -> None:
    """Wait until the server has noticed that its client died."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'observatory ingest%%'"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with engine.connect() as connection:
            if connection.exec_driver_sql(query).scalar() == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("the killed ingest still holds a connection")


def rounds(engine: sa.Engine, files: tuple[Path, Path], *, count: int, seed: int) -> Outcome:
    """Load one file, then kill the load of the other, so many times; the two must differ by their content."""
    seen = {}
    with killer(engine) as made:
        for path in files:
            usual_s = _whole_run(made, path)
            seen[path] = digest(engine)
        assert len(set(seen.values())) == len(files)
        loaded, wanted = files[1], files[0]
        outcome = {"former": 0, "new": 0, "other": 0}
        for delay_s in _moments(count, SPREAD * usual_s, seed):
            made.run(wanted, killed_after_s=delay_s)
            wait_for_rollback(engine)
            kind = {seen[loaded]: "former", seen[wanted]: "new"}.get(digest(engine), "other")
            outcome[kind] += 1
            if kind == "new":
                loaded, wanted = wanted, loaded
    return Outcome(usual_s=usual_s, **outcome)


def _whole_run(made: Killer, path: Path | None) -> float:
    """Let an ingest run to its end; return how long it took, in seconds."""
    started = time.perf_counter()
    assert made.run(path) == 0
    return time.perf_counter() - started


def _moments(count: int, longest_s: float, seed: int) -> list[float]:
    """Return one random moment in each of ``count`` equal parts of the duration, shuffled."""
    draw = random.Random(seed)
    found = [(rank + draw.random()) / count * longest_s for rank in range(count)]
    draw.shuffle(found)
    return found


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
    with killer(engine) as made:
        usual_s = _whole_run(made, None)
        new = whole(engine)
        _whole_run(made, changed)
        former = whole(engine)
        assert former != new
        outcome = {"former": 0, "new": 0, "other": 0}
        for delay_s in _moments(count, SPREAD * usual_s, seed):
            made.run(None, killed_after_s=delay_s)
            wait_for_rollback(engine)
            kind = {former: "former", new: "new"}.get(whole(engine), "other")
            outcome[kind] += 1
            if kind == "new":
                _whole_run(made, changed)
    return Outcome(usual_s=usual_s, **outcome)


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
    from observatory.store.engine import create_engine
    from observatory.store.ingest.snapshot_load import load_snapshot, migrate
    from observatory.store.server.cluster import cluster_for

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
        f"{what} ({outcome.usual_s:.1f} s when left alone), {count} kills: {outcome.former} left the former data, "
        f"{outcome.new} the new, {outcome.other} anything else"
    )


if __name__ == "__main__":
    sys.exit(main())
