"""« Pourquoi ici ? » in French: plurals, one or none, small counts, « sous le seuil » whoever wins or loses."""

from __future__ import annotations

from typing import Any

import pytest

from observatory.siting.proposal.reasons import joint_sentences, named_sentence, reason_sentences

SERVICES = {"tiers_lieu": "Tiers-lieux"}
VOLUMES = {"insertion": "chômeurs", "vieillissement": "personnes de 75 ans ou plus", "dechets": "habitants"}


def why(population: int, concerned: dict[str, int | None], names: list[str], **other: Any) -> dict[str, Any]:
    return {
        "services": [
            {
                "service": "tiers_lieu",
                "newly_covered": {"population_count": population, "concerned": concerned},
                "communes": [{"name": name, "population_count": population} for name in names],
                "closer_population_count": 1,
                "mean_gain_min": 1.5,
            }
        ],
        "existing_losses": [],
        "alternative": None,
        "without": "unsought",
        **other,
    }


def told(
    document: dict[str, Any], *, threshold_min: float = 20.0, objective: str = "mclp", **services: str
) -> list[str]:
    return reason_sentences(
        document, services=SERVICES | services, volumes=VOLUMES, threshold_min=threshold_min, objective=objective
    )


def test_one_inhabitant_of_one_place_is_singular() -> None:
    gain, gained, _ = told(why(1, {"insertion": 0, "vieillissement": None}, ["Vire"]), threshold_min=1.0)
    assert gain == (
        "Tiers-lieux : 1 habitant passe sous 1 minute, dont moins de 11 personnes de 75 ans ou plus. "
        "Un seul lieu : Vire (1)."
    )
    assert gained == "Tiers-lieux : 1 habitant gagne en moyenne 1,5 minute de trajet."


@pytest.mark.parametrize(("places", "said"), [(5, ", et 1 autre."), (6, ", et 2 autres."), (4, "(30).")])
def test_other_places_are_counted(places: int, said: str) -> None:
    assert told(why(30, {}, [f"L{rank}" for rank in range(places)]))[0].endswith(said)


def test_what_another_choice_costs_is_under_the_threshold() -> None:
    site = {"name": "Flers"}
    other = {"sites": [site], "cost": 3.0, "cost_share": 0.034}
    won = told(why(30, {}, ["A"], alternative={**other, "concerned_lost": {"insertion": -144, "dechets": -3656}}))[-1]
    assert "144 chômeurs et 3\u202f656 habitants de plus sous le seuil (" in won
    both = told(
        why(30, {}, ["A"], alternative={**other, "concerned_lost": {"insertion": 58, "vieillissement": -7}}),
        ressourcerie="Ressourceries",
    )[-1]
    assert (
        "58 chômeurs de moins sous le seuil et moins de 11 personnes de 75 ans ou plus de plus, services additionnés ("
        in both
    )
    named = {"name": "Friche", "is_chosen": False, **other, "concerned_lost": {"insertion": 58}}
    assert "additionnés" not in named_sentence(named, volumes=VOLUMES, objective="mclp", is_several=False)
    far = told(why(30, {}, ["A"], alternative={**other, "cost": 0.3, "concerned_lost": {}}), objective="p_center")[-1]
    assert "0,3 minute plus loin" in far


@pytest.mark.parametrize(("without", "said"), [("required", "impose"), ("none", "aucune"), ("unsought", "cherchée")])
def test_why_there_is_no_other_choice_is_said(without: str, said: str) -> None:
    assert said in told(why(30, {}, ["A"], without=without))[-1]


def test_services_of_a_joint_pole_are_told_apart() -> None:
    part = {"newly_covered": {"population_count": 30, "concerned": {"insertion": 12, "vieillissement": 15}}}
    document = {
        "sites": [
            {"name": "Vire", "cost": 5, "services": [{"service": "a", **part}, {"service": "b", **part}]},
        ],
        "cost": 5, "budget": 8, "note": "unités", "objective": 2.0, "together": None, "status": "optimal", "gap": 0.0,
    }  # fmt: skip
    first = joint_sentences(
        document, services={"a": "Recycleries", "b": "Tiers-lieux"}, volumes=VOLUMES, threshold_min=20.0
    )[0]
    assert "15 personnes de 75 ans ou plus ; Tiers-lieux, 30 habitants de plus" in first


def test_a_joint_pole_that_had_no_time_is_not_called_too_dear() -> None:
    nothing = {"sites": [], "budget": 8, "objective": None, "status": "feasible", "gap": None}
    (said,) = joint_sentences(nothing, services=SERVICES, volumes=VOLUMES, threshold_min=20.0)
    assert "temps" in said
    (said,) = joint_sentences(
        {**nothing, "objective": 4.0, "status": "optimal"}, services=SERVICES, volumes=VOLUMES, threshold_min=20.0
    )
    assert "budget de 8" in said
