"""Time and memory of access to services against other libraries, written to docs/benchmarks.md.

``python benchmarks/access.py`` runs everything, each run in its own process and contestants taking turns, so that a
busy machine weighs on all alike. Libraries that are not installed are left out and said so; ``gasfca``, ``pandana``,
``igraph`` and ``networkit`` are not dependencies of the project: install them beside it to compare.
``--only NAME…`` and ``--repetitions N`` shorten it. Points are drawn at random, seeded, clustered as towns are.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "benchmarks.md"
RADIUS_M = 30_000.0
STEPS = [(15_000.0, 1.0), (22_500.0, 0.3), (30_000.0, 0.1)]
GRID_STEPS = [(16_500.0, 1.0), (24_750.0, 0.3), (33_000.0, 0.1)]
LIMIT = 20_000.0
"""Twenty minutes, in thousandths."""
INTRODUCTION = """## Accès aux services

Tableaux écrits par `make bench-access` (`python benchmarks/access.py`). Chaque mesure a son propre processus ; les
concurrents passent à tour de rôle, de sorte qu'une machine occupée pèse sur tous. Durées : médianes. Rapports : médiane
(extrêmes) des rapports d'un même tour, plus grands que 1 quand nous sommes plus rapides ; celui du processeur souffre
le moins d'une machine occupée. « Mémoire en tout » : le plus que le processus ait tenu pendant le calcul, données et
bibliothèques comprises (150 Mo dès que numba est chargé) ; « de plus » : ce que le calcul y a ajouté.
"""
THOUSANDTHS = (
    "Les durées des arcs sont des millièmes de minute entiers : pandana tronque les coûts au millième d'unité, et "
    "trouverait sinon des trajets plus courts que les autres."
)


# --- What is measured -------------------------------------------------------------------------------------------------


def towns(rng: np.random.Generator, count: int, width_m: float, height_m: float) -> np.ndarray:
    """Points evenly spread over a rectangle."""
    return rng.random((count, 2)) * [width_m, height_m]


def catchments(n_demand: int, n_supply: int, width_m: float, height_m: float) -> dict[str, np.ndarray]:
    """Communes and sites: half the sites lie anywhere, half within 3 km of a commune."""
    rng = np.random.default_rng(20260101)
    origins = towns(rng, n_demand, width_m, height_m)
    near = origins[rng.integers(0, n_demand, n_supply // 2)] + rng.normal(0, 3000, (n_supply // 2, 2))
    destinations = np.concatenate((towns(rng, n_supply - n_supply // 2, width_m, height_m), near))
    return {
        "origins": origins,
        "destinations": destinations,
        "demand": rng.lognormal(6, 1.2, n_demand).round() + 1,
        "supply": rng.integers(1, 6, n_supply).astype(float),
    }


def cells(n_demand: int, n_supply: int, width_m: float, height_m: float) -> dict[str, np.ndarray]:
    """Inhabited 200 m cells, gathered in towns, and sites in them."""
    rng = np.random.default_rng(20260102)
    n_columns, n_rows = int(width_m / 200), int(height_m / 200)
    chance = rng.random(n_columns * n_rows) ** (1 / (1 + 20 * (rng.random(n_columns * n_rows) < 0.05)))
    chosen = np.sort(np.argpartition(-chance, n_demand)[:n_demand])
    origins = np.column_stack((chosen % n_columns, chosen // n_columns)) * 200.0 + 100.0
    destinations = origins[rng.integers(0, n_demand, n_supply)] + rng.uniform(-99, 99, (n_supply, 2))
    return {
        "origins": origins,
        "destinations": destinations,
        "demand": rng.integers(1, 80, n_demand).astype(float),
        "supply": rng.integers(1, 6, n_supply).astype(float),
    }


def roads(n_nodes: int) -> dict[str, np.ndarray]:
    """A road-like graph: a jittered grid of streets with a tenth missing, a faster one every tenth row and column.

    Arcs take whole thousandths of a minute: pandana cuts costs down to the thousandth of a unit and gives them back in
    single precision, so that with fractions it would find shorter trips than the others, and more of them.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    rng = np.random.default_rng(20260103)
    side = int(np.sqrt(n_nodes))
    row, column = (index.ravel() for index in np.mgrid[:side, :side])
    xy = np.column_stack((column, row)) * 300.0 + rng.normal(0, 60, (side * side, 2))
    node = np.arange(side * side)
    east, north = node[column < side - 1], node[row < side - 1]
    tails, heads = np.concatenate((east, north)), np.concatenate((east + 1, north + side))
    fast = np.concatenate((row[east] % 10 == 0, column[north] % 10 == 0))
    keep = fast | (rng.random(tails.size) > 0.1)
    tails, heads, fast = tails[keep], heads[keep], fast[keep]
    thousandths = np.ceil(np.hypot(*(xy[heads] - xy[tails]).T) * 60.0 / np.where(fast, 70.0, 30.0))
    shuffled = rng.permutation(side * side)
    tails, heads = shuffled[tails], shuffled[heads]
    place = np.empty_like(xy)
    place[shuffled] = xy
    graph = csr_array((np.ones(tails.size), (tails, heads)), shape=(node.size,) * 2)
    _, label = connected_components(graph, directed=False)
    main = np.flatnonzero(label == np.bincount(label).argmax())
    return {
        "xy": place,
        "tails": tails,
        "heads": heads,
        "thousandths": thousandths,
        "origin_nodes": rng.choice(main, 400, replace=False),
        "destination_nodes": rng.choice(main, 2000, replace=False),
    }


