"""Smallest cover of an incidence and its proof: reductions, components, prices, local search, bands, HiGHS."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from observatory.siting.solvers.cover_bound import WHOLE, cover_prices, least_whole
from observatory.siting.solvers.cover_search import first_cover_found, local_cover
from observatory.siting.solvers.cover_split import Split, split_bound
from observatory.siting.solvers.effort import USUAL, Effort
from observatory.siting.solvers.incidence import Core, Incidence, core
from observatory.siting.solvers.milp import Model
from observatory.siting.solvers.solution import Booleans, Floats, Indices

_QUIET_SHARE = 0.25
"""Share of the time after which the local search gives way to the proof (convention)."""


@dataclass(frozen=True, eq=False)
class Cover:
    """Columns that cover every unit, and the proved least number of columns of any cover."""

    columns: Indices
    bound: int


def smallest_cover(
    incidence: Incidence,
    *,
    deadline: float,
    seed: int,
    enough: int = 0,
    hopeless: int = 2**31,
    effort: Effort = USUAL,
) -> Cover:
    """Return a small cover and a bound.

    Parameters
    ----------
    incidence
        Every unit must have at least one column.
    deadline
        Value of :func:`time.perf_counter` after which the best known is returned.
    seed
        Of the local search.
    enough
        Stop as soon as a cover has this many columns.
    hopeless
        Stop as soon as the bound reaches this: the caller wants no cover that large.
    effort
        How far each stage goes.
    """
    small = core(incidence, np.arange(incidence.shape[1]))
    parts = _components(small)
    sizes = np.array([part.incidence.nnz for part in parts], np.float64)
    chosen, bound = list(small.forced), len(small.forced)
    for k, part in enumerate(parts):
        left = deadline - time.perf_counter()
        alone = len(parts) == 1
        found = _component(
            part.incidence,
            deadline=time.perf_counter() + left * sizes[k] / max(sizes[k:].sum(), 1.0),
            seed=seed,
            enough=enough - bound if alone else 0,
            hopeless=hopeless - bound if alone else 2**31,
            effort=effort,
        )
        chosen.extend(int(j) for j in part.sites[found.columns])
        bound += found.bound
    return Cover(np.array(sorted(chosen), np.int64), bound)


def _components(whole: Core) -> list[Core]:
    incidence = whole.incidence
    if incidence.shape[0] == 0:
        return []
    graph: Any = sparse.block_array([[None, incidence], [incidence.T, None]], format="csr")
    count, label = connected_components(graph, directed=False)
    units, columns = label[: incidence.shape[0]], label[incidence.shape[0] :]
    parts = []
    for k in range(count):
        rows, cols = np.flatnonzero(units == k), np.flatnonzero(columns == k)
        part = sparse.csr_array(incidence[rows][:, cols])
        part.sort_indices()
        parts.append(Core(part, whole.units[rows], whole.sites[cols], ()))
    return parts


@dataclass(frozen=True, eq=False)
class _Arrays:
    row_start: Indices
    row_column: np.ndarray
    column_start: Indices
    column_row: np.ndarray


def _arrays(incidence: Incidence) -> _Arrays:
    columns = sparse.csc_array(incidence)
    columns.sort_indices()
    return _Arrays(
        incidence.indptr.astype(np.int64),
        incidence.indices.astype(np.int32),
        columns.indptr.astype(np.int64),
        columns.indices.astype(np.int32),
    )


def _component(
    incidence: Incidence, *, deadline: float, seed: int, enough: int, hopeless: int, effort: Effort
) -> Cover:
    data = _arrays(incidence)
    weight = np.ones(incidence.shape[0], np.int64)
    quick = greedy_cover(incidence)
    if quick.sum() <= enough or time.perf_counter() > deadline:
        return Cover(np.flatnonzero(quick), min(1, int(quick.sum())))
    price_bound, price = cover_prices(
        data.row_start, data.row_column, data.column_start, data.column_row, upper=float(quick.sum()),
        deadline=deadline, iterations=effort.price_steps,
    )  # fmt: skip
    bound = least_whole(price_bound)
    if bound >= hopeless or quick.sum() <= max(bound, enough):
        return Cover(np.flatnonzero(quick), min(bound, int(quick.sum())))
    is_provable = incidence.nnz <= effort.proof_pairs_max
    local = effort
    if is_provable:
        local = replace(effort, quiet_blocks=min(effort.quiet_blocks, effort.quiet_blocks_before_proof))
    best = _persist(data, quick, max(bound, enough), deadline=deadline, seed=seed, weight=weight, effort=local)
    if best.sum() > max(bound, enough) and is_provable:
        least = min(int(best.sum()), hopeless)
        split = _split(incidence, price, best, deadline=deadline, seed=seed, least=least, effort=effort)
        best, bound = split.cover, max(bound, least_whole(split.bound))
        if bound < min(int(best.sum()), hopeless):
            best, bound = _prove(
                incidence, price, best, bound, deadline=deadline, seed=seed, at_most=hopeless - 1, effort=effort
            )
    return Cover(np.flatnonzero(best), min(bound, int(best.sum())))


def greedy_cover(incidence: Incidence) -> Booleans:
    """Return the columns opened one by one, each time the one that covers most units not yet covered."""
    data = _arrays(incidence)
    return first_cover_found(data.row_start, data.row_column, data.column_start, data.column_row)


def _search(data: _Arrays, start: Booleans, steps: int, target: int, seed: int, weight: Indices) -> Booleans:
    return local_cover(
        data.row_start, data.row_column, data.column_start, data.column_row, start, steps, target, seed, weight
    )


def _persist(
    data: _Arrays, start: Booleans, target: int, *, deadline: float, seed: int, weight: Indices, effort: Effort
) -> Booleans:
    """Search on until nothing smaller has come for long, the target is met, or a share of the time is spent."""
    now = time.perf_counter()
    until, best, quiet = now + _QUIET_SHARE * (deadline - now), start, 0
    per_move = data.row_column.size**2 / max(data.row_start.size * data.column_start.size, 1)
    moves = int(min(max(effort.block_steps / max(per_move, 1.0), 200), 20_000))
    for block in range(effort.blocks_max):
        found = _search(data, best, moves, target, (seed * 7919 + block + 1) % 2**31, weight)
        quiet = 0 if found.sum() < best.sum() else quiet + 1
        best = found
        if best.sum() <= target or quiet >= effort.quiet_blocks or time.perf_counter() > until:
            break
    return best


def _split(
    incidence: Incidence, price: Floats, best: Booleans, *, deadline: float, seed: int, least: int, effort: Effort
) -> Split:
    """Return the bound by bands, no longer searched once it proves ``least`` columns, and a cover no larger."""
    if incidence.shape[0] < effort.split_units_min or time.perf_counter() > deadline:
        return Split(0.0, best)
    return split_bound(incidence, price, best, deadline=deadline, seed=seed, enough=least, effort=effort.bands)


def _prove(
    incidence: Incidence,
    price: Floats,
    best: Booleans,
    bound: int,
    *,
    deadline: float,
    seed: int,
    at_most: int,
    effort: Effort = USUAL,
) -> tuple[Booleans, int]:
    """Raise the bound (or find a smaller cover) with HiGHS in the time left; covers over ``at_most`` are of no use.

    Parameters
    ----------
    price
        ``(n_units,)`` prices of the linear cover, not negative, whatever they are: a column whose reduced cost takes
        the bound that they prove past the limit is in no cover worth having, and is closed.
    """
    n, m = incidence.shape
    limit = float(min(at_most, int(best.sum())))
    reduced = 1.0 - np.asarray(incidence.T @ price)
    linear = float(price.sum() + np.minimum(reduced, 0.0).sum())
    total = sparse.csr_array(np.ones((1, m)))
    lines: Any = sparse.vstack([incidence.astype(np.float64), total], format="csr")
    model = Model(
        cost=np.ones(m),
        matrix=lines,
        row_lower=np.append(np.ones(n), float(bound)),
        row_upper=np.append(np.full(n, np.inf), limit),
        lower=np.zeros(m),
        upper=(linear + reduced <= limit + WHOLE).astype(np.float64),
        whole=np.ones(m, np.bool_),
    )
    answer = effort.mixed_integer(
        model,
        time_limit_s=deadline - time.perf_counter(),
        tolerance=0.0,
        seed=seed,
        start=best.astype(np.float64) if best.sum() <= limit else None,
        absolute_gap=0.999,
    )
    if answer.is_infeasible:
        return best, max(bound, int(limit) + 1)
    if math.isfinite(answer.bound):
        bound = max(bound, least_whole(answer.bound))
    if answer.values is not None:
        offered: Booleans = answer.values > 0.5
        covered = np.asarray(incidence @ offered.astype(np.int32)).min(initial=1) > 0
        if covered and offered.sum() < best.sum():
            best = offered
    return best, bound
