"""Siting studies on a line of five units, worked by hand, and against every subset on random cases."""

from __future__ import annotations

import itertools
import time
import tomllib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import geodata
from observatory.declared.siting_file import siting_study
from observatory.declared.siting_study import SitingStudy
from observatory.errors import UsageError
from observatory.siting.proposal.explain import explain, with_named
from observatory.siting.proposal.robust import robustness
from observatory.siting.proposal.solving import k_best, solve
from observatory.siting.question.arrays import Limits, SitingModel, new_sites
from observatory.siting.question.mesh import split_communes


def line_model(**changes) -> SitingModel:
    """Five units at 0, 10, 20, 30, 40 minutes; an existing site at unit 0; candidates at every unit.

    Inhabitants 100, 50, 40, 30, 20; the last unit is a neighbour. One défi concerns 10, 5, 4, 3, 2 persons.
    """
    place = np.array([0.0, 10.0, 20.0, 30.0, 40.0])
    minutes = np.abs(place[:, None] - place[None, :])
    model = SitingModel(
        population_count=np.array([100, 50, 40, 30, 20]),
        concerned_count={"dechets": np.array([100, 50, 40, 30, 20]), "insertion": np.array([10, 5, 4, 3, 2])},
        weights={"dechets": 1.0, "insertion": 10.0},
        is_counted=np.array([True, True, True, True, False]),
        existing_min=minutes[:, [0]],
        offers=np.array([[True]]),
        is_kept=np.array([True]),
        candidate_min=minutes,
        services=("ressourcerie",),
        poles=1,
        objective="mclp",
        threshold_min=10.0,
    )
    return replace(model, **changes)


def test_cover_on_a_line_is_explained_in_whole_persons():
    # Units 0 and 1 are covered today: (100 + 50) × 2 = 300. A pole at unit 2 or 3 covers 2 and 3 too: + (40 + 30) × 2.
    model = line_model()
    solution = solve(model)
    assert (solution.objective, solution.bound, solution.status) == (440.0, 440.0, "optimal")
    found = explain(model, solution)
    assert found.objective_before == 300.0
    (why,) = found.reasons
    assert why.site - 1 in {2, 3}
    assert why.gain == 140.0
    assert [int(model.population_count[one].sum()) for one in why.newly_covered] in ([70], [90])
    # Whichever of 2 and 3 is refused, the other does as well.
    assert why.alternative is not None
    assert why.alternative.cost == 0.0
    assert not (found.changes[0].uncovered & model.is_counted).any()


def test_minutes_on_a_line_add_up():
    model = line_model(objective="p_median")
    # Before: 0, 10, 20, 30 minutes × weights 200, 100, 80, 60 = 4 400. A pole at unit 2: 100 × 10 + 60 × 10 = 1 600.
    solution = solve(model)
    found = explain(model, solution)
    assert new_sites(model, solution) == (1 + 2,)
    assert (found.objective_before, solution.objective) == (4400.0, 1600.0)
    (why,) = found.reasons
    assert why.gain == -2800.0
    # Units 2 and 3 leave the existing site (the neighbour isn't counted); unit 1, at equal time, stays.
    assert why.losses == ({0: 40 + 30},)
    # Held to unit 3, the best is unit 3: 200 more. The proposal itself costs nothing.
    assert with_named(model, solution, 1 + 3, time_limit_s=10).cost == 200.0
    assert with_named(model, solution, 1 + 2, time_limit_s=10).cost == 0.0
    # The next best is unit 1 (80 × 10 + 60 × 20 = 2 000) or unit 3 (100 × 10 + 80 × 10 = 1 800).
    assert why.alternative.cost == 200.0


def test_a_closed_site_is_a_loss_apart():
    model = line_model(is_kept=np.array([False]))
    solution = solve(model)
    found = explain(model, solution)
    # A pole at unit 1 covers 0, 1 and 2: (100 + 50 + 40) × 2 = 380, of which 80 are new and 300 kept.
    assert solution.objective == 380.0
    assert [why.gain for why in found.reasons] == [80.0]
    assert found.objective_before + 80.0 + found.closure_effect == 380.0


def test_why_nothing_replaces_a_site_is_told_apart():
    model = line_model()
    assert explain(model, solve(model)).reasons[0].without == "found"
    assert explain(model, solve(model), deadline=0.0).reasons[0].without == "unsought"
    held = replace(model, limits=Limits(required=(1 + 2,)))
    assert explain(held, solve(held)).reasons[0].without == "required"
    alone = replace(model, candidate_min=model.candidate_min[:, [2]])
    assert explain(alone, solve(alone)).reasons[0].without == "none"


