"""A thousand drawn specifications against one deterministic run: needs of the three défis, communes of Normandy.

Run with ``python benchmarks/uncertainty.py [--repetitions N]`` once ``observatory compute`` has run: indicators are
read from the database. Both are done in turn, in one process, compiled code warmed first. The deterministic run is what
the observatory does to score and rank communes: ``normalise``, ``aggregate``, rank; the reading of the database,
common to both, is left out, which is the strictest way to compare.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from observatory.commands.session import transaction
from observatory.declared.study_reading import read_study
from observatory.need import NeedStudy, aggregate, normalise
from observatory.need.uncertainty import intervals, monte_carlo
from observatory.runs.loaded_inputs import DEMAND_LEVEL, read_inputs
from observatory.runs.need.need_run import need_run
from observatory.runs.need.ranking import DRAW_COUNT, indicator_frame

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "benchmarks.md"
START, END = "<!-- incertitude : début (benchmarks/uncertainty.py) -->", "<!-- incertitude : fin -->"
INTRODUCTION = """## Incertitude des scores de besoin

Écrit par `make bench-uncertainty` (`python benchmarks/uncertainty.py`). 1 000 tirages de la méthode (normalisation ×
agrégation × poids), scores, rangs et intervalles compris, à côté d'un seul calcul : normaliser, agréger, classer. Les
deux passent à tour de rôle ; la lecture de la base, commune aux deux, n'est pas comptée. Durées : médianes. Rapport :
médiane (extrêmes) des rapports d'un même tour."""


def cases() -> list[tuple[pd.DataFrame, NeedStudy]]:
    """Return the indicators of the communes and the study of each défi."""
    study = read_study(None)
    with transaction() as connection:
        inputs = read_inputs(connection)
        return [
            (indicator_frame(need_run(connection, study, defi, inputs=inputs), need, DEMAND_LEVEL), need)
            for defi, need in study.needs.items()
        ]


def once(found: list[tuple[pd.DataFrame, NeedStudy]]) -> None:
    for frame, study in found:
        aggregate(normalise(frame, study), study)["score"].rank(ascending=False, method="min")


def draws(found: list[tuple[pd.DataFrame, NeedStudy]]) -> None:
    for frame, study in found:
        intervals(monte_carlo(frame, study, draw_count=DRAW_COUNT))


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """Return the seconds on the clock and those of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def measured(repetitions: int) -> str:
    """Return the table."""
    found = cases()
    draws(found)
    once(found)
    turns = [(timed(lambda: once(found)), timed(lambda: draws(found))) for _ in range(repetitions)]
    rows = []
    for name, which in (("un calcul", 0), ("1\u202f000 tirages", 1)):
        clock = statistics.median(turn[which][0] for turn in turns)
        processor = statistics.median(turn[which][1] for turn in turns)
        rows.append(f"| {name} | {_french(clock, 3)} | {_french(processor, 3)} |")
    ratios = [[turn[1][kind] / turn[0][kind] for turn in turns] for kind in (0, 1)]
    shares = [
        f"{_french(statistics.median(one), 1)} ({_french(min(one), 1)} à {_french(max(one), 1)})" for one in ratios
    ]
    rows.append(f"| **rapport** | **{shares[0]}** | {shares[1]} |")
    counts = f"{len(found[0][0]):,}".replace(",", "\u202f")
    return "\n".join(
        [
            f"Besoins des {len(found)} défis, {counts} communes :",
            "",
            "| | durée (s) | processeur (s) |",
            "|---|---:|---:|",
            *rows,
            "",
            f"_{_machine()} ; {repetitions} tours, charge de la machine {_french(os.getloadavg()[0], 1)}._",
        ]
    )


def _french(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace(".", ",")


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), "processeur inconnu")
    return f"{model}, {len(os.sched_getaffinity(0))} cœurs, Python {sys.version.split()[0]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=11)
    options = parser.parse_args()
    table = measured(options.repetitions)
    print(table)
    text = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.is_file() else "# Mesures\n"
    if START in text:
        text = text[: text.index(START)].rstrip() + "\n\n" + text[text.index(END) + len(END) :].lstrip()
    DOCUMENT.write_text(f"{text.rstrip()}\n\n{START}\n{INTRODUCTION}\n\n{table}\n{END}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
