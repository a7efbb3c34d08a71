"""One mixed-integer model for what the fast solvers don't know: budgets, exclusions, closures, mixes of services."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from scipy import sparse

from observatory.siting.solvers.effort import USUAL, Effort
from observatory.siting.solvers.milp import Model
from observatory.siting.solvers.p_median import TOLERANCE
from observatory.siting.solvers.solution import Booleans, Floats, Status, relative_gap

SPENT: Final = 1e-6
"""What a budget is met within, in its own unit: rounding of sums."""
Aim = Literal["mclp", "p_median", "lscp"]


@dataclass(frozen=True, eq=False)
class MixQuestion:
    """Which services to open at which sites.

    ``minutes[s]`` is ``(n_units, n_columns)`` for service ``s``: existing structures first, then candidates; infinite
    where a column doesn't offer it or is too far.
    """

    minutes: Sequence[Floats]
    weights: Sequence[Floats]
    """Weight of each unit for each service, ``(n_units,)``; 0: it doesn't count."""
    n_existing: int
    is_kept: Booleans
    """Whether each existing structure stays open, whatever is chosen, ``(n_existing,)``."""
    aim: Aim
    threshold_min: float
    poles: int | None
    """Sites opened: at most so many; exactly so many where ``is_exact``; None: no limit."""
    is_exact: bool = False
    is_tied: bool = True
    """True: a site opens all the services. False: it opens those chosen."""
    site_cost: Floats | None = None
    """Cost of each column when it opens, existing structures 0, ``(n_columns,)``."""
    service_cost: Sequence[float] = ()
    closing_cost: Floats | None = None
    """For each existing structure, the cost of closing it less what that saves; nan: it may not be closed."""
    budget: float | None = None
    forced: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()
    incompatible: tuple[tuple[int, int], ...] = ()

    @property
    def n_columns(self) -> int:
        """Number of existing structures and candidates."""
        return int(self.minutes[0].shape[1])

    @property
    def is_closable(self) -> Booleans:
        """Existing structures that the choice may close."""
        if self.closing_cost is None:
            return np.zeros(self.n_existing, dtype=np.bool_)
        return np.isfinite(self.closing_cost) & self.is_kept


@dataclass(frozen=True, eq=False)
class Mix:
    """A choice and its proof: ``opened[column]`` are the positions of the services that a new site opens."""

    opened: dict[int, tuple[int, ...]]
    closed: tuple[int, ...]
    objective: float
    bound: float
    gap: float
    status: Status
    cost: float
    elapsed_s: float


class _Build:
    """Rows and variables of the model as they are declared."""

    def __init__(self) -> None:
        self.price: list[float] = []
        self.low: list[float] = []
        self.high: list[float] = []
        self.whole: list[bool] = []
        self.rows: list[tuple[list[int], list[float], float, float]] = []

    def variable(self, *, price: float = 0.0, low: float = 0.0, high: float = 1.0, is_whole: bool = False) -> int:
        self.price.append(price)
        self.low.append(low)
        self.high.append(high)
        self.whole.append(is_whole)
        return len(self.price) - 1

    def row(self, names: list[int], values: list[float], low: float, high: float) -> None:
        self.rows.append((names, values, low, high))

    def model(self) -> Model:
        start = np.cumsum([0, *(len(names) for names, *_ in self.rows)])
        column = np.array([name for names, *_ in self.rows for name in names], dtype=np.int64)
        value = np.array([one for _, values, *_ in self.rows for one in values])
        return Model(
            cost=np.array(self.price),
            matrix=sparse.csr_array((value, column, start), shape=(len(self.rows), len(self.price))),
            row_lower=np.array([low for *_, low, _ in self.rows]),
            row_upper=np.array([high for *_, high in self.rows]),
            lower=np.array(self.low),
            upper=np.array(self.high),
            whole=np.array(self.whole, dtype=np.bool_),
        )


def choose_mix(
    question: MixQuestion, *, time_limit_s: float = 60.0, seed: int = 0, effort: Effort = USUAL
) -> Mix | None:
    """Return the best choice with its bound, or None where no choice meets every condition.

    Notes
    -----
    ``mclp``: ``c <= sum of what covers``. ``p_median``: one variable per unit and column nearer than the structures
    that stay open. ``lscp``: every unit of positive weight is covered by the fewest new sites.
    """
    began = time.perf_counter()
    build = _Build()
    column = _sites(build, question)
    offers = _offers(build, question, column)
    fixed = np.flatnonzero(question.is_kept & ~question.is_closable)
    constant = 0.0
    for service, minutes in enumerate(question.minutes):
        base = minutes[:, fixed].min(axis=1, initial=np.inf)
        if question.aim == "p_median":
            constant += _assigned(build, question, service, base, offers[service])
        else:
            constant += _covered(build, question, service, base, offers[service])
    answer = effort.mixed_integer(build.model(), time_limit_s=time_limit_s, tolerance=TOLERANCE, seed=seed)
    elapsed = time.perf_counter() - began
    if answer.values is None:
        return None if answer.is_infeasible else _nothing_found(elapsed)
    is_open = answer.values > 0.5
    opened = {
        site: tuple(s for s in range(len(question.minutes)) if site in offers[s] and is_open[offers[s][site]])
        for site in range(question.n_existing, question.n_columns)
        if site in column and is_open[column[site]]
    }
    closed = tuple(int(one) for one in np.flatnonzero(question.is_closable) if not is_open[column[int(one)]])
    sign = -1.0 if question.aim == "mclp" else 1.0
    objective, bound = (constant + sign * one for one in (answer.objective, answer.bound))
    gap = relative_gap(objective, bound)
    status: Status = "optimal" if gap <= 2 * TOLERANCE else "feasible"
    if status == "optimal":
        bound, gap = objective, 0.0
    return Mix(opened, closed, objective, bound, gap, status, spent(question, opened, closed), elapsed)


