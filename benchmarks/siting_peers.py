"""Siting beside other libraries on the same work, in turn: spopt (PuLP with CBC, with HiGHS), pbp-pmedian, HiGHS alone.

Run with ``python benchmarks/siting_peers.py [--only CASE…] [--instances N…] [--repetitions N] [--limit SECONDS]``; the
tables go to ``docs/benchmarks.md``, those of cases that are not run again stay. Each measure is a process of its own;
a peer that isn't installed is left out, and said (``uv pip install pbp-pmedian`` adds the one that the project lacks).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]

import orlib  # noqa: E402
from siting import BENCHMARKS, NORMANDY, distances, existing, normandy, warm  # noqa: E402

DOCUMENT = ROOT / "docs" / "benchmarks.md"
START, END = "<!-- implantation : début (benchmarks/siting_peers.py) -->", "<!-- implantation : fin -->"
TITLES = {
    "sf": "San Francisco, 205 quartiers × 16 magasins, p = 4, 5 000 m",
    "orlib": "OR-Library, pmed1 à pmed40, p-médiane",
    "normandie": "Normandie, p-médiane, 2 643 communes × 2 643 candidats",
}
INTRODUCTION = """## Implantation

Tableaux écrits par `make bench-siting` (`python benchmarks/siting_peers.py`). Chaque mesure a son processus ; les
concurrents passent à tour de rôle sur le même problème, de sorte qu'une machine occupée pèse sur tous. Le temps compté
va de la matrice des coûts à la réponse prouvée (écart de 1e-6 au plus), construction du modèle comprise ; ce qui se
compile la première fois l'est avant. **Rapport : temps de processeur du concurrent ÷ le nôtre** (les programmes qu'il
lance compris), médiane des tours, plus grand que 1 quand nous sommes plus rapides ; « > » : arrêté au temps donné, sans
preuve ; « – » : non essayé. Les structures existantes, que `pbp-pmedian` et notre modèle pour HiGHS ne connaissent pas,
y entrent dans les coûts (jamais plus que la plus proche) : c'est le même problème."""


def san_francisco() -> tuple[np.ndarray, np.ndarray]:
    """Return the network distances ``(205, 16)`` and the inhabitants."""
    import pandas as pd

    pairs = pd.read_csv(BENCHMARKS / "sf" / "SF_network_distance_candidateStore_16_censusTract_205_new.csv")
    cost = pairs.pivot_table(values="distance", index="DestinationName", columns="name")
    people = pairs.drop_duplicates("DestinationName").set_index("DestinationName")["demand"].reindex(cost.index)
    return cost.to_numpy(float), people.to_numpy(float)


@dataclass(frozen=True, eq=False)
class Question:
    """One problem: what is asked, of what."""

    aim: str
    cost: np.ndarray
    people: np.ndarray
    p: int
    radius: float = 0.0
    existing: Sequence[int] = ()


def question(case: str, variant: str) -> Question:
    if case == "sf":
        cost, people = san_francisco()
        return Question(variant, cost, people, 4, 5000.0)
    if case == "orlib":
        cost, p = orlib.instance(int(variant))
        return Question("p_median", cost, np.ones(len(cost)), p)
    count, p = NORMANDY[variant]
    xy, people = normandy()
    return Question("p_median", distances(xy), people, p, existing=existing(len(xy), count))


def ours(asked: Question, _limit_s: float) -> float | None:
    from observatory import siting

    if asked.aim == "lscp":
        found = siting.lscp(asked.cost <= asked.radius)
    elif asked.aim == "mclp":
        found = siting.mclp(asked.cost <= asked.radius, asked.people, asked.p)
    elif asked.aim == "p_center":
        found = siting.p_center(asked.cost, asked.p)
    else:
        found = siting.p_median(asked.cost, asked.people, asked.p, existing=asked.existing)
    return found.objective if found.status == "optimal" else None


def pbp(asked: Question, limit_s: float) -> float | None:
    from pbp_pmedian import solve

    cost = asked.cost
    if asked.existing:
        cost = np.minimum(cost, cost[:, list(asked.existing)].min(axis=1)[:, None])
    value, _, _, status, _ = solve(np.ascontiguousarray((cost * asked.people[:, None]).T), asked.p, time_limit=limit_s)
    return None if value is None or status != 0 else float(value)