# --- Contestants: each returns what it found, for a checksum ----------------------------------------------------------


def ours_stream(data: dict[str, np.ndarray]) -> np.ndarray:
    from observatory.access.stream import e2sfca_within

    return e2sfca_within(data["origins"], data["destinations"], data["demand"], data["supply"], weights=STEPS)


def ours_pairs(data: dict[str, np.ndarray]) -> np.ndarray:
    from observatory.access import e2sfca, od_within

    pairs = od_within(data["origins"], data["destinations"], radius_m=RADIUS_M)
    return e2sfca(*pairs, data["demand"], data["supply"], weights=STEPS)


def prepare_pairs(data: dict[str, np.ndarray]) -> dict[str, Any]:
    import pandas as pd

    from observatory.access import od_within

    origin, destination, distance = od_within(data["origins"], data["destinations"], radius_m=RADIUS_M)
    return {
        "cost": pd.DataFrame({"origin": origin, "dest": destination, "cost": distance}),
        "demand": pd.DataFrame({"demand": data["demand"]}),
        "supply": pd.DataFrame({"supply": data["supply"]}),
    }


def pypi_access(data: dict[str, Any]) -> np.ndarray:
    from access import fca, weights

    found = fca.two_stage_fca(
        data["demand"],
        data["supply"],
        data["cost"],
        RADIUS_M,
        demand_index=True,
        demand_name="demand",
        weight_fn=weights.step_fn(dict(STEPS)),
    )
    return found.reindex(range(len(data["demand"])), fill_value=0.0).to_numpy()


def scipy_tree(data: dict[str, np.ndarray]) -> np.ndarray:
    from scipy.sparse import csr_array
    from scipy.spatial import cKDTree

    trees = cKDTree(data["origins"]), cKDTree(data["destinations"])
    found = trees[0].sparse_distance_matrix(trees[1], RADIUS_M, output_type="coo_matrix")
    uppers, values = np.array(STEPS).T
    weight = np.append(values, 0.0)[np.searchsorted(uppers, found.data)]
    matrix = csr_array((weight, (found.row, found.col)), shape=found.shape)
    asked = matrix.T @ data["demand"]
    return matrix @ np.divide(data["supply"], asked, out=np.zeros_like(asked), where=asked > 0)


