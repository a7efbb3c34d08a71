"""Limits on a proposal and the joint pole, against every choice; sentences that name what is in the way."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from observatory.declared.siting_file import siting_study
from observatory.declared.siting_options import Joint, JointService
from observatory.declared.siting_study import OBJECTIVES, study_of
from observatory.errors import UsageError
from observatory.siting.proposal.explain import explain
from observatory.siting.proposal.joint_pole import joint_poles
from observatory.siting.proposal.robust import robustness
from observatory.siting.proposal.solving import solve
from observatory.siting.question.arrays import Limits, SitingModel, new_sites
from observatory.siting.solvers.joint_milp import MixQuestion, choose_mix, spent

CANDIDATES = 4


def random_model(seed: int, objective: str) -> SitingModel:
    """Six units, two services, two structures of which the second may close, four candidates."""
    generator = np.random.default_rng(seed)
    costs = generator.integers(1, 5, 2 + CANDIDATES).astype(float)
    costs[:2] = 0.0
    limits = Limits(
        required=(3,) if generator.random() < 0.3 else (),
        incompatible=((2, 4), (3, 5)) if generator.random() < 0.5 else (),
        site_cost=costs,
        closing_cost=np.array([np.nan, float(generator.integers(-3, 2))]) if generator.random() < 0.5 else None,
        budget=float(generator.integers(2, 8)) if generator.random() < 0.6 else None,
    )
    return SitingModel(
        population_count=generator.integers(1, 50, 6),
        concerned_count={"dechets": generator.integers(0, 50, 6)},
        weights={"dechets": 1.0},
        is_counted=np.arange(6) < 5,
        existing_min=generator.integers(0, 40, (6, 2)).astype(float),
        offers=np.array([[True, False], [True, True]]),
        is_kept=np.array([True, True]),
        candidate_min=generator.integers(0, 30, (6, CANDIDATES)).astype(float),
        services=("ressourcerie", "tiers_lieu"),
        poles=int(generator.integers(1, 4)),
        objective=objective,  # type: ignore[arg-type]
        threshold_min=float(generator.integers(8, 25)),
        limits=limits,
    )


def every_choice(model: SitingModel) -> list[float]:
    """Return what each choice that respects the limits is worth, the best first."""
    limits, found = model.limits, []
    closable = [] if limits.closing_cost is None else [1]
    closures = [set(), {1}] if closable else [set()]
    for count in range(CANDIDATES + 1):
        if model.objective != "lscp" and (count > model.poles or (limits.budget is None and count != model.poles)):
            continue
        for new in itertools.combinations(range(2, 2 + CANDIDATES), count):
            for closed in closures:
                cost = sum(limits.site_cost[site] for site in new)
                cost += sum(limits.closing_cost[one] for one in closed)
                if limits.budget is not None and cost > limits.budget:
                    continue
                if not set(limits.required) <= set(new) or any(set(pair) <= set(new) for pair in limits.incompatible):
                    continue
                value = model.value([*(one for one in (0, 1) if one not in closed), *new])
                if np.isfinite(value):
                    found.append(value)
    return sorted(found, reverse=model.objective == "mclp")


@settings(max_examples=50)
@given(seed=st.integers(0, 100_000), objective=st.sampled_from(OBJECTIVES))
def test_limits_are_respected_and_the_best_is_found(seed: int, objective: str) -> None:
    model = random_model(seed, objective)
    expected, found = every_choice(model), solve(model)
    if "aucun pôle" in str(found.reason):
        saved = 0.0 if model.limits.closing_cost is None else max(0.0, -float(model.limits.closing_cost[1]))
        assert model.limits.budget is not None
        assert model.limits.budget + saved < min(model.limits.site_cost[2:])
        return
    if found.status == "infeasible":
        assert not expected or not model.weight.sum() > 0 or (objective == "mclp" and "moins de" in str(found.reason))
        assert found.reason
        return
    assert (found.status, found.gap) == ("optimal", pytest.approx(0, abs=1e-6))
    assert found.objective == pytest.approx(expected[0])
    assert model.value(found.sites) == pytest.approx(found.objective)


def joint_worth(question: MixQuestion, opened: dict[int, tuple[int, ...]]) -> float:
    total = 0.0
    for service, (minutes, weight) in enumerate(zip(question.minutes, question.weights, strict=True)):
        sites = [0, *(site for site, services in opened.items() if service in services)]
        least = minutes[:, sites].min(axis=1)
        total += float(weight[least <= question.threshold_min].sum() if question.aim == "mclp" else weight @ least)
    return total


@settings(max_examples=30)
@example(seed=0, aim="mclp")
@given(seed=st.integers(0, 100_000), aim=st.sampled_from(["mclp", "p_median"]))
def test_the_joint_pole_is_the_best_of_every_mix(seed: int, aim: str) -> None:
    generator = np.random.default_rng(seed)
    minutes = [generator.integers(0, 30, (6, 4)).astype(float) for _ in range(3)]
    question = MixQuestion(
        minutes=minutes,
        weights=[generator.integers(0, 9, 6).astype(float) for _ in range(3)],
        n_existing=1,
        is_kept=np.array([True]),
        aim=aim,  # type: ignore[arg-type]
        threshold_min=12.0,
        poles=2,
        is_tied=False,
        site_cost=np.array([0.0, 2.0, 1.0, 3.0]),
        service_cost=(1.0, 2.0, 1.5),
        budget=float(generator.integers(1, 10)),
    )
    mixes = [mix for size in range(4) for mix in itertools.combinations(range(3), size)]
    worths = []
    for choice in itertools.product([None, *mixes], repeat=3):
        opened = {site + 1: mix for site, mix in enumerate(choice) if mix is not None}
        if len(opened) <= 2 and spent(question, opened, ()) <= question.budget:
            worths.append(joint_worth(question, opened))
    found = choose_mix(question)
    assert found is not None
    assert (found.status, found.gap) == ("optimal", 0.0)
    assert found.objective == pytest.approx(max(worths) if aim == "mclp" else min(worths))
    assert joint_worth(question, found.opened) == pytest.approx(found.objective)
    assert found.cost == pytest.approx(spent(question, found.opened, ()))
    assert found.cost <= question.budget + 1e-6


def test_what_the_joint_pole_brings_adds_up_and_answers_its_own_defis() -> None:
    # The tiers-lieu (2 units) counts the second défi only: 1, 2, 3 and 4 persons; a site costs 1, the ressourcerie 3.
    model = line("mclp", services=("ressourcerie", "tiers_lieu"), offers=np.array([[True, True]]))
    model = replace(
        model,
        concerned_count={**model.concerned_count, "insertion": np.arange(1, 5)},
        weights={"dechets": 1.0, "insertion": 5.0},
    )
    services = {"ressourcerie": JointService(3.0, ("dechets",)), "tiers_lieu": JointService(2.0, ("insertion",))}
    joint = Joint(note="convention", site_cost=1.0, services=services, budget=4.0, poles=2)
    found = joint_poles(model, joint, time_limit_s=10)
    # Only one service fits: the ressourcerie wins 30 + 40 persons, the tiers-lieu 5 × (3 + 4) = 35.
    assert found.mix is not None
    assert [part.service for part in found.parts] == [0]
    assert found.objective_before == 30.0 + 5.0 * 3.0
    assert found.mix.objective == found.objective_before + 70.0
    assert sum(part.gain for part in found.parts) == 70.0
    assert found.together is not None
    assert found.together.opened == {}  # both services cost 6: beyond the budget, nothing opens
    richer = joint_poles(model, replace(joint, budget=6.0), time_limit_s=10)
    assert sorted(part.service for part in richer.parts) == [0, 1]
    assert richer.mix is not None
    assert richer.mix.objective == 45.0 + 70.0 + 35.0


def line(objective: str, **changes) -> SitingModel:
    """Four units at 0, 10, 20 and 30 minutes with 10, 20, 30 and 40 persons; one structure at the first."""
    place = np.array([0.0, 10.0, 20.0, 30.0])
    minutes = np.abs(place[:, None] - place[None, :])
    persons = np.array([10, 20, 30, 40])
    model = SitingModel(
        population_count=persons,
        concerned_count={"dechets": persons},
        weights={"dechets": 1.0},
        is_counted=np.ones(4, dtype=bool),
        existing_min=minutes[:, [0]],
        offers=np.array([[True]]),
        is_kept=np.array([True]),
        candidate_min=minutes,
        services=("ressourcerie",),
        poles=1,
        objective=objective,  # type: ignore[arg-type]
        threshold_min=10.0,
        unit_names=("Alpha", "Bêta", "Gamma", "Delta"),
    )
    return replace(model, **changes)


def test_how_many_poles_and_how_far_the_farthest_on_a_line() -> None:
    # Within 10 minutes one pole at Gamma or Delta is enough; within 9, Bêta, Gamma and Delta each want their own.
    assert solve(line("lscp")).objective == 1.0
    assert solve(line("lscp", threshold_min=9.0)).objective == 3.0
    # With one pole at Gamma or at Delta, the farthest is 10 minutes away.
    assert solve(line("p_center")).objective == 10.0
    found = solve(line("lscp"))
    story = explain(line("lscp"), found)
    assert (story.objective_before, story.closure_effect) == (None, None)
    assert [why.gain for why in story.reasons] == [None]
    assert sum(int(line("lscp").population_count[why.newly_covered[0]].sum()) for why in story.reasons) == 70


def test_regret_of_a_cover_is_who_is_left_out() -> None:
    # A pole at Delta, times 20 % longer: Gamma and Bêta are 12 minutes from anything; 30 + 20 of 100 persons.
    model = line("lscp", candidate_min=line("lscp").candidate_min[:, [3]], threshold_min=10.0)
    longer = [case for case in robustness(model, solve(model)).cases if case.subject == "1.2"]
    assert longer == []  # no choice covers everyone then: the case is left aside
    model = line("lscp")
    found = replace(solve(model), sites=(0, 4))
    (case,) = [case for case in robustness(model, found).cases if case.subject == "1.2"]
    assert case.left_share == case.regret == pytest.approx(0.5)


def test_a_capacity_shares_persons_out_and_the_explanation_adds_up() -> None:
    # A pole that takes 40 covers Delta (40) or Gamma (30), not both.
    model = line("mclp", capacity=40.0)
    found = solve(model)
    assert (found.objective, found.status) == (70.0, "optimal")
    story = explain(model, found)
    assert story.objective_before == 30.0
    assert story.objective_before + sum(why.gain or 0 for why in story.reasons) == found.objective


@pytest.mark.parametrize(
    ("model", "named"),
    [
        (line("lscp", candidate_min=np.full((4, 1), 25.0)), "Delta"),
        (line("p_median", candidate_min=np.full((4, 1), np.inf), existing_min=np.full((4, 1), np.inf)), "Alpha"),
        (line("mclp", limits=Limits(required=(1,), site_cost=np.full(5, 2.0), budget=1.0)), "budget"),
        (line("mclp", limits=Limits(site_cost=np.full(5, 2.5), budget=1.0)), "le moins coûteux en demande 2,5"),
        (line("mclp", poles=4, limits=Limits(incompatible=((1, 2),))), "incompatibles"),
        (line("mclp", limits=Limits(required=(1, 2))), "imposés"),
        (line("p_center", limits=Limits(required=(1,), site_cost=np.full(5, 2.0), budget=1.0)), "budget"),
    ],
)
def test_what_is_in_the_way_is_named(model: SitingModel, named: str) -> None:
    found = solve(model)
    assert found.status == "infeasible"
    assert named in str(found.reason)


def declared(**changes) -> dict:
    document = {
        "study": {"id": "essai", "title": "Essai"},
        "territory": {"code": "200068799"},
        "defis": {"dechets": 1},
        "siting": {
            "services": ["ressourcerie"], "poles": 2, "objective": "mclp", "threshold_min": 20,
        },
    }  # fmt: skip
    for name, value in changes.items():
        document[name] = {**document.get(name, {}), **value} if isinstance(value, dict) else value
    return document


def test_every_option_of_a_study_file_is_read() -> None:
    found = siting_study(
        declared(
            siting={
                "required": ["14762"],
                "incompatible": [["14762", "14174"]],
                "forbidden": [["14762", "s-1"]],
                "pareto": ["mean_min", "cost"],
            },
            filters={"is_rural": True, "min_population_count": 500, "station_max_min": 15},
            costs={"note": "convention", "site": 2, "by_site": {"14762": 1}, "budget": 3},
            closable=[{"code": "s-1", "closing_cost": 1, "saving": 2}],
            joint={
                "note": "convention", "site_cost": 2, "budget": 5, "poles": 2,
                "services": {"ressourcerie": {"cost": 1, "defis": ["dechets"]}},
            },
        )
    )  # fmt: skip
    assert (found.required, found.incompatible) == (("14762",), (("14762", "14174"),))
    assert (found.filters.is_rural, found.filters.station_max_min) == (True, 15.0)
    assert found.costs is not None
    assert found.costs.budget == 3
    assert found.closable[0].saving == 2
    assert found.joint is not None
    assert found.joint.services["ressourcerie"].defis == ("dechets",)
    assert study_of(found.parameters()) == found


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"filters": {"is_riche": True}}, "is_riche"),
        ({"filters": {"polygon": {"type": "Point"}}}, "contour"),
        ({"siting": {"layers": ["parkings"]}}, "parkings"),
        ({"closable": [{"code": "s-1"}]}, "budget"),
        ({"siting": {"pareto": ["bonheur"]}}, "bonheur"),
        ({"siting": {"incompatible": [["14762", "14762"]]}}, "paire"),
        ({"siting": {"required": ["1", "2", "3"]}}, "imposés"),
        ({"siting": {"capacity_count": 10, "objective": "lscp"}}, "capacité"),
        ({"siting": {"capacity_count": 0}}, "capacité"),
        ({"costs": {"note": "", "budget": 1}}, "convention"),
        ({"costs": {"note": "convention", "euros": 1}}, "mal formée"),
        (
            {"joint": {"note": "x", "site_cost": 1, "budget": 1, "poles": 1, "services": {"ess": {"cost": 1}}}},
            "pôle commun",
        ),
    ],
)
def test_a_wrong_option_is_a_french_sentence(changes: dict, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        siting_study(declared(**changes))


def test_a_proposal_under_limits_keeps_its_structures_first() -> None:
    model = random_model(3, "mclp")
    found = solve(replace(model, limits=replace(model.limits, closing_cost=None, budget=None, incompatible=())))
    assert found.sites[:2] == (0, 1)
    assert new_sites(model, found) == found.sites[2:]