def highs(asked: Question, limit_s: float) -> float | None:
    """HiGHS on the sparse assignment model: variables only for pairs that beat the fallback."""
    from scipy import sparse

    from observatory.siting.question.checked_inputs import rows_below
    from observatory.siting.solvers.milp import Model, minimise

    cost, people, sites = asked.cost, asked.people, list(asked.existing)
    fallback = cost[:, sites].min(axis=1) if sites else np.full(len(cost), cost.max() + 1)
    picked = np.flatnonzero((people > 0) & (fallback > 0))
    rows = rows_below(cost, picked, np.arange(cost.shape[1]), fallback[picked], people[picked])
    n, m, pairs = picked.size, cost.shape[1], rows.cost.size
    unit, k = np.repeat(np.arange(n), np.diff(rows.start)), np.arange(pairs)
    one = np.ones(pairs)
    links = sparse.csr_array((np.r_[one, -one], (np.r_[k, k], np.r_[k, pairs + rows.column])), shape=(pairs, pairs + m))
    matrix = sparse.vstack(
        [
            sparse.csr_array((one, (unit, k)), shape=(n, pairs + m)),
            links,
            sparse.csr_array((np.ones(m), (np.zeros(m, int), pairs + np.arange(m))), shape=(1, pairs + m)),
        ],
        format="csr",
    )
    model = Model(
        cost=np.r_[rows.cost - rows.base[unit], np.zeros(m)],
        matrix=sparse.csr_array(matrix),
        row_lower=np.full(n + pairs + 1, -np.inf),
        row_upper=np.r_[np.ones(n), np.zeros(pairs), asked.p],
        lower=np.zeros(pairs + m),
        upper=np.ones(pairs + m),
        whole=np.r_[np.zeros(pairs, bool), np.ones(m, bool)],
    )
    answer = minimise(model, time_limit_s=limit_s, tolerance=1e-6, seed=0)
    value = float(rows.base.sum() + answer.objective)
    return value if answer.objective - answer.bound <= 1e-6 * abs(value) else None  # nan where nothing is found


def spopt_with(solver: str) -> Callable[[Question, float], float | None]:
    def solve(asked: Question, limit_s: float) -> float | None:
        import pulp
        from spopt.locate import LSCP, MCLP, PCenter, PMedian

        if asked.aim == "lscp":
            model = LSCP.from_cost_matrix(asked.cost, asked.radius)
        elif asked.aim == "mclp":
            model = MCLP.from_cost_matrix(asked.cost, asked.people, asked.radius, p_facilities=asked.p)
        elif asked.aim == "p_center":
            model = PCenter.from_cost_matrix(asked.cost, p_facilities=asked.p)
        else:
            model = PMedian.from_cost_matrix(asked.cost, asked.people, p_facilities=asked.p)
        kind = pulp.PULP_CBC_CMD if solver == "cbc" else pulp.HiGHS
        model = model.solve(kind(msg=False, timeLimit=limit_s, gapRel=1e-6))
        is_proved = model.problem.sol_status == pulp.LpSolutionOptimal
        return float(model.problem.objective.value()) if is_proved else None

    return solve


@dataclass(frozen=True)
class Way:
    """A contender: its name in the tables, the module that it needs, what it answers."""

    label: str
    module: str
    solve: Callable[[Question, float], float | None]


WAYS = {
    "ours": Way("observatoire", "observatory", ours),
    "pbp": Way("pbp-pmedian", "pbp_pmedian", pbp),
    "highs": Way("HiGHS seul, affectation creuse", "highspy", highs),
    "spopt-cbc": Way("spopt, PuLP et CBC", "spopt", spopt_with("cbc")),
    "spopt-highs": Way("spopt, PuLP et HiGHS", "spopt", spopt_with("highs")),
}
SF_AIMS = {"lscp": "LSCP", "mclp": "MCLP", "p_median": "p-médiane", "p_center": "p-centre"}
SPOPT_MAX, HIGHS_MAX = 5, 15
"""Instances of OR-Library beyond which a peer is not tried: its model takes minutes to build, or its proof hours."""


def contenders(case: str, variant: str) -> list[str]:
    if case == "sf":
        alone = ["pbp", "highs"] if variant == "p_median" else []
        return ["ours", *alone, "spopt-cbc", "spopt-highs"]
    if case == "orlib":
        number = int(variant)
        small = ["spopt-cbc", "spopt-highs"] if number <= SPOPT_MAX else []
        return ["ours", "pbp", *(["highs"] if number <= HIGHS_MAX else []), *small]
    return ["ours", "pbp", "highs"]


def measure(case: str, variant: str, way: str, limit_s: float) -> None:
    """Print one measure as JSON: seconds of wall and of processor (children included), megabytes, value if proved."""
    asked = question(case, variant)
    if way in {"ours", "highs"}:
        warm()
    else:
        importlib.import_module(WAYS[way].module)
        if way.startswith("spopt"):
            importlib.import_module("spopt.locate")
    wall, processor = time.perf_counter(), _processor_s()
    value = WAYS[way].solve(asked, limit_s)
    wall, processor = time.perf_counter() - wall, _processor_s() - processor
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"wall_s": wall, "processor_s": processor, "memory_mb": memory_mb, "value": value}))


def _processor_s() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


def turn(case: str, variant: str, limit_s: float, missing: set[str]) -> dict[str, dict[str, Any]]:
    """Return the measures of all contenders on one problem, one after the other."""
    found = {}
    for way in contenders(case, variant):
        if way in missing:
            continue
        command = [sys.executable, __file__, "--one", case, variant, way, "--limit", str(limit_s)]
        try:
            run = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, timeout=3 * limit_s)
            found[way] = json.loads(run.stdout.splitlines()[-1])
        except subprocess.TimeoutExpired:
            found[way] = {"wall_s": 3 * limit_s, "processor_s": 3 * limit_s, "memory_mb": None, "value": None}
        print(case, variant, way, found[way], flush=True)
    return found