def duckdb_sql(data: dict[str, np.ndarray]) -> np.ndarray:
    import duckdb
    import pandas as pd

    d = pd.DataFrame({"i": np.arange(len(data["demand"])), "p": data["demand"]})
    d[["x", "y"]] = data["origins"]
    s = pd.DataFrame({"j": np.arange(len(data["supply"])), "s": data["supply"]})
    s[["x", "y"]] = data["destinations"]
    database = duckdb.connect()
    database.register("d", d)
    database.register("s", s)
    step = " ".join(f"WHEN square <= {upper**2} THEN {weight}" for upper, weight in STEPS)
    found = database.execute(f"""
        WITH cell AS (
            SELECT *, CAST(floor(x / {RADIUS_M}) AS INTEGER) AS cx, CAST(floor(y / {RADIUS_M}) AS INTEGER) AS cy FROM s
        ), around AS (
            SELECT
                d.*,
                CAST(floor(x / {RADIUS_M}) AS INTEGER) + ox AS cx,
                CAST(floor(y / {RADIUS_M}) AS INTEGER) + oy AS cy
            FROM d, (SELECT unnest([-1, 0, 1]) AS ox), (SELECT unnest([-1, 0, 1]) AS oy)
        ), near AS (
            SELECT i, j, p, s, (a.x - c.x) ** 2 + (a.y - c.y) ** 2 AS square FROM around a JOIN cell c USING (cx, cy)
        ), pair AS (
            SELECT i, j, p, s, CASE {step} ELSE 0 END AS w FROM near WHERE square <= {RADIUS_M**2}
        ), ratio AS (
            SELECT j, max(s) / sum(p * w) AS r FROM pair GROUP BY j HAVING sum(p * w) > 0
        )
        SELECT i, sum(r * w) AS a FROM pair JOIN ratio USING (j) GROUP BY i
    """).fetchnumpy()
    index = np.zeros(len(d))
    index[found["i"]] = found["a"]
    return index


def geopandas_sjoin(data: dict[str, np.ndarray]) -> np.ndarray:
    import geopandas as gpd

    from observatory.access import e2sfca

    left = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*data["origins"].T), crs=2154)
    right = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*data["destinations"].T), crs=2154)
    joined = left.sjoin(right, predicate="dwithin", distance=RADIUS_M)
    origin, destination = joined.index.to_numpy(), joined["index_right"].to_numpy()
    distance = np.hypot(*(data["origins"][origin] - data["destinations"][destination]).T)
    return e2sfca(origin, destination, distance, data["demand"], data["supply"], weights=STEPS)


