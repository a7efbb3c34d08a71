"""Solvers stopped early: what they say is proved never passes the optimum, found by trying every choice."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from cut_short import COVER_STOPPED, MODEL_STOPPED, TREE_STOPPED, check_proof, nothing_found, stopped_model

from observatory.declared.siting_options import Joint, JointService
from observatory.siting import BandEffort, Effort, k_best_p_median, lscp, mclp, p_center, p_median
from observatory.siting.proposal.joint_pole import joint_poles
from observatory.siting.proposal.solving import solve
from observatory.siting.question.arrays import Limits, SitingModel
from observatory.siting.solvers.milp import minimise

SEEDS = range(24)
POOR_LEAST = 8
"""Of the cases of a test, those where the search must stop on a proposal that is not the best: else nothing is seen."""


class Case:
    """Nine units, seven candidates of which one exists; every choice of two or three others."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.cost = rng.integers(1, 40, (9, 7)).astype(float) if seed % 2 else rng.random((9, 7)) * 40
        self.demand = rng.integers(0, 6, 9).astype(float)
        self.p = 2 + seed % 2
        self.covers = self.cost <= 12
        self.choices = [[0, *new] for new in itertools.combinations(range(1, 7), self.p)]

    def median(self, cost: np.ndarray) -> float:
        return min(float(self.demand @ cost[:, sites].min(axis=1)) for sites in self.choices)

    def covered(self) -> float:
        return max(float(self.demand[self.covers[:, sites].any(axis=1)].sum()) for sites in self.choices)

    def farthest(self) -> float:
        return min(float(self.cost[:, sites].min(axis=1).max()) for sites in self.choices)


def test_p_median_stopped_early() -> None:
    poor = 0
    for case in map(Case, SEEDS):
        found = p_median(case.cost, case.demand, case.p, existing=[0], time_limit_s=0, effort=TREE_STOPPED)
        poor += check_proof(found, case.median(case.cost))
        left_out = p_median(
            case.cost, case.demand, case.p, existing=[0], time_limit_s=0, uncovered_cost=9.0, effort=TREE_STOPPED
        )
        check_proof(left_out, case.median(np.minimum(case.cost, 9.0)))
    assert poor >= POOR_LEAST


def test_p_median_without_an_existing_site_stopped_early() -> None:
    # Forbidden pairs: the worst choice often leaves somebody out, and nothing is then said to be impossible.
    poor, left = 0, 0
    for case in map(Case, SEEDS):
        cost = np.where(case.cost > 30, np.inf, case.cost)
        useful = case.demand > 0
        choices = itertools.combinations(range(7), 3)
        best = min(float(case.demand[useful] @ cost[useful][:, sites].min(axis=1)) for sites in choices)
        found = p_median(cost, case.demand, 3, time_limit_s=0, effort=TREE_STOPPED)
        if found.status == "infeasible":
            assert np.isinf(best) or "sans que l’impossibilité soit prouvée" in str(found.reason)
            left += np.isfinite(best)
        else:
            poor += check_proof(found, best)
    assert poor + left >= POOR_LEAST
    assert left


def test_the_first_of_the_k_best_stopped_early() -> None:
    poor = 0
    for case in map(Case, SEEDS):
        first, *others = k_best_p_median(
            case.cost, case.demand, case.p, 3, existing=[0], time_limit_s=0, effort=TREE_STOPPED
        )
        assert first.status == "optimal" or not others
        poor += check_proof(first, case.median(case.cost), tolerance=2e-10)
    assert poor >= POOR_LEAST


@pytest.mark.parametrize("effort", [TREE_STOPPED, MODEL_STOPPED], ids=["in the tree", "in HiGHS"])
def test_mclp_stopped_early(effort: Effort) -> None:
    poor = 0
    for seed in range(60):
        case = Case(seed)
        found = mclp(case.covers, case.demand, case.p, existing=[0], time_limit_s=0, seed=seed, effort=effort)
        poor += check_proof(found, case.covered(), is_most=True)
    assert poor >= POOR_LEAST / 2


