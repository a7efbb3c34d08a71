"""What every siting model returns: the sites, who goes where, and how far from the proved bound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Status = Literal["optimal", "feasible", "infeasible"]
Indices = NDArray[np.int64]
Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

UNCOVERED = -1
"""Position given to a demand unit that no open site serves."""


@dataclass(frozen=True, eq=False)
class Solution:
    """A siting proposal and its proof; nothing is added to it after solving.

    Attributes
    ----------
    sites
        Positions of the open candidates: the existing ones first, in the order given, then the new ones, ascending.
        Empty when infeasible.
    assignment
        ``(n_demand,)`` candidate position that serves each unit, ``-1`` for a unit that none serves.
    objective
        Value of the proposal in the model's own unit; ``nan`` when infeasible.
    bound
        Proved: no proposal can do better than this (lower bound when minimising, upper bound when maximising).
        ``nan`` when nothing is proved.
    gap
        ``|objective - bound| / |objective|``, proved; ``nan`` when unknown.
    status
        ``optimal``: the gap is within the tolerance asked for. ``feasible``: the best found in the time given.
        ``infeasible``: no proposal respects the constraints; ``reason`` says why in French.
    seed, elapsed_s
        What the search started from, and the wall time that it took.
    reason
        French sentence: what is in the way (infeasible), or what stopped the proof (feasible); else ``None``.
    """

    sites: tuple[int, ...]
    assignment: Indices
    objective: float
    bound: float
    gap: float
    status: Status
    seed: int
    elapsed_s: float
    reason: str | None = None


def relative_gap(objective: float, bound: float) -> float:
    """Return ``|objective - bound| / |objective|``; 0 when equal, ``nan`` when either is unknown."""
    if not (math.isfinite(objective) and math.isfinite(bound)):
        return math.nan
    difference = abs(objective - bound)
    return 0.0 if difference == 0 else difference / max(abs(objective), 1e-300)


def infeasible(n_demand: int, reason: str, *, seed: int, elapsed_s: float) -> Solution:
    """Return the solution of a question that has none, with the French sentence that says why."""
    nobody = np.full(n_demand, UNCOVERED, dtype=np.int64)
    nobody.flags.writeable = False
    return Solution((), nobody, math.nan, math.nan, math.nan, "infeasible", seed, elapsed_s, reason)


def solved(
    sites: tuple[int, ...],
    assignment: Indices,
    objective: float,
    bound: float,
    *,
    seed: int,
    elapsed_s: float,
    tolerance: float,
    reason: str | None = None,
) -> Solution:
    """Return a proposal with its gap; it is optimal if the gap is proved to be within ``tolerance``."""
    gap = relative_gap(objective, bound)
    assignment = np.ascontiguousarray(assignment, dtype=np.int64)
    assignment.flags.writeable = False
    optimal = math.isfinite(gap) and gap <= tolerance
    if not optimal and reason is None:
        reason = "Le temps donné n’a pas suffi à prouver que cette proposition est la meilleure ; la borne dit l’écart."
    status: Status = "optimal" if optimal else "feasible"
    return Solution(sites, assignment, objective, bound, gap, status, seed, elapsed_s, None if optimal else reason)
