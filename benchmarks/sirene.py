"""Time and memory of the Sirene path on synthetic stock files, against DuckDB's bare scan of the same files.

Run with ``python benchmarks/sirene.py --millions 10``. The files have the true columns and types, no true content.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from observatory.sources import sirene

FAMILIES = {"92": "association", "5458": "scop", "5558": "scop", "631": "cooperative_agricole", "82": "mutuelle"}
NORMANDY = ("14", "27", "50", "61", "76")
REPETITIONS = 3


def generate(folder: Path, establishments: int) -> sirene.Extract:
    """Write stock files of ``establishments`` rows, spread over 100 départements as INSEE's are, seeded by the row."""
    units = establishments * 2 // 3
    database = duckdb.connect()
    database.execute(f"""
        COPY (
            SELECT
                printf('%09d', i) AS siren,
                'STRUCTURE ' || i AS denominationUniteLegale,
                CASE WHEN hash(i) % 100 < 60 THEN '1000' WHEN hash(i) % 100 < 92 THEN '5499' ELSE '9220' END
                    AS categorieJuridiqueUniteLegale,
                CASE WHEN hash(i) % 100 >= 92 THEN 'W' || printf('%09d', i) END AS identifiantAssociationUniteLegale,
                CASE WHEN hash(i) % 1000 = 7 THEN 'O' WHEN hash(i) % 3 = 0 THEN 'N' END
                    AS economieSocialeSolidaireUniteLegale,
                '2020-01-01' AS dateCreationUniteLegale
            FROM range({units}) AS series (i)
        ) TO '{folder}/unites.parquet' (FORMAT parquet, COMPRESSION zstd)""")
    database.execute(f"""
        COPY (
            SELECT
                printf('%09d%05d', i % {units}, 10 + i // {units}) AS siret,
                printf('%09d', i % {units}) AS siren,
                CASE WHEN hash(i) % 5 = 0 THEN 'ENSEIGNE ' || i END AS enseigne1Etablissement,
                '94.99Z' AS activitePrincipaleEtablissement,
                printf('%02d%03d', hash(i) % 95 + 1, hash(i, 1) % 700 + 1) AS codeCommuneEtablissement,
                printf('%02d000', hash(i) % 95 + 1) AS codePostalEtablissement,
                CASE WHEN hash(i) % 3 = 0 THEN '01' ELSE 'NN' END AS trancheEffectifsEtablissement,
                CASE WHEN hash(i, 2) % 10 < 4 THEN 'A' ELSE 'F' END AS etatAdministratifEtablissement,
                (400000 + hash(i, 3) % 600000)::VARCHAR AS coordonneeLambertAbscisseEtablissement,
                (6800000 + hash(i, 4) % 200000)::VARCHAR AS coordonneeLambertOrdonneeEtablissement,
                'RUE DE LA REPUBLIQUE' AS libelleVoieEtablissement
            FROM range({establishments}) AS series (i)
        ) TO '{folder}/etablissements.parquet' (FORMAT parquet, COMPRESSION zstd)""")
    return sirene.Extract(folder / "unites.parquet", folder / "etablissements.parquet")


def bare_scan(extract: sirene.Extract) -> None:
    """Read every column that the path needs, and do nothing with them."""
    database = duckdb.connect()
    database.execute("SET memory_limit = '2 GiB'")
    for path, columns in (
        (extract.legal_units, sirene.UNIT_COLUMNS),
        (extract.establishments, sirene.ESTABLISHMENT_COLUMNS),
    ):
        sums = ", ".join(f"sum(strlen({column}))" for column in columns)
        database.execute(f"SELECT {sums} FROM read_parquet('{path}')").fetchall()


def one_run(which: str, folder: Path) -> None:
    extract = sirene.Extract(folder / "unites.parquet", folder / "etablissements.parquet")
    start = time.perf_counter()
    rows = 0
    if which == "scan":
        bare_scan(extract)
    else:
        rows = len(sirene.read(extract, departements=NORMANDY, families=FAMILIES))
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(json.dumps({"seconds": time.perf_counter() - start, "peak_gib": peak_gib, "rows": rows}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=float, default=1.0)
    parser.add_argument("--run", choices=("scan", "path"))
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.run:
        one_run(options.run, options.folder)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder, int(options.millions * 1e6))
        runs: dict[str, list[dict[str, float]]] = {"scan": [], "path": []}
        for _ in range(REPETITIONS):
            for which, results in runs.items():
                command = [sys.executable, __file__, "--run", which, "--folder", name]
                results.append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
        ratios = [b["seconds"] / a["seconds"] for a, b in zip(runs["scan"], runs["path"], strict=True)]
        scan_s, path_s = (statistics.median(run["seconds"] for run in runs[which]) for which in ("scan", "path"))
        print(
            f"{options.millions:g} M établissements : lecture nue {scan_s:.2f} s, chemin Sirene {path_s:.2f} s, "
            f"rapport médian {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f}), "
            f"mémoire {max(run['peak_gib'] for run in runs['path']):.2f} Gio, "
            f"{runs['path'][0]['rows']:.0f} établissements ESS"
        )


if __name__ == "__main__":
    main()