def hard_cover(seed: int) -> np.ndarray:
    """Units and sites where opening the widest first is often one site too many."""
    rng = np.random.default_rng(seed)
    covers = rng.random((16, 11)) < 0.3
    covers[np.arange(16), rng.integers(0, 11, 16)] = True
    return covers


def fewest(covers: np.ndarray) -> int:
    m = covers.shape[1]
    return next(
        count
        for count in range(m + 1)
        if any(covers[:, columns].any(axis=1).all() for columns in map(list, itertools.combinations(range(m), count)))
    )


SHORT_BANDS = BandEffort(first_states=3, joined_states=3, strips_share=0.0)
STAGES = {
    "at once": COVER_STOPPED,
    "after the prices": replace(COVER_STOPPED, proof_pairs_max=0),
    "in a band": replace(COVER_STOPPED, split_units_min=0, bands=SHORT_BANDS),
    "in HiGHS": COVER_STOPPED,
}


@pytest.mark.parametrize("stage", STAGES)
def test_lscp_stopped_early(stage: str) -> None:
    # Each stage of the search is stopped in turn; the local search is held to its start.
    poor = 0
    for seed in range(60):
        covers = hard_cover(seed)
        found = lscp(covers, time_limit_s=0 if stage == "at once" else 30, seed=seed, effort=STAGES[stage])
        assert found.bound == int(found.bound)
        poor += check_proof(found, fewest(covers))
    assert poor >= POOR_LEAST / 2


@pytest.mark.parametrize("is_at_once", [True, False])
def test_p_center_stopped_early(is_at_once: bool) -> None:
    # Stopped before the first level, or going on where no level can be refused by its price.
    effort = replace(COVER_STOPPED, price_steps=0, proof_pairs_max=0)
    poor = 0
    for seed in range(60):
        cost = np.random.default_rng(seed).integers(1, 40, (20, 9)).astype(float)
        best = min(float(cost[:, sites].min(axis=1).max()) for sites in map(list, itertools.combinations(range(9), 3)))
        poor += check_proof(p_center(cost, 3, time_limit_s=0 if is_at_once else 30, effort=effort), best)
    assert poor >= POOR_LEAST / 2


def limited_model(seed: int, objective: str) -> SitingModel:
    """Eight units, two services, a structure kept, one that may close, six candidates, a budget, an exclusion."""
    rng = np.random.default_rng(seed)
    return SitingModel(
        population_count=rng.integers(1, 50, 8),
        concerned_count={"dechets": rng.integers(1, 50, 8)},
        weights={"dechets": 1.0},
        is_counted=np.ones(8, dtype=bool),
        existing_min=rng.integers(10, 40, (8, 2)).astype(float),
        offers=np.array([[True, True], [True, True]]),
        is_kept=np.array([True, True]),
        candidate_min=rng.integers(0, 30, (8, 6)).astype(float),
        services=("ressourcerie", "tiers_lieu"),
        poles=3,
        objective=objective,  # type: ignore[arg-type]
        threshold_min=16.0,
        limits=Limits(
            incompatible=((2, 4),),
            site_cost=np.array([0, 0, 1, 2, 1, 2, 3, 2.0]),
            closing_cost=np.array([np.nan, -1.0]),
            budget=5.0,
        ),
    )  # fmt: skip


def best_limited(model: SitingModel) -> float:
    worths = []
    most = 6 if model.objective == "lscp" else model.poles
    for count, kept in itertools.product(range(most + 1), ([0, 1], [0])):
        for new in itertools.combinations(range(2, 8), count):
            spent = sum(model.limits.site_cost[list(new)]) - (len(kept) == 1)
            if spent <= 5 and not {2, 4} <= set(new):
                worths.append(model.value([*kept, *new]))
    finite = [worth for worth in worths if np.isfinite(worth)]
    return (max if model.objective == "mclp" else min)(finite, default=np.nan)


