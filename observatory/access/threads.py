"""Work shared out between Python threads, for compiled loops and transforms that release the interpreter."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from observatory.errors import UsageError

_BLOCKS_PER_THREAD = 8


def in_blocks(work: Callable[[int, int], None], size: int, *, threads: int | None) -> None:
    """Run ``work(first, last)`` over consecutive blocks of ``range(size)``, on several threads.

    Raises
    ------
    UsageError
        If ``threads`` is not above 0.
    """
    count = core_count(threads)
    if count == 1 or size <= 1:
        work(0, size)
        return
    # Each block begins where no other does, so that callers may keep what a block gives under its beginning.
    bounds = np.unique(np.linspace(0, size, count * _BLOCKS_PER_THREAD + 1).astype(int)).tolist()
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(work, bounds[:-1], bounds[1:]))


def core_count(threads: int | None) -> int:
    """Return how many threads to use: what is asked, or the cores this process may run on.

    Raises
    ------
    UsageError
        If ``threads`` is not above 0.
    """
    count = len(os.sched_getaffinity(0)) if threads is None else threads
    if count < 1:
        raise UsageError("Le nombre de fils d’exécution doit être au moins 1.")
    return count
