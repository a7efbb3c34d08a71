"""Where to put new poles, given those that exist: pure functions, arrays in, a frozen solution with its proof out."""

from __future__ import annotations

from observatory.siting.solvers.effort import BandEffort, Effort
from observatory.siting.solvers.k_best import k_best_p_median
from observatory.siting.solvers.lscp import lscp
from observatory.siting.solvers.mclp import mclp
from observatory.siting.solvers.p_center import p_center
from observatory.siting.solvers.p_median import p_median
from observatory.siting.solvers.pareto import Aim, Compromise, Front, pareto
from observatory.siting.solvers.solution import UNCOVERED, Solution

__all__ = [
    "UNCOVERED",
    "Aim",
    "BandEffort",
    "Compromise",
    "Effort",
    "Front",
    "Solution",
    "k_best_p_median",
    "lscp",
    "mclp",
    "p_center",
    "p_median",
    "pareto",
]