def test_two_services_open_together():
    model = line_model(services=("ressourcerie", "tiers_lieu"), offers=np.array([[True, False]]))
    # No tiers-lieu today: covering the most for it (units 0, 1, 2 or 1, 2, 3) against ressourcerie's 2 and 3.
    # Pole at 1: 300 + 80 (unit 2) and 380; pole at 2: 300 + 140 and (50 + 40 + 30) × 2 = 240. 760 against 680.
    solution = solve(model)
    assert new_sites(model, solution) == (1 + 1,)
    assert solution.objective == 760.0


def test_who_leaves_a_structure_for_either_service_is_counted_once():
    # The structure at 0 gives both services. One near unit 3 gives the first, one near unit 2 the second.
    model = line_model(
        services=("ressourcerie", "tiers_lieu"),
        existing_min=np.array([[0.0, 90, 90], [10, 90, 90], [20, 90, 15], [30, 25, 90], [40, 90, 90]]),
        offers=np.array([[True, True], [True, False], [False, True]]),
        is_kept=np.array([True, True, True]),
        objective="p_median",
    )
    solution = solve(model, forced=[3 + 2])
    (why,) = explain(model, solution).reasons
    # Of the structure at 0, the 40 inhabitants of unit 2 leave for the first service, the 30 of unit 3 for the second.
    assert why.losses == ({0: 40, 1: 30}, {0: 30, 2: 40})
    assert why.leavers == {0: 70, 1: 30, 2: 40}


def test_structures_that_are_not_closed_in_turn_are_counted():
    model = line_model(
        existing_min=line_model().candidate_min[:, [0, 3]], offers=np.array([[True], [True]]),
        is_kept=np.array([True, True]),
    )  # fmt: skip
    for most, left in ((12, 0), (1, 1)):
        tried = robustness(model, solve(model), closures_max=most)
        assert tried.unclosed_count == left
        # The structure at unit 0 is the nearest of 150 inhabitants, that of unit 3 of 70: the first is closed first.
        closed = [case.subject for case in tried.cases if case.kind == "closure"]
        assert closed == ["0", "1"][: 2 - left]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"poles": 6}, "6 nouveaux pôles"),
        ({"candidate_min": np.full((5, 5), 15.0)}, "15,0"),
        ({"weights": {"dechets": 1.0}, "concerned_count": {"dechets": np.zeros(5, dtype=np.int64)}}, "Personne"),
        ({"candidate_min": np.zeros((5, 0))}, "Aucun lieu candidat"),
    ],
)
def test_what_is_in_the_way_is_named(changes, named):
    solution = solve(line_model(**changes))
    assert solution.status == "infeasible"
    assert named in solution.reason


def random_model(seed: int, objective: str) -> SitingModel:
    generator = np.random.default_rng(seed)
    persons = generator.integers(0, 50, 7)
    return SitingModel(
        population_count=persons,
        concerned_count={"dechets": persons, "insertion": generator.integers(0, 9, 7)},
        weights={"dechets": 1.0, "insertion": 3.0},
        is_counted=np.arange(7) < 6,
        existing_min=generator.integers(0, 40, (7, 2)).astype(float),
        offers=np.array([[True, False], [True, True]]),
        is_kept=generator.random(2) < 0.8,
        candidate_min=generator.integers(0, 40, (7, 5)).astype(float),
        services=("ressourcerie", "tiers_lieu"),
        poles=int(generator.integers(1, 4)),
        objective=objective,
        threshold_min=15.0,
    )


@settings(max_examples=25)
@example(seed=10, objective="mclp")  # cases where parts that overlap would give the same proposal twice
@example(seed=4, objective="p_median")
@given(seed=st.integers(0, 10_000), objective=st.sampled_from(["mclp", "p_median"]))
def test_the_best_proposals_are_those_of_every_subset(seed, objective):
    model = random_model(seed, objective)
    candidates = range(model.n_existing, model.n_existing + 5)
    expected = sorted(
        (model.value((*model.kept, *subset)) for subset in itertools.combinations(candidates, model.poles)),
        reverse=objective == "mclp",
    )[:4]
    found = k_best(model, 4, deadline=time.perf_counter() + 30)
    if found[0].status == "infeasible":
        assert not model.weight.sum() > 0 or not (model.candidate_min[model.is_counted] <= 15.0).any()
        return
    assert [one.objective for one in found] == pytest.approx(expected)
    assert len({new_sites(model, one) for one in found}) == len(found)
    story = explain(model, found[0])
    if story.objective_before is not None:
        total = story.objective_before + sum(why.gain for why in story.reasons) + story.closure_effect
        assert total == pytest.approx(found[0].objective)