def prepare_dense(data: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    from scipy.spatial.distance import cdist

    return {**data, "dense": cdist(data["origins"], data["destinations"])}


def pypi_gasfca(data: dict[str, np.ndarray]) -> np.ndarray:
    from gasfca.core import calculate_single_accessibility

    found = calculate_single_accessibility(data["dense"], data["demand"], data["supply"], RADIUS_M)
    return np.asarray(found[0] if isinstance(found, tuple) else found)


def grid_stream(data: dict[str, np.ndarray]) -> np.ndarray:
    from observatory.access.grid import snap
    from observatory.access.stream import e2sfca_within

    snapped = snap(data["destinations"]).xy_m
    return e2sfca_within(data["origins"], snapped, data["demand"], data["supply"], weights=GRID_STEPS)


def grid_fft(data: dict[str, np.ndarray]) -> np.ndarray:
    from observatory.access.grid import e2sfca_fft

    return e2sfca_fft(data["origins"], data["destinations"], data["demand"], data["supply"], weights=GRID_STEPS)


def network_ours(data: dict[str, np.ndarray]) -> np.ndarray:
    """Nodes sorted in space, arcs compressed, then bounded search: everything but drawing the graph."""
    from observatory.access import dijkstra
    from observatory.access.network import _arcs, _in_space
    from observatory.access.threads import in_blocks

    order = _in_space(data["xy"])
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    both = data["thousandths"], data["thousandths"]
    indptr, heads, minutes = _arcs(rank[data["tails"]], rank[data["heads"]], *both, order.size)
    seeds = rank[data["origin_nodes"]].astype(np.int32)[:, None]
    arrival = rank[data["destination_nodes"]]
    by_node = np.argsort(arrival, kind="stable")
    start = np.zeros(order.size + 1, dtype=np.int64)
    np.cumsum(np.bincount(arrival, minlength=order.size), out=start[1:])
    count, found = np.zeros(len(seeds), dtype=np.int64), {}

    def block(first: int, last: int) -> None:
        found[first] = dijkstra.many_to_many(
            *(indptr, heads, minutes, seeds, np.zeros(seeds.shape), start, by_node.astype(np.int32)),
            *(np.zeros(by_node.size), by_node.size, LIMIT, first, last, count),
        )

    in_blocks(block, len(seeds), threads=None)
    result = np.full((len(seeds), by_node.size), np.inf)
    rows = np.repeat(np.arange(len(seeds)), count)
    parts = [found[first] for first in sorted(found)]
    result[rows, np.concatenate([part[0] for part in parts])] = np.concatenate([part[1] for part in parts])
    return result


def network_scipy(data: dict[str, np.ndarray]) -> np.ndarray:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra

    size = len(data["xy"])
    graph = csr_array((data["thousandths"], (data["tails"], data["heads"])), shape=(size, size))
    found = [
        dijkstra(graph, directed=False, indices=origin, limit=LIMIT)[data["destination_nodes"]]
        for origin in data["origin_nodes"]
    ]
    return np.array(found)


def network_pandana(data: dict[str, np.ndarray]) -> np.ndarray:
    import pandana
    import pandas as pd

    size = len(data["xy"])
    built = pandana.Network(
        pd.Series(data["xy"][:, 0], index=range(size)),
        pd.Series(data["xy"][:, 1], index=range(size)),
        pd.Series(data["tails"]),
        pd.Series(data["heads"]),
        pd.DataFrame({"cost": data["thousandths"]}),
        twoway=True,
    )
    near = built.nodes_in_range(data["origin_nodes"].tolist(), LIMIT)
    row = pd.Series(np.arange(data["origin_nodes"].size), index=data["origin_nodes"])
    column = pd.Series(np.arange(data["destination_nodes"].size), index=data["destination_nodes"])
    near = near[near["destination"].isin(column.index)]
    found = np.full((row.size, column.size), np.inf)
    found[row.loc[near["source"]], column.loc[near["destination"]]] = near["cost"]
    return found


def network_igraph(data: dict[str, np.ndarray]) -> np.ndarray:
    import igraph

    graph = igraph.Graph(n=len(data["xy"]), edges=np.column_stack((data["tails"], data["heads"])))
    graph.es["cost"] = data["thousandths"]
    found = np.array(graph.distances(data["origin_nodes"], data["destination_nodes"], weights="cost"))
    return np.where(found <= LIMIT, found, np.inf)


def network_networkit(data: dict[str, np.ndarray]) -> np.ndarray:
    import networkit

    edges = np.column_stack((data["tails"], data["heads"])).astype(np.uint64)
    graph = networkit.GraphFromCoo((data["thousandths"], (edges[:, 0], edges[:, 1])), n=len(data["xy"]), weighted=True)
    search = networkit.distance.SPSP(graph, data["origin_nodes"].tolist(), data["destination_nodes"].tolist())
    search.run()
    found = np.array(search.getDistances())
    return np.where(found <= LIMIT, found, np.inf)


@dataclass(frozen=True)
class Contest:
    """One case, one way of working it out."""

    title: str
    run: Callable[[Any], np.ndarray]
    prepare: Callable[[Any], Any] | None = None
    needs: str | None = None
    same_result: bool = True
    warm: Callable[[], dict[str, np.ndarray]] | None = None
    """What to warm up on, where the small case would not take the same way."""


@dataclass(frozen=True)
class Case:
    """What every contestant of a table is given, the first being ours."""

    title: str
    data: Callable[[], dict[str, np.ndarray]]
    small: Callable[[], dict[str, np.ndarray]]
    contests: dict[str, Contest]
    note: str = ""


def crowded(n_demand: int, n_supply: int) -> dict[str, np.ndarray]:
    """Points that are nearly all within the radius of one another: enough pairs to take the compiled ways."""
    return catchments(n_demand, n_supply, 20_000, 20_000)


CATCHMENT = {
    "flux": Contest("observatoire, en flux (`stream.e2sfca_within`)", ours_stream),
    "paires": Contest("observatoire, par paires (`od_within` + `e2sfca`)", ours_pairs, warm=lambda: crowded(750, 750)),
    "access": Contest("PyPI `access`, paires données", pypi_access, prepare_pairs, "access"),
    "scipy": Contest("scipy `cKDTree` + CSR", scipy_tree),
    "duckdb": Contest("DuckDB, SQL", duckdb_sql, None, "duckdb"),
    "sjoin": Contest("geopandas `sjoin(dwithin)` + `e2sfca`", geopandas_sjoin),
    "gasfca": Contest(
        "PyPI `gasfca` (gaussienne, matrice dense donnée)", pypi_gasfca, prepare_dense, "gasfca.core", same_result=False
    ),
}
GRID = {
    "fft": Contest("observatoire, FFT (`grid.e2sfca_fft`)", grid_fft),
    "flux": Contest("observatoire, en flux sur les mêmes points", grid_stream, warm=lambda: crowded(5000, 6000)),
}
NETWORK = {
    "observatoire": Contest("observatoire (tri des nœuds compris)", network_ours),
    "scipy": Contest("scipy `dijkstra(limit=)`", network_scipy),
    "pandana": Contest("pandana `nodes_in_range` (construction comprise)", network_pandana, None, "pandana"),
    "igraph": Contest("igraph", network_igraph, None, "igraph"),
    "networkit": Contest("networkit `SPSP`", network_networkit, None, "networkit"),
}
FRANCE = {
    "flux": replace(CATCHMENT["flux"], warm=lambda: crowded(5000, 6000)),
    **{name: CATCHMENT[name] for name in ("paires", "access", "scipy", "duckdb")},
}
CASES = {
    "normandie": Case(
        "E2SFCA, Normandie : 2 643 communes × 10 800 sites, rayon 30 km",
        lambda: catchments(2643, 10_800, 250_000, 120_000),
        lambda: catchments(50, 80, 50_000, 50_000),
        CATCHMENT,
    ),
    "france": Case(
        "E2SFCA, France : 34 738 communes × 200 000 sites, rayon 30 km",
        lambda: catchments(34_738, 200_000, 740_000, 740_000),
        lambda: catchments(50, 80, 50_000, 50_000),
        FRANCE,
    ),
    "carreaux-normandie": Case(
        "E2SFCA sur carreaux de 200 m, Normandie : 130 000 carreaux × 10 800 sites, rayon 33 km",
        lambda: cells(130_000, 10_800, 250_000, 120_000),
        lambda: cells(100, 80, 80_000, 80_000),
        GRID,
    ),
    "carreaux-france": Case(
        "E2SFCA sur carreaux de 200 m, France : 2,3 millions de carreaux × 200 000 sites, rayon 33 km",
        lambda: cells(2_300_000, 200_000, 740_000, 740_000),
        lambda: cells(100, 80, 80_000, 80_000),
        GRID,
    ),
    "reseau-60000": Case(
        "Temps de trajet, réseau de 60 000 nœuds : 400 départs × 2 000 arrivées, 20 minutes",
        lambda: roads(60_000),
        lambda: roads(2500),
        NETWORK,
        THOUSANDTHS,
    ),
    "reseau-300000": Case(
        "Temps de trajet, réseau de 300 000 nœuds : 400 départs × 2 000 arrivées, 20 minutes",
        lambda: roads(300_000),
        lambda: roads(2500),
        NETWORK,
        THOUSANDTHS,
    ),
}


# --- One run, in its own process --------------------------------------------------------------------------------------


def memory_mb(field: str) -> float:
    """Return a figure of this process's memory: ``VmRSS``, what it holds, or ``VmHWM``, the most it held."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def forget_peak() -> None:
    """Count the most held from now on (proc(5), ``clear_refs``)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def run_once(case: Case, contest: Contest) -> dict[str, Any]:
    """Warm up on a small case (compiled code is loaded there), then measure."""
    for source, is_measured in ((contest.warm or case.small, False), (case.data, True)):
        data: Any = source()
        if contest.prepare is not None:
            data = contest.prepare(data)
        forget_peak()
        before, wall, cpu = memory_mb("VmRSS"), time.perf_counter(), time.process_time()
        found = contest.run(data)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = memory_mb("VmHWM")
        if is_measured:
            finite = np.where(np.isfinite(found), found, 0.0)
            return {
                "wall_s": wall,
                "cpu_s": cpu,
                "peak_mb": peak,
                "above_mb": peak - before,
                "sum": float(finite.sum()),
                "square": float(np.square(finite).sum()),
                "count": int(np.count_nonzero(np.isfinite(found) & (found > 0))),
            }
    raise AssertionError


def in_process(case: str, contest: str) -> dict[str, Any]:
    """Run once in a new process and return its figures."""
    command = [sys.executable, "-P", __file__, "--run", case, contest]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"{case} {contest}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


# --- The tables -----------------------------------------------------------------------------------------------------


def measure(name: str, repetitions: int) -> list[str]:
    """Run a case, contestants taking turns, and return its Markdown."""
    case = CASES[name]
    missing = [key for key, contest in case.contests.items() if contest.needs and not _is_there(contest.needs)]
    present = [key for key in case.contests if key not in missing]
    runs: dict[str, list[dict[str, Any]]] = {key: [] for key in present}
    for _ in range(repetitions):
        for key in present:
            runs[key].append(in_process(name, key))
            print(name, key, {k: round(v, 3) for k, v in runs[key][-1].items()}, file=sys.stderr, flush=True)
    first = present[0]
    lines = [
        f"### {case.title}",
        "",
        "| | durée (s) | processeur (s) | durée ÷ la nôtre | processeur ÷ le nôtre | de plus (Mo) | en tout (Mo) |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for key in present:
        wall, cpu = (statistics.median(run[unit] for run in runs[key]) for unit in ("wall_s", "cpu_s"))
        wall_ratio, cpu_ratio = (_ratio(runs[key], runs[first], unit) for unit in ("wall_s", "cpu_s"))
        above, peak = (max(run[unit] for run in runs[key]) for unit in ("above_mb", "peak_mb"))
        row = [
            case.contests[key].title,
            f"{wall:.3f}",
            f"{cpu:.3f}",
            wall_ratio,
            cpu_ratio,
            f"{above:.0f}",
            f"{peak:.0f}",
        ]
        lines.append(re.sub(r"(?<=\d)\.(?=\d)", ",", f"| {' | '.join(row)} |"))
    lines += ["", f"{_agreement(case, runs, present)} {case.note}".strip(), ""]
    if missing:
        lines += [f"Pas installés ici, donc pas mesurés : {', '.join(missing)}.", ""]
    return lines


def _ratio(theirs: list[dict[str, Any]], ours: list[dict[str, Any]], unit: str) -> str:
    """Return the median and the extremes of what others take over what we take, round by round."""
    if theirs is ours:
        return "1"
    ratios = [other[unit] / own[unit] for other, own in zip(theirs, ours, strict=True)]
    return f"**{statistics.median(ratios):.1f}** ({min(ratios):.1f}–{max(ratios):.1f})"


def _agreement(case: Case, runs: dict[str, list[dict[str, Any]]], present: list[str]) -> str:
    """Say how far the results agree, by the sum of their squares."""
    ours = runs[present[0]][0]
    compared = [key for key in present[1:] if case.contests[key].same_result]
    if not compared:
        return ""
    worst = max(abs(runs[key][0]["square"] / ours["square"] - 1) for key in compared)
    counts = {runs[key][0]["count"] for key in compared} | {ours["count"]}
    same = "autant de valeurs non nulles partout" if len(counts) == 1 else f"valeurs non nulles : {sorted(counts)}"
    return f"Accord des résultats : somme des carrés à {worst:.0e} près, {same}."


def _is_there(module: str) -> bool:
    """Tell whether a library and all that it needs can be imported, in a process of its own."""
    command = [sys.executable, "-P", "-c", f"import {module}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def machine() -> str:
    """Describe the machine, without its name."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    return f"{model}, {len(os.sched_getaffinity(0))} cœurs, Python {platform.python_version()}"


def write(sections: dict[str, list[str]], repetitions: int) -> None:
    """Replace the access part of the document, keeping the tables of cases that were not run again."""
    text = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.is_file() else "# Mesures\n"
    start, end = "<!-- accès : début (benchmarks/access.py) -->", "<!-- accès : fin -->"
    known: dict[str, str] = {}
    before, after = f"{text.rstrip()}\n\n", "\n"
    if start in text:
        old = text[text.index(start) : text.index(end)]
        before, after = text[: text.index(start)], text[text.index(end) + len(end) :]
        for name in CASES:
            found = re.search(rf"<!-- cas {name} -->\n(.*?)(?=<!-- cas |\Z)", old, re.DOTALL)
            if found:
                known[name] = found[1].strip()
    load = os.getloadavg()[0]
    busy = f"{load:.1f}".replace(".", ",")
    times = f"{repetitions} répétitions" if repetitions > 1 else "une seule répétition"
    stamp = f"{machine()} ; {times} en alternance, charge de la machine {busy}"
    for name, lines in sections.items():
        known[name] = "\n".join([*lines, f"_{stamp}._"]).strip()
    body = "\n\n".join(f"<!-- cas {name} -->\n{known[name]}" for name in CASES if name in known)
    DOCUMENT.write_text(f"{before}{start}\n{INTRODUCTION}\n{body}\n{end}{after}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=list(CASES), default=list(CASES))
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--run", nargs=2, metavar=("CASE", "CONTEST"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        case, contest = options.run
        print(json.dumps(run_once(CASES[case], CASES[case].contests[contest])))
        return
    for name in options.only:
        write({name: measure(name, options.repetitions)}, options.repetitions)


if __name__ == "__main__":
    main()
