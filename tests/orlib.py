"""OR-Library p-median instances, read where they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.sparse.csgraph import shortest_path

FOLDER = Path(__file__).parents[2] / "shared" / "benchmarks" / "orlib"


def instance(number: int) -> tuple[np.ndarray, int]:
    """Return the all-pairs costs and p of ``pmed<number>``; of two edges between the same vertices the last wins."""
    text = (FOLDER / f"pmed{number}.txt").read_text().split()
    n, _, p = (int(word) for word in text[:3])
    edges = np.array(text[3:], dtype=int).reshape(-1, 3)
    graph = np.zeros((n, n))
    for a, b, length in edges:
        graph[a - 1, b - 1] = graph[b - 1, a - 1] = length
    return shortest_path(graph, directed=False), p


def optima() -> dict[int, int]:
    """Return the published optimum of each instance."""
    lines = (FOLDER / "pmedopt.txt").read_text().splitlines()[1:]
    return {int(line.split()[0].removeprefix("pmed")): int(line.split()[1]) for line in lines if line.strip()}