def measured(case: str, variants: Sequence[str], repetitions: int, limit_s: float) -> list[str]:
    """Return the table of one case."""
    missing = {way for way, one in WAYS.items() if importlib.util.find_spec(one.module) is None}
    for way in sorted(missing):
        print(f"{WAYS[way].label} n'est pas installé : laissé de côté.", file=sys.stderr)
    ways = [way for way in WAYS if way not in missing and any(way in contenders(case, one) for one in variants)]
    peers = [way for way in ways if way != "ours"]
    heading = ["", "le nôtre (s de processeur)", *(WAYS[way].label for way in peers)]
    lines = [f"| {' | '.join(heading)} |", f"|---|{'---:|' * (len(peers) + 1)}"]
    shared: dict[str, list[float]] = {}
    for variant in variants:
        turns = [turn(case, variant, limit_s, missing) for _ in range(repetitions)]
        own = statistics.median(one["ours"]["processor_s"] for one in turns)
        cells = [_ratio(turns, way, shared) for way in peers]
        lines.append(f"| {_name(case, variant)} | {_french(own, 3)} | {' | '.join(cells)} |")
    if len(variants) > 1 and shared:
        middle = [
            f"**{_french(statistics.median(shared[way]), 1)}** ({len(shared[way])})" if way in shared else "–"
            for way in peers
        ]
        lines.append(f"| **médiane** (problèmes prouvés) | | {' | '.join(middle)} |")
    absent = [WAYS[way].label for way in sorted(missing)]
    said = f" Non installé, laissé de côté : {', '.join(absent)}." if absent else ""
    load = _french(os.getloadavg()[0], 1)
    stamp = f"{_machine()} ; {repetitions} tour{'s' if repetitions > 1 else ''}, {limit_s:g} s au plus"
    return [*lines, "", f"_{stamp} ; charge de la machine {load}.{said}_"]


def _ratio(turns: list[dict[str, dict[str, Any]]], way: str, shared: dict[str, list[float]]) -> str:
    """Return the ratio of processor times as a cell, and add it to those of proved problems."""
    pairs = [(one["ours"], one[way]) for one in turns if way in one]
    if not pairs:
        return "–"
    ratio = statistics.median(theirs["processor_s"] / own["processor_s"] for own, theirs in pairs)
    values = [(own["value"], theirs["value"]) for own, theirs in pairs]
    if any(theirs is None for _, theirs in values):
        return f"> {_french(ratio, 1)}"
    if not all(own is not None and abs(own - theirs) <= 3e-6 * abs(own) for own, theirs in values):
        return f"{_french(ratio, 1)} (autre valeur)"
    shared.setdefault(way, []).append(ratio)
    return _french(ratio, 1)


def _name(case: str, variant: str) -> str:
    if case == "sf":
        return SF_AIMS[variant]
    if case == "orlib":
        return f"pmed{variant}"
    count, p = NORMANDY[variant]
    return f"p = {p}, {count} existantes" if count else f"p = {p}, aucune existante"


def _french(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}".replace(",", " ").replace(".", ",")


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), "processeur inconnu")
    return f"{model}, {len(os.sched_getaffinity(0))} cœurs, Python {sys.version.split()[0]}"


def write(case: str, lines: Sequence[str]) -> None:
    """Replace one table of the document, keeping those of the other cases."""
    text = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.is_file() else "# Mesures\n"
    known: dict[str, str] = {}
    if START in text:
        old = text[text.index(START) : text.index(END)]
        found = re.findall(r"<!-- cas ([a-z-]+) -->\n(.*?)(?=<!-- cas |\Z)", old, re.DOTALL)
        known = {name: body.strip() for name, body in found}
        text = text[: text.index(START)].rstrip() + "\n\n" + text[text.index(END) + len(END) :].lstrip()
    known[case] = "\n".join([f"### {TITLES[case]}", "", *lines])
    parts = [f"<!-- cas {name} -->\n{known[name]}" for name in TITLES if name in known]
    absent = [title for name, title in TITLES.items() if name not in known]
    if absent:
        parts.append(f"<!-- cas absent -->\nPas encore mesuré : {' ; '.join(absent)}.")
    body = "\n\n".join(parts)
    DOCUMENT.write_text(f"{text.rstrip()}\n\n{START}\n{INTRODUCTION}\n\n{body}\n{END}\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=list(TITLES), default=list(TITLES))
    parser.add_argument("--instances", nargs="*", type=int, default=list(range(1, 41)), help="of OR-Library")
    parser.add_argument("--questions", nargs="*", choices=list(NORMANDY), default=list(NORMANDY), help="of Normandy")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--limit", type=float, default=300.0, help="seconds given to each")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        measure(*options.one, options.limit)
        return
    variants = {"sf": list(SF_AIMS), "orlib": [str(one) for one in options.instances], "normandie": options.questions}
    for case in options.only:
        write(case, measured(case, variants[case], options.repetitions, options.limit))


if __name__ == "__main__":
    main()
