"""Time and memory of the Sirene path on synthetic stock files, against DuckDB's bare scans; fills docs/benchmarks.md.

``python benchmarks/sirene.py --millions 10`` writes the files, reads them in turn by DuckDB and by the observatory
(a process for each reading, the same limits), puts a line into docs/benchmarks.md, and removes them. ``--format csv``
does the same with CSV files. ``--load`` measures the way into PostGIS instead: the database is the one of
``OBS_DATA_DIR`` or ``OBS_DATABASE_URL``, where the snapshot must be loaded; what is written is rolled back.

Two bare scans, of both files, which add up the lengths of the columns: less, and DuckDB would not read them. One reads
the columns that the observatory asks for, the other every column. They join, choose and write nothing. ``count(*)`` is
given too; it reads no column at all.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import duckdb
import sirene_stock

from observatory.declared.services import offer
from observatory.sources.structures import sirene_stock as sirene

NORMANDY_AND_BORDER = ("14", "27", "28", "35", "50", "53", "60", "61", "72", "76", "78", "80", "95")
KNOWN_COUNT = 2000
"""SIRET that a database would hold already, spread over the whole file."""
MEMORY_GIB = 2.0
RUNS = ("count", "scan", "whole", "path")
DOCUMENT = Path(__file__).parents[1] / "docs" / "benchmarks.md"
START, END = "<!-- sirene : début (benchmarks/sirene.py) -->", "<!-- sirene : fin -->"
INTRODUCTION = """## Fichiers stock de Sirene

