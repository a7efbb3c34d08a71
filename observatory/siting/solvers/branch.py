"""Exact p-median on sorted rows: Lagrangian bound, reduced-cost fixing, best-first branch and bound.

Opening a site for good lowers the base of the rows that it serves, closing one removes its column, so every node of
the tree is the same problem, smaller. What is pruned is pruned on a proved bound; the least of those bounds and of the
nodes still open is the bound of the whole, whenever the search stops.
"""

from __future__ import annotations

import heapq
import itertools
import math
import time
from dataclasses import dataclass, field

import numpy as np

from observatory.siting.solvers.interchange import greedy, interchange, value
from observatory.siting.solvers.lagrangian import Ascent
from observatory.siting.solvers.solution import Booleans, Floats
from observatory.siting.solvers.sorted_rows import Rows, narrow

_BLOCK = 100
"""Subgradient steps between two looks at the clock and at what can be fixed."""
_ROOT_BLOCKS = 40
_NODE_BLOCKS = 6
_LEAST_STEP = 1e-4
"""Below this step factor the prices no longer move: the node is branched on."""
_FIXED_SHARE = 0.1
"""The rows are rewritten once this share of the columns has been fixed."""
_ROUNDING = 1e-12
"""Share of the value within which two sums of the same terms may differ."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """Best columns found, their value, the proved lower bound, and how many nodes it took."""

    is_open: Booleans
    value: float
    bound: float
    nodes: int


@dataclass(frozen=True, eq=False)
class _Node:
    """A part of the problem: columns open for good, closed for good, prices to start from."""

    opened: Booleans
    closed: Booleans
    price: Floats


@dataclass(eq=False)
class _Search:
    """State of one search; private to :func:`solve`."""

    rows: Rows
    p: int
    deadline: float
    tolerance: float
    unit: float
    polish: bool
    incumbent: Booleans
    value: float
    pruned: float = math.inf
    nodes: int = 0
    tried: set[bytes] = field(default_factory=set)

    @property
    def threshold(self) -> float:
        """Bound from which a node can't hold a solution worth having."""
        if not math.isfinite(self.value):
            return math.inf
        slack = max(self.tolerance * abs(self.value), _ROUNDING * abs(self.value))
        return self.value - max(slack, self.unit * (1 - 1e-6) if self.unit else 0.0)

    def prune(self, bound: float) -> None:
        """Record the proved bound of what is given up."""
        self.pruned = min(self.pruned, bound)

    def offer(self, is_open: Booleans) -> None:
        """Take a set of columns as the incumbent if it is cheaper, after local search."""
        mark = np.packbits(is_open).tobytes()
        if mark in self.tried:
            return
        self.tried.add(mark)
        if self.polish:
            is_open, cost = interchange(self.rows, is_open)
        else:
            cost = value(self.rows, is_open)
        if cost < self.value:
            self.incumbent, self.value = is_open, cost

    def late(self) -> bool:
        """Tell whether the time is up."""
        return time.perf_counter() > self.deadline


def mid_prices(rows: Rows, is_open: Booleans) -> Floats:
    """Return prices half way between the nearest and the second nearest open column of each row."""
    hit = is_open[rows.column]
    rank = np.cumsum(hit)
    before = np.concatenate([[0], rank])[rows.start[:-1]]
    row = np.repeat(np.arange(rows.n_rows), np.diff(rows.start))
    nearest, second = rows.base.copy(), rows.base.copy()
    position = rank - before[row]
    first_hit, second_hit = hit & (position == 1), hit & (position == 2)
    nearest[row[first_hit]] = rows.cost[first_hit]
    second[row[second_hit]] = rows.cost[second_hit]
    return np.minimum((nearest + second) / 2, rows.base)


def _lift(names: np.ndarray, part: Booleans, opened: Booleans) -> Booleans:
    whole = opened.copy()
    whole[names[part]] = True
    return whole


def _fix(search: _Search, ascent: Ascent, threshold: float) -> tuple[Booleans, Booleans]:
    """Return the columns that must be closed and those that must be open in any solution below the threshold."""
    m, p, rho, taken = ascent.rows.n_columns, ascent.p, ascent.rho, ascent.taken
    close, must = np.zeros(m, np.bool_), np.zeros(m, np.bool_)
    if not math.isfinite(ascent.bound) or not 0 < p < m:
        return close, must
    worst_in, best_out = rho[taken].max(), rho[~taken].min()
    if_open, if_closed = ascent.bound - worst_in + rho, ascent.bound - rho + best_out
    close = ~taken & (if_open >= threshold)
    must = taken & (if_closed >= threshold)
    for fixed, bounds in ((close, if_open), (must, if_closed)):
        if fixed.any():
            search.prune(float(bounds[fixed].min()))
    return close, must


def _leaf(search: _Search, names: np.ndarray, rows: Rows, p: int, opened: Booleans) -> bool:
    """Settle a node where nothing is left to choose; return whether it was one."""
    if 0 < p < rows.n_columns:
        return False
    whole = _lift(names, np.full(rows.n_columns, p > 0), opened)
    cost = value(search.rows, whole)
    if cost < search.value:
        search.incumbent, search.value = whole, cost
    search.prune(cost)
    return True