def _nothing_found(elapsed_s: float) -> Mix:
    return Mix({}, (), np.nan, np.nan, np.nan, "feasible", 0.0, elapsed_s)


def spent(question: MixQuestion, opened: dict[int, tuple[int, ...]], closed: tuple[int, ...]) -> float:
    """Return what a choice costs, in the unit of the budget."""
    total = 0.0 if question.site_cost is None else float(sum(question.site_cost[site] for site in opened))
    if question.service_cost:
        total += sum(question.service_cost[service] for services in opened.values() for service in services)
    if question.closing_cost is not None:
        total += float(sum(question.closing_cost[one] for one in closed))
    return total


def _sites(build: _Build, question: MixQuestion) -> dict[int, int]:
    """Declare what opens and what may close, how many, what excludes what, what is spent."""
    column = {
        site: build.variable(is_whole=True, low=float(site in question.forced), price=float(question.aim == "lscp"))
        for site in range(question.n_existing, question.n_columns)
        if site not in question.refused
    }
    new = list(column.values())
    if question.poles is not None and new:
        least = float(question.poles) if question.is_exact else 0.0
        build.row(new, [1.0] * len(new), least, float(question.poles))
    for first, second in question.incompatible:
        if first in column and second in column:
            build.row([column[first], column[second]], [1.0, 1.0], 0.0, 1.0)
    for one in np.flatnonzero(question.is_closable):
        column[int(one)] = build.variable(is_whole=True)
    return column


def _offers(build: _Build, question: MixQuestion, column: dict[int, int]) -> list[dict[int, int]]:
    """Return, for each service, the variable that says whether a column offers it; and hold the budget."""
    names: list[int] = []
    prices: list[float] = []
    offset = 0.0
    for site, name in column.items():
        if site >= question.n_existing:
            price = 0.0 if question.site_cost is None else float(question.site_cost[site])
        else:
            price = -float(question.closing_cost[site])  # type: ignore[index]  # closable: the array is there
            offset -= price
        names.append(name)
        prices.append(price)
    offers: list[dict[int, int]] = []
    for service in range(len(question.minutes)):
        offers.append({})
        for site, name in column.items():
            if question.is_tied or site < question.n_existing:
                offers[service][site] = name
                continue
            opened = build.variable(is_whole=True)
            build.row([opened, name], [1.0, -1.0], -np.inf, 0.0)
            offers[service][site] = opened
            names.append(opened)
            prices.append(float(question.service_cost[service]) if question.service_cost else 0.0)
    if question.budget is not None:
        build.row(names, prices, -np.inf, question.budget - offset + SPENT)
    return offers


def _covered(build: _Build, question: MixQuestion, service: int, base: Floats, offers: dict[int, int]) -> float:
    """Declare who is covered, and return the weight that is so whatever is chosen."""
    minutes, weight = question.minutes[service], question.weights[service]
    done = base <= question.threshold_min
    reaches: dict[tuple[int, ...], float] = {}
    for unit in np.flatnonzero((weight > 0) & ~done):
        near = tuple(int(site) for site in np.flatnonzero(minutes[unit] <= question.threshold_min) if site in offers)
        reaches[near] = reaches.get(near, 0.0) + float(weight[unit])
    for near, total in reaches.items():
        names = [offers[site] for site in near]
        if question.aim == "lscp":
            build.row(names, [1.0] * len(names), 1.0, np.inf)
        elif names:
            met = build.variable(price=-total)
            build.row([met, *names], [1.0, *([-1.0] * len(names))], -np.inf, 0.0)
    return 0.0 if question.aim == "lscp" else float(weight[done].sum())


def _assigned(build: _Build, question: MixQuestion, service: int, base: Floats, offers: dict[int, int]) -> float:
    """Declare who goes where, and return the cost of those who can't do better than what stays open."""
    minutes, weight = question.minutes[service], question.weights[service]
    constant = 0.0
    for unit in np.flatnonzero(weight > 0):
        better = [site for site in offers if minutes[unit, site] < base[unit]]
        if not better and np.isfinite(base[unit]):
            constant += float(weight[unit] * base[unit])
            continue
        goes = []
        for site in better:
            name = build.variable(price=float(weight[unit] * minutes[unit, site]))
            build.row([name, offers[site]], [1.0, -1.0], -np.inf, 0.0)
            goes.append(name)
        if np.isfinite(base[unit]):
            goes.append(build.variable(price=float(weight[unit] * base[unit])))
        build.row(goes, [1.0] * len(goes), 1.0, 1.0)
    return constant


def without_answer(question: MixQuestion, *, time_limit_s: float = 10.0, effort: Effort = USUAL) -> str:
    """Return the French sentence that names the condition without which an impossible question has an answer."""
    tries = (
        (replace(question, budget=None), "Le budget ne suffit à aucune proposition : relevez-le."),
        (
            replace(question, incompatible=()),
            (
                "Les lieux déclarés incompatibles ne laissent pas ouvrir autant de pôles : retirez une paire ou "
                "demandez moins de pôles."
            ),
        ),
        (
            replace(question, forced=()),
            "Les lieux imposés ne peuvent pas être ouverts ensemble dans les conditions demandées : retirez-en un.",
        ),
        (replace(question, poles=None), "Le nombre de pôles demandé ne suffit pas : demandez-en davantage."),
    )
    for relaxed, sentence in tries:
        if choose_mix(relaxed, time_limit_s=time_limit_s, effort=effort) is not None:
            return sentence
    return (
        "Aucune proposition ne respecte ensemble le budget, les lieux imposés et les incompatibilités : allégez l’une "
        "de ces conditions."
    )
