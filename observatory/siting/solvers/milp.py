"""The one door to HiGHS: a sparse mixed-integer model in, values and a proved bound out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from observatory.siting.solvers import interruption
from observatory.siting.solvers.solution import Booleans, Floats

_LEAST_TIME_S = 0.05
"""HiGHS is always given this much, so that a late call still answers (convention)."""


@dataclass(frozen=True, eq=False)
class Model:
    """``min cost @ x`` subject to ``row_lower <= matrix @ x <= row_upper`` and ``lower <= x <= upper``.

    ``whole`` says which variables are integers.
    """

    cost: Floats
    matrix: sparse.csr_array
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats
    whole: Booleans


@dataclass(frozen=True, eq=False)
class Answer:
    """Values (``None`` when none was found), objective, proved lower bound, and whether infeasibility is proved."""

    values: Floats | None
    objective: float
    bound: float
    is_infeasible: bool
    row_dual: Floats | None = None


def minimise(
    model: Model,
    *,
    time_limit_s: float,
    tolerance: float,
    seed: int,
    start: Floats | None = None,
    absolute_gap: float = 0.0,
) -> Answer:
    """Solve a model with HiGHS on one thread, which makes the answer depend on the seed alone (time limit aside).

    Parameters
    ----------
    model
        The model; a linear one if no variable is whole, and then the row duals are returned too.
    time_limit_s, tolerance, absolute_gap
        Wall time, relative and absolute gaps at which the search stops.
    seed
        Seed of HiGHS.
    start
        Values of all variables to start from.

    Raises
    ------
    GivenUpError
        If whoever asked gave the question up (:mod:`observatory.siting.solvers.interruption`).
    """
    import highspy

    interruption.check()

    highs = _solver(
        seed, {"time_limit": max(time_limit_s, _LEAST_TIME_S), "mip_rel_gap": tolerance,
               "mip_abs_gap": max(absolute_gap, 1e-9)},
    )  # fmt: skip
    highs.passModel(_as_highs(model))
    if start is not None:
        guess = highspy.HighsSolution()
        guess.col_value = list(start)
        highs.setSolution(guess)
    _watch(highs)
    highs.run()
    interruption.check()
    return _read(highs, is_mip=bool(model.whole.any()))


def _solver(seed: int, options: dict[str, Any]) -> Any:  # noqa: ANN401 - highspy has no types
    import highspy

    highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    always = {"output_flag": False, "threads": 1, "random_seed": seed % (2**31 - 1)}
    for name, option in (always | options).items():
        highs.setOptionValue(name, option)
    return highs


class LinearModel:
    """A linear model solved again and again as its costs change; each solve starts from the last."""

    def __init__(self, model: Model, *, seed: int) -> None:
        self._highs = _solver(seed, {"solver": "simplex", "presolve": "off"})
        self._highs.passModel(_as_highs(model))
        _watch(self._highs)

    def solve(self, *, time_limit_s: float) -> Answer:
        """Solve within a wall time; :class:`GivenUpError` as in :func:`minimise`."""
        interruption.check()
        # HiGHS counts the time of all solves of one model together.
        self._highs.setOptionValue("time_limit", self._highs.getRunTime() + max(time_limit_s, _LEAST_TIME_S))
        self._highs.run()
        interruption.check()
        return _read(self._highs, is_mip=False)

    def reprice(self, cost: Floats) -> None:
        """Change the costs of all variables."""
        self._highs.changeColsCost(int(cost.size), np.arange(cost.size, dtype=np.int32), cost)


def _watch(highs: Any) -> None:  # noqa: ANN401 - highspy has no types
    """Let HiGHS stop by itself where the question is given up."""
    is_given_up = interruption.watcher()
    if is_given_up is None:
        return

    def stop(event: Any) -> None:  # noqa: ANN401 - highspy has no types
        event.interrupt(is_given_up())

    highs.enableCallbacks()
    for moment in (highs.cbMipInterrupt, highs.cbSimplexInterrupt, highs.cbIpmInterrupt):
        moment.subscribe(stop)


def _as_highs(model: Model) -> Any:  # noqa: ANN401 - highspy has no types
    import highspy

    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = model.matrix.shape
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = model.cost, model.lower, model.upper
    lp.row_lower_, lp.row_upper_ = model.row_lower, model.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = model.matrix.indptr.astype(np.int32)
    lp.a_matrix_.index_ = model.matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = model.matrix.data.astype(np.float64)
    if model.whole.any():
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(whole)] for whole in model.whole]
    return lp


def _read(highs: Any, *, is_mip: bool) -> Answer:  # noqa: ANN401 - highspy has no types
    import highspy

    status, info = highs.getModelStatus(), highs.getInfo()
    if status == highspy.HighsModelStatus.kInfeasible:
        return Answer(None, math.nan, math.inf, is_infeasible=True)
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    solution = highs.getSolution()
    values = np.array(solution.col_value) if found else None
    objective = float(info.objective_function_value) if found else math.nan
    if is_mip:
        bound = float(info.mip_dual_bound)
    else:
        # A linear model stopped by the clock proves nothing through its primal value.
        bound = objective if status == highspy.HighsModelStatus.kOptimal else -math.inf
    duals = np.array(solution.row_dual) if not is_mip and solution.dual_valid else None
    return Answer(values, objective, bound, is_infeasible=False, row_dual=duals)