def _explore(search: _Search, node: _Node, blocks: int) -> tuple[float, list[_Node]]:
    """Bound a node; return its bound and its two halves, or none when it is settled."""
    opened, closed = node.opened.copy(), node.closed.copy()
    rows, names = narrow(search.rows, keep=~closed, opened=opened)
    p = search.p - int(opened.sum())
    if _leaf(search, names, rows, p, opened):
        return math.inf, []
    step, deflection = (0.5, 0.7)
    ascent = Ascent(rows, p, node.price.copy(), search.value, step, deflection)
    close, must = np.zeros(rows.n_columns, np.bool_), np.zeros(rows.n_columns, np.bool_)
    proved = -math.inf  # of the node: what was proved before rows were rewritten holds for what is left of it
    for _ in range(blocks):
        ascent.run(_BLOCK, target=search.threshold)
        proved = max(proved, ascent.bound)
        if search.polish and ascent.heuristic is not None:
            search.offer(_lift(names, ascent.heuristic, opened))
            ascent.value = search.value
        if ascent.bound >= search.threshold:
            search.prune(ascent.bound)
            return math.inf, []
        close, must = _fix(search, ascent, search.threshold)
        if must.any() or close.sum() >= _FIXED_SHARE * rows.n_columns:
            closed[names[close]] = True
            opened[names[must]] = True
            rows, left = narrow(rows, keep=~close, opened=must)
            names = names[left]
            p -= int(must.sum())
            if _leaf(search, names, rows, p, opened):
                return math.inf, []
            ascent = _resume(ascent, rows, p, left)
            close, must = np.zeros(rows.n_columns, np.bool_), np.zeros(rows.n_columns, np.bool_)
        if ascent.step < _LEAST_STEP or search.late():
            break
    closed[names[close]] = True
    return proved, _halves(ascent, names, opened, closed, ~close)


def _resume(old: Ascent, rows: Rows, p: int, left: np.ndarray) -> Ascent:
    """Go on with the same prices on narrower rows."""
    new = Ascent(rows, p, old.best_price.copy(), old.value, max(old.step, 0.05), old.deflection, old.shrink)
    new.share = old.share[left].copy()
    return new


def _halves(ascent: Ascent, names: np.ndarray, opened: Booleans, closed: Booleans, free: Booleans) -> list[_Node]:
    """Split on the free column that was taken about half of the time."""
    doubt = np.where(free, np.abs(ascent.share - 0.5), np.inf)
    chosen = names[int(np.argmin(doubt))]
    with_it, without = opened.copy(), closed.copy()
    with_it[chosen] = True
    without[chosen] = True
    return [_Node(with_it, closed, ascent.best_price), _Node(opened, without, ascent.best_price)]


def solve(
    rows: Rows,
    p: int,
    *,
    deadline: float,
    tolerance: float,
    unit: float = 0.0,
    start: Booleans | None = None,
    polish: bool = True,
    closed: Booleans | None = None,
    opened: Booleans | None = None,
) -> Outcome:
    """Return the ``p`` columns that serve the rows at least cost, with a proved bound.

    Parameters
    ----------
    rows, p
        The problem; ``0 <= p <= rows.n_columns``.
    deadline
        Value of :func:`time.perf_counter` after which the best found is returned with its bound.
    tolerance
        Relative gap that counts as proved.
    unit
        Every value is a multiple of it (1 for whole costs), so that a bound within one unit settles; 0 if unknown.
    start
        Columns to start from instead of the greedy ones (exactly ``p`` open).
    polish
        Without it the start is kept until the tree itself ends on something better, which shows that nothing was pruned
        wrongly (for tests: with it, the search finds most optima before the proof starts).
    closed, opened
        Columns closed or open for good (``opened`` count in ``p``).
    """
    none = np.zeros(rows.n_columns, np.bool_)
    opened, closed = none if opened is None else opened, none if closed is None else closed
    first = _start(rows, p, opened, closed) if start is None else start
    search = _Search(rows, p, deadline, tolerance, unit, polish, first, math.inf)
    if opened.any() or closed.any():
        # Local search knows nothing of what is fixed: it works on the part that is free.
        return _within(search, opened, closed)
    search.offer(first)
    return _tree(search, _Node(opened, closed, mid_prices(rows, search.incumbent)))


def _start(rows: Rows, p: int, opened: Booleans, closed: Booleans) -> Booleans:
    part, names = narrow(rows, keep=~closed, opened=opened)
    return _lift(names, greedy(part, p - int(opened.sum())), opened)


def _within(search: _Search, opened: Booleans, closed: Booleans) -> Outcome:
    part, names = narrow(search.rows, keep=~closed, opened=opened)
    outcome = solve(
        part,
        search.p - int(opened.sum()),
        deadline=search.deadline,
        tolerance=search.tolerance,
        unit=search.unit,
        start=search.incumbent[names],
        polish=search.polish,
    )
    return Outcome(_lift(names, outcome.is_open, opened), outcome.value, outcome.bound, outcome.nodes)


def _tree(search: _Search, root: _Node) -> Outcome:
    """Explore nodes by least bound until none is worth it or the time is up."""
    order = itertools.count()
    heap: list[tuple[float, int, _Node]] = [(-math.inf, next(order), root)]
    while heap:
        bound, _, node = heap[0]
        if bound >= search.threshold or (search.late() and search.nodes > 0):
            break
        heapq.heappop(heap)
        search.nodes += 1
        found, halves = _explore(search, node, _ROOT_BLOCKS if search.nodes == 1 else _NODE_BLOCKS)
        for half in halves:
            heapq.heappush(heap, (max(bound, found), next(order), half))
    bound = min([search.pruned, search.value, *(entry[0] for entry in heap[:1])])
    if search.unit and bound > search.value - search.unit * (1 - 1e-6) - _ROUNDING * abs(search.value):
        bound = search.value
    return Outcome(search.incumbent, search.value, bound, search.nodes)
