"""Searches that stop early on a poor proposal, the same at every run: what is proved then must still be true.

Each stands in for the search of a solver and gives back what it may give when the time runs out: a proposal that
respects the constraints and is seldom the best, and a bound that is proved.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np

from observatory.siting.solvers import branch
from observatory.siting.solvers.branch import Outcome
from observatory.siting.solvers.effort import Effort
from observatory.siting.solvers.interchange import value
from observatory.siting.solvers.milp import Answer, Model, minimise
from observatory.siting.solvers.solution import Booleans, Solution, relative_gap
from observatory.siting.solvers.sorted_rows import Rows


def worst_columns(rows: Rows, p: int, opened: Booleans, closed: Booleans) -> Booleans:
    """Return the dearest choice of ``p`` columns that holds some and leaves others out."""
    held, free = np.flatnonzero(opened), np.flatnonzero(~opened & ~closed)
    choices = [np.isin(np.arange(rows.n_columns), [*held, *new]) for new in itertools.combinations(free, p - held.size)]
    return max(choices, key=lambda choice: value(rows, choice))


def stopped_tree(
    rows: Rows, p: int, *, opened: Booleans | None = None, closed: Booleans | None = None, **how
) -> Outcome:
    """Search from the worst choice, without local search, and stop after the first node."""
    none = np.zeros(rows.n_columns, np.bool_)
    start = worst_columns(rows, p, none if opened is None else opened, none if closed is None else closed)
    how = {**how, "deadline": -math.inf, "start": start, "polish": False}
    return branch.solve(rows, p, opened=opened, closed=closed, **how)


def stopped_model(model: Model, *, seed: int = 0, **_: object) -> Answer:
    """Draw the whole variables at random among those allowed, choose the rest for the best; the bound is linear."""
    how = {"time_limit_s": 10.0, "tolerance": 1e-9, "seed": 0}
    nothing = np.zeros(model.whole.size, np.bool_)
    relaxed = minimise(replace(model, whole=nothing), **how)
    prices = np.where(model.whole, np.random.default_rng(seed).random(model.whole.size) - 0.5, 0.0)
    drawn = minimise(replace(model, cost=prices), **how)
    if drawn.values is None or relaxed.is_infeasible:
        return drawn
    whole = np.round(drawn.values)
    lower, upper = np.where(model.whole, whole, model.lower), np.where(model.whole, whole, model.upper)
    rest = minimise(replace(model, lower=lower, upper=upper, whole=nothing), **how)
    assert rest.values is not None
    return Answer(np.where(model.whole, whole, rest.values), rest.objective, relaxed.objective, is_infeasible=False)


def nothing_found(model: Model, **_: object) -> Answer:
    """Run out of time before anything is found or proved."""
    return Answer(None, math.nan, -math.inf, is_infeasible=False)


TREE_STOPPED = Effort(tree=stopped_tree, highs_pairs_max=0, exact_pairs_max=0)
"""The tree stops at once, and HiGHS does nothing after it."""
MODEL_STOPPED = Effort(tree=stopped_tree, mixed_integer=stopped_model)
"""Both stop, the mixed-integer model where it can be asked."""
COVER_STOPPED = Effort(mixed_integer=stopped_model, blocks_max=0)
"""The local search of a cover stays where it starts, and the proof by HiGHS stops."""


def check_proof(found: Solution, best: float, *, is_most: bool = False, tolerance: float = 1e-6) -> bool:
    """Check what a proposal claims against the optimum; return whether it is a poor one (not the best, and says so).

    A bound is never better than the optimum allows, so one copied from a poor objective does not pass.
    """
    slack = 1e-9 * (1 + abs(best))
    sign = -1.0 if is_most else 1.0
    assert math.isfinite(found.bound), "nothing is proved"
    assert sign * found.bound <= sign * best + slack, "the bound passes the optimum"
    assert sign * found.objective >= sign * best - slack, "the objective passes the optimum"
    assert found.gap == relative_gap(found.objective, found.bound)
    assert (found.status == "optimal") == (found.gap <= tolerance)
    assert (found.reason is None) == (found.status == "optimal")
    is_poor = abs(found.objective - best) > tolerance * (1 + abs(best))
    assert not is_poor or found.status == "feasible"
    return is_poor
