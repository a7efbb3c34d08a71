"""Time and memory of the Sirene path on synthetic stock files, against DuckDB's bare scan of the same files.

``python benchmarks/sirene.py --millions 10`` writes the files, reads them in turn by DuckDB and by the observatory
(a process for each reading, the same limits), and removes them. ``--format csv`` does the same with CSV files.
``--load`` measures the way into PostGIS instead: the database is the one of ``OBS_DATA_DIR`` or ``OBS_DATABASE_URL``,
where the snapshot must be loaded; what is written is rolled back.

The bare scan reads every column that the observatory reads of each file, whole, and adds up their lengths: less, and
DuckDB would not read them. It joins, chooses and writes nothing. ``count(*)`` is given too; it reads no column at all.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import duckdb
import sirene_stock

import geodata
from observatory.sources import sirene

NORMANDY_AND_BORDER = ("14", "27", "28", "35", "50", "53", "60", "61", "72", "76", "78", "80", "95")
KNOWN_COUNT = 2000
"""SIRET that a database would hold already, spread over the whole file."""
MEMORY_GIB = 2.0
RUNS = ("count", "scan", "path")


def relation(path: Path) -> str:
    """Return the table function that reads a file, with the options of the observatory."""
    if path.suffix == ".parquet":
        return f"read_parquet('{path}')"
    return f"read_csv('{path}', header = true, all_varchar = true)"


def known(legal_units: Path) -> list[str]:
    """Return the SIRET of first establishments, from one end of the file to the other."""
    row = duckdb.connect().execute(f"SELECT count(*) FROM {relation(legal_units)}").fetchone()
    step = max(1, (row[0] if row else 0) // KNOWN_COUNT)
    return [f"{i * step:09d}00010" for i in range(KNOWN_COUNT)]


def bare(extract: sirene.Extract, *, columns: bool) -> int:
    """Read every column that the path needs, or none, and do nothing with them; return the establishments."""
    database = duckdb.connect()
    database.execute(f"SET memory_limit = '{MEMORY_GIB} GiB'")
    database.execute("SET preserve_insertion_order = false")
    database.execute("SET enable_progress_bar = false")
    rows = 0
    for path, names in (
        (extract.legal_units, sirene.UNIT_COLUMNS),
        (extract.establishments, (*sirene.ESTABLISHMENT_COLUMNS, *sirene.OPTIONAL_COLUMNS)),
    ):
        sums = [f"sum(strlen({name}::VARCHAR))" for name in names] if columns else []
        found = database.execute(f"SELECT {', '.join(['count(*)', *sums])} FROM {relation(path)}").fetchone()
        rows = int(found[0]) if found else 0
    return rows


def one_run(which: str, folder: Path, suffix: str) -> None:
    """Run one reading and print what it took."""
    extract = sirene_stock.paths(folder, suffix)
    families = geodata.declarations("services")["ess_families"]
    sought = known(extract.legal_units) if which == "path" else []
    start, cpu = time.perf_counter(), sum(os.times()[:2])
    if which == "path":
        read = sirene.read(
            extract, departements=NORMANDY_AND_BORDER, families=families, known=sought, memory_gib=MEMORY_GIB
        )
        rows = len(read.frame)
    else:
        rows = bare(extract, columns=which == "scan")
    taken = {"seconds": time.perf_counter() - start, "cpu": sum(os.times()[:2]) - cpu, "rows": rows}
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(json.dumps({**taken, "peak_gib": peak_gib}))


def measure(folder: Path, suffix: str, millions: float, repetitions: int) -> None:
    """Run the readings in turn and print a line of a Markdown table."""
    runs: dict[str, list[dict[str, float]]] = {which: [] for which in RUNS}
    for _ in range(repetitions):
        for which, results in runs.items():
            command = [sys.executable, __file__, "--run", which, "--folder", str(folder), "--format", suffix]
            results.append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
    turns = list(zip(runs["scan"], runs["path"], strict=True))
    ratios = {key: [path[key] / scan[key] for scan, path in turns] for key in ("seconds", "cpu")}
    cells = [
        *(french(statistics.median(run["seconds"] for run in runs[which]), 2) for which in RUNS),
        *(f"{french(statistics.median(of), 2)} ({french(min(of), 2)}–{french(max(of), 2)})" for of in ratios.values()),
        french(max(run["peak_gib"] for run in runs["path"]), 2),
        french(runs["path"][0]["rows"], 0),
    ]
    print(f"| {french(millions, 0)} M, {suffix} | {' | '.join(cells)} |", flush=True)


def load(folder: Path, suffix: str) -> None:
    """Take an extract into PostGIS as ``observatory ingest`` does, print the time of each step, and roll back."""
    from observatory.settings import Settings
    from observatory.store import ingest
    from observatory.store.engine import create_engine
    from observatory.store.known import Known
    from observatory.store.register_readers import read_sirene
    from observatory.store.statements import sql

    with create_engine(Settings()).connect() as connection, connection.begin() as transaction:
        times = [time.perf_counter()]
        _, tables = read_sirene(folder, Known(connection))
        times.append(time.perf_counter())
        ingest.declare_new(connection, "insee_sirene_ess")
        ingest.stage_tables(connection, folder, tables)
        times.append(time.perf_counter())
        ingest.load.raw_connection(connection).execute(sql("035_replace_structures").encode())
        times.append(time.perf_counter())
        transaction.rollback()
    read_s, copy_s, swap_s = (after - before for before, after in pairwise(times))
    rows, copied = len(tables["structures"]), sum(len(tables[n]) for n in tables if n.startswith("structure"))
    print(
        f"{french(rows, 0)} établissements ({suffix}) : lus et placés en {french(read_s, 1)} s ; COPY et contrôles "
        f"{french(copy_s, 1)} s, soit {french(copied / copy_s, 0)} lignes/s ; mise en place {french(swap_s, 1)} s"
    )


def french(number: float, decimals: int) -> str:
    """Return a number as the French write it."""
    return f"{number:,.{decimals}f}".replace(",", "\N{NARROW NO-BREAK SPACE}").replace(".", ",")


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=float, default=1.0, help="établissements")
    parser.add_argument("--format", choices=("parquet", "csv"), default="parquet")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--load", action="store_true")
    parser.add_argument("--folder", type=Path, help="où sont, ou seront gardés, les fichiers")
    parser.add_argument("--run", choices=RUNS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        one_run(options.run, options.folder, options.format)
        return
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = options.folder or Path(name)
        if not sirene_stock.paths(folder, options.format).establishments.exists():
            folder.mkdir(parents=True, exist_ok=True)
            commune = sirene_stock.REAL if options.load else sirene_stock.MADE_UP
            sirene_stock.generate(folder, int(options.millions * 1e6), options.format, commune=commune)
        if options.load:
            load(folder, options.format)
        else:
            measure(folder, options.format, options.millions, options.repetitions)
            print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cœurs, DuckDB {duckdb.__version__}")


if __name__ == "__main__":
    main()