@pytest.mark.parametrize("objective", ["mclp", "p_median", "lscp"])
def test_a_mix_under_limits_stopped_early(objective: str) -> None:
    poor = 0
    for seed in SEEDS:
        model = limited_model(seed, objective)
        best = best_limited(model)
        found = solve(model, time_limit_s=30, effort=Effort(mixed_integer=partial(stopped_draw, seed)))
        if found.status == "infeasible":
            assert np.isnan(best)
            continue
        poor += check_proof(found, best, is_most=objective == "mclp")
    assert poor >= POOR_LEAST / 2


def stopped_draw(draw: int, model, **how):
    return stopped_model(model, **{**how, "seed": draw})


def test_a_threshold_left_undecided_proves_nothing() -> None:
    # Whichever call finds nothing in its time, the farthest found may not be the least: the bound must not say so.
    poor = 0
    for seed, silent in itertools.product(range(5), range(4)):
        calls = itertools.count()
        effort = Effort(mixed_integer=partial(stopped_at, calls, silent))
        model = limited_model(seed, "p_center")
        found = solve(model, time_limit_s=30, effort=effort)
        poor += check_proof(found, best_limited(model))
    assert poor >= POOR_LEAST / 2


def stopped_at(calls, silent: int, model, **how):
    return nothing_found(model) if next(calls) == silent else minimise(model, **how)


def test_a_question_without_answer_in_its_time_is_not_called_impossible() -> None:
    for objective in ("mclp", "p_median", "lscp", "p_center"):
        found = solve(limited_model(0, objective), time_limit_s=30, effort=Effort(mixed_integer=nothing_found))
        assert (found.status, found.sites) == ("infeasible", ())
        assert "temps" in str(found.reason), objective


@pytest.mark.parametrize("objective", ["mclp", "p_median"])
def test_the_joint_pole_stopped_early(objective: str) -> None:
    services = {"ressourcerie": JointService(1.0, ("dechets",)), "tiers_lieu": JointService(2.0, ("dechets",))}
    joint = Joint(note="convention", site_cost=1.0, services=services, budget=6.0, poles=2)
    poor = 0
    for seed in range(10):
        model = replace(limited_model(seed, objective), limits=Limits())
        expected = best_joint(model, is_tied=False), best_joint(model, is_tied=True)
        found = joint_poles(model, joint, time_limit_s=30, effort=Effort(mixed_integer=partial(stopped_draw, seed)))
        for one, best in zip((found.mix, found.together), expected, strict=True):
            assert one is not None
            sign = -1.0 if objective == "mclp" else 1.0
            assert sign * one.bound <= sign * best + 1e-6
            assert sign * one.objective >= sign * best - 1e-6
            is_poor = abs(one.objective - best) > 1e-6 * best
            assert (one.status == "optimal") == (one.gap == 0.0)
            assert not is_poor or one.status == "feasible"
            poor += is_poor
    assert poor >= POOR_LEAST


def best_joint(model: SitingModel, *, is_tied: bool) -> float:
    """Return the best of every mix of two sites: a site costs 1, the ressourcerie 1, the tiers-lieu 2; 6 to spend."""
    mixes = [(0, 1)] if is_tied else [(), (0,), (1,), (0, 1)]
    worths = []
    for count in range(3):
        for sites in itertools.combinations(range(2, 8), count):
            for chosen in itertools.product(mixes, repeat=count):
                if count + sum((1, 2)[service] for services in chosen for service in services) > 6:
                    continue
                total = 0.0
                for service in range(2):
                    opened = [0, 1, *(site for site, mix in zip(sites, chosen, strict=True) if service in mix)]
                    least = model.minutes(service)[:, opened].min(axis=1)
                    far = least > model.threshold_min
                    total += float(model.weight @ (~far if model.objective == "mclp" else least))
                worths.append(total)
    return max(worths) if model.objective == "mclp" else min(worths)