def test_regret_is_nil_where_the_proposal_stays_best_and_closures_are_tried():
    model = line_model(objective="p_median")
    solution = solve(model)
    found = robustness(model, solution)
    assert found.is_complete
    by_kind = {kind: [case for case in found.cases if case.kind == kind] for kind in ("defi", "travel", "closure")}
    assert [case.regret for case in by_kind["travel"]] == [0.0, 0.0]
    # Weights and times are proportional here, so only the closure of the one site moves the answer, to unit 1:
    # 200 × 10 + 80 × 10 + 60 × 20 = 4 000 against 200 × 20 + 100 × 10 + 60 × 10 = 5 600 for unit 2.
    (closure,) = by_kind["closure"]
    assert (closure.objective, closure.best_objective) == (5600.0, 4000.0)
    assert found.max_regret == pytest.approx(0.4)
    count = 1 + len(found.cases)
    assert found.shares == {2: pytest.approx(1 / count), 3: pytest.approx((count - 1) / count)}
    assert robustness(model, solution) == found


def test_a_commune_is_cut_in_whole_persons_or_left_whole():
    communes = pd.DataFrame(
        {
            "name": ["Alpha", "Bêta"],
            "x_m": [0.0, 9.0],
            "y_m": [0.0, 9.0],
            "density": ["6", "7"],
            "population_count": [101, 50],
            "insertion": [10, 3],
        },
        index=["1", "2"],
    )
    parts = pd.DataFrame(
        {
            "name": ["A", "B", "C", "D", "E"],
            "commune_code": ["1", "1", "1", "2", "2"],
            "population_count": [50, 25, 25, 30, None],
            "x_m": [1.0, 2.0, 3.0, 4.0, 5.0],
            "y_m": [1.0, 2.0, 3.0, 4.0, 5.0],
        },
        index=["1", "1b", "1c", "2", "2b"],
    )
    units = split_communes(communes, parts, counts=["population_count", "insertion"])
    # 101 × (0.5, 0.25, 0.25) = 50.5, 25.25, 25.25: the one left goes to the first. 10 × … = 5, 2.5, 2.5.
    assert units["population_count"].tolist() == [51, 25, 25, 50]
    assert units["insertion"].tolist() == [5, 3, 2, 3]
    assert units["unit_level"].tolist() == ["commune_deleguee"] * 3 + ["commune"]
    assert units["density"].tolist() == ["6", "6", "6", "7"]


def study(**changes) -> SitingStudy:
    asked = {
        "id": "essai", "title": "Essai", "territory": "200068799", "services": ("ressourcerie",),
        "defis": {"dechets": 1.0}, "poles": 1, "objective": "mclp", "threshold_min": 20.0,
    }  # fmt: skip
    return SitingStudy(**(asked | changes))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"services": ()}, "service"),
        ({"defis": {}}, "défi"),
        ({"defis": {"dechets": 0.0}}, "poids"),
        ({"objective": "tsp"}, "p_median"),
        ({"poles": 0}, "1 à 20"),
        ({"threshold_min": 0.0}, "seuil"),
        ({"territory": "'; DROP"}, "code"),
        ({"solutions": 0}, "propositions"),
    ],
)
def test_a_wrong_question_is_a_french_sentence(changes, named):
    with pytest.raises(UsageError, match=named):
        study(**changes)


@pytest.mark.parametrize("name", ["vire", "caux-seine"])
def test_the_bundled_studies_are_read(name):
    declared = tomllib.loads(geodata.path(f"studies/{name}.toml").read_text(encoding="utf-8"))
    found = siting_study(declared)
    assert found.id == name
    assert found.mesh == "commune_deleguee"
    assert set(found.defis) == {"insertion", "vieillissement", "dechets"}
    with pytest.raises(UsageError, match="incomplète"):
        siting_study({key: value for key, value in declared.items() if key != "siting"})