Écrit par `python benchmarks/sirene.py --millions 40` (une ligne par taille et par format ; `--load` pour PostGIS) :
fichiers d'essai aux colonnes de l'Insee, sans contenu réel (`sirene_stock.py`), 13 départements sur 95. Deux « lectures
nues » : DuckDB lit en entier, des deux fichiers, les colonnes que l'observatoire y demande, ou toutes les colonnes, et
additionne leurs longueurs ; `count(*)` n'en lit aucune. Mêmes limites (2 Gio), un processus par lecture, à tour de
rôle. Rapport : chemin de l'observatoire ÷ lecture nue, médiane (extrêmes) des tours. Le processeur se compare mieux que
la durée sur une machine partagée, dont la charge est dite.
"""
HEADINGS = (
    "établissements",
    "`count(*)` (s)",
    "colonnes lues (s)",
    "toutes les colonnes (s)",
    "observatoire (s)",
    "÷ colonnes lues, processeur",
    "÷ colonnes lues, durée",
    "÷ toutes, processeur",
    "÷ toutes, durée",
    "mémoire (Gio)",
    "gardés ou suivis",
    "tours, charge",
)
CONCLUSION = """
Un Parquet est lu quelques colonnes à la fois, aucune deux fois : celles qui choisissent (SIRET, commune, état ;
catégorie et mention des unités légales), puis les autres aux seules lignes choisies. Le SIREN est le début du SIRET :
sa colonne, que la lecture nue compte, n'est pas lue. Un CSV est lu une fois, ses lignes comptées au passage. 2 000
SIRET suivis sont répartis sur tout le fichier. Une lecture nue qui ne lirait qu'une ou deux colonnes, ou que les
statistiques du fichier (`count`, `min`, `max`), irait bien plus vite que tout ce qui lit le fichier : on ne s'y compare
pas.
"""


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


def columns(database: duckdb.DuckDBPyConnection, which: str, path: Path, asked: Sequence[str]) -> Sequence[str]:
    """Return the columns that a bare scan of ``path`` adds up: none, those ``asked`` for, or all."""
    if which == "whole":
        return [row[0] for row in database.execute(f"DESCRIBE SELECT * FROM {relation(path)}").fetchall()]
    return asked if which == "scan" else ()


def bare(extract: sirene.Extract, which: str) -> int:
    """Read columns whole and do nothing with them; return the number of establishments."""
    database = duckdb.connect()
    database.execute(f"SET memory_limit = '{MEMORY_GIB} GiB'")
    database.execute("SET preserve_insertion_order = false")
    database.execute("SET enable_progress_bar = false")
    rows = 0
    for path, asked in (
        (extract.legal_units, sirene.UNIT_COLUMNS),
        (extract.establishments, (*sirene.ESTABLISHMENT_COLUMNS, *sirene.OPTIONAL_COLUMNS)),
    ):
        sums = [f"sum(strlen({name}::VARCHAR))" for name in columns(database, which, path, asked)]
        found = database.execute(f"SELECT {', '.join(['count(*)', *sums])} FROM {relation(path)}").fetchone()
        rows = int(found[0]) if found else 0
    return rows


def one_run(which: str, folder: Path, suffix: str) -> None:
    """Run one reading and print what it took."""
    extract = sirene_stock.paths(folder, suffix)
    families = offer().ess_families
    sought = known(extract.legal_units) if which == "path" else []
    start, cpu = time.perf_counter(), sum(os.times()[:2])
    if which == "path":
        read = sirene.read(
            extract, departements=NORMANDY_AND_BORDER, families=families, known=sought, memory_gib=MEMORY_GIB
        )
        rows = len(read.frame)
    else:
        rows = bare(extract, which)
    taken = {"seconds": time.perf_counter() - start, "cpu": sum(os.times()[:2]) - cpu, "rows": rows}
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(json.dumps({**taken, "peak_gib": peak_gib}))


def measure(folder: Path, suffix: str, millions: float, repetitions: int) -> None:
    """Run the readings in turn and put a line into the document."""
    runs: dict[str, list[dict[str, float]]] = {which: [] for which in RUNS}
    loads = []
    for _ in range(repetitions):
        for which, results in runs.items():
            command = [sys.executable, __file__, "--run", which, "--folder", str(folder), "--format", suffix]
            results.append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
            loads.append(os.getloadavg()[0])
    spans = []
    for against in ("scan", "whole"):
        turns = list(zip(runs[against], runs["path"], strict=True))
        spans += [span([path[key] / scan[key] for scan, path in turns]) for key in ("cpu", "seconds")]
    cells = [
        *(french(statistics.median(run["seconds"] for run in runs[which]), 2) for which in RUNS),
        *spans,
        french(max(run["peak_gib"] for run in runs["path"]), 2),
        french(runs["path"][0]["rows"], 0),
        f"{repetitions}, {french(statistics.mean(loads), 1)}",
    ]
    name = f"{french(millions, 0)} M, {'Parquet' if suffix == 'parquet' else 'CSV'}"
    write(f"| {name} | {' | '.join(cells)} |")


def span(ratios: list[float]) -> str:
    """Return the median of ratios, and their extremes."""
    return f"**{french(statistics.median(ratios), 2)}** ({french(min(ratios), 2)}–{french(max(ratios), 2)})"


def write(line: str) -> None:
    """Put a line of the table, or a sentence of a load, into the document; the one on the same thing goes."""
    print(line, flush=True)
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    held, _, after = rest.partition(END)
    lines = [one for one in held.splitlines() if one.startswith("- ") or (one[2:3].isdigit() and one.count("|") == 13)]
    kept = {key(one): one for one in [*lines, line]}
    rows = sorted((one for one in kept.values() if one.startswith("|")), key=size)
    loads = sorted(one for one in kept.values() if one.startswith("- "))
    table = ["| " + " | ".join(HEADINGS) + " |", "|---|" + "---:|" * (len(HEADINGS) - 1), *rows]
    machine = f"_{os.cpu_count()} cœurs, DuckDB {duckdb.__version__}._"
    parts = [INTRODUCTION, *table, CONCLUSION, "Dans PostGIS :", "", *loads, "", machine]
    DOCUMENT.write_text(before + "\n".join([START, *parts, END]) + after, encoding="utf-8")


def size(line: str) -> tuple[str, int]:
    """Return the format and the millions of a line of the table."""
    millions, _, suffix = line.split("|")[1].strip().partition(" M, ")
    return suffix, int(millions)


def key(line: str) -> str:
    """Return what a line is about: its first cell, or the beginning of its sentence."""
    return line.split("|")[1] if line.startswith("|") else line.split(":", maxsplit=1)[0]


def load(folder: Path) -> None:
    """Take an extract into PostGIS as ``observatory ingest`` does, print the time of each step, and roll back."""
    from observatory.settings import Settings
    from observatory.store.engine import create_engine
    from observatory.store.ingest import file_ingest

    with create_engine(Settings()).connect() as connection, connection.begin() as transaction:
        times = [time.perf_counter()]
        _, tables = file_ingest.read(connection, file_ingest.source_of("insee_sirene_ess"), folder)
        times.append(time.perf_counter())
        file_ingest.declare_new(connection, "insee_sirene_ess")
        filled = file_ingest.stage_tables(connection, folder, tables)
        times.append(time.perf_counter())
        file_ingest.put_in_place(connection, filled)
        times.append(time.perf_counter())
        transaction.rollback()
    read_s, copy_s, swap_s = (after - before for before, after in pairwise(times))
    rows, copied = len(tables["structures"]), sum(len(tables[n]) for n in tables if n.startswith("structure"))
    write(
        f"- {french(rows, 0)} établissements : lus et placés en {french(read_s, 1)} s ; COPY et contrôles "
        f"{french(copy_s, 1)} s, soit {french(copied / copy_s, 0)} lignes/s ; mise en place {french(swap_s, 1)} s"
        f" (charge {french(os.getloadavg()[0], 1)})."
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
            load(folder)
        else:
            measure(folder, options.format, options.millions, options.repetitions)


if __name__ == "__main__":
    main()
