"""Both studies on Normandy: figures that add up, from the objective to the ledger of the gap pages; the same twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from observatory import pipeline
from observatory.declared.reference import secrecy
from observatory.declared.siting_file import read_siting_study
from observatory.declared.siting_study import SitingStudy
from observatory.errors import InputFileError, NotComputedError, UnknownTerritoryError, UsageError
from observatory.runs.need import small_counts
from observatory.runs.siting.siting_run import SitingRun, find_siting, siting_run
from observatory.store import read

COUNTS = ("population_count", "served_count", "reachable_full_count", "out_of_reach_count")


@pytest.fixture(scope="module", params=["vire", "caux-seine"])
def worked_out(request, engine: sa.Engine) -> SitingRun:
    with engine.begin() as connection:
        return siting_run(connection, read_siting_study(request.param))


@pytest.fixture
def simple() -> SitingStudy:
    return SitingStudy(
        id="essai",
        title="Essai",
        territory="200068799",
        services=("ressourcerie",),
        defis={"dechets": 1.0},
        poles=1,
        objective="mclp",
        threshold_min=20.0,
    )


def test_a_study_is_proved_and_its_reasons_make_the_objective(worked_out: SitingRun) -> None:
    document, question = worked_out.document, worked_out.parameters["question"]
    assert len(document["solutions"]) == 3
    values = [one["objective"] for one in document["solutions"]]
    assert values == sorted(values, reverse=True)
    for solution in document["solutions"]:
        assert (solution["status"], solution["gap"]) == ("optimal", 0)
        new = [site for site in solution["sites"] if not site["is_existing"]]
        assert len(new) == len(solution["why"]) == question["poles"]
        assert solution["objective"] == pytest.approx(
            solution["objective_before"] + sum(why["gain"] for why in solution["why"])
        )
        for why in solution["why"]:
            gain = sum(
                question["defis"][defi] * count
                for one in why["services"]
                for defi, count in one["newly_covered"]["concerned"].items()
            )
            assert gain == why["gain"]
            for one in why["services"]:
                communes = one["communes"]
                assert sum(unit["population_count"] for unit in communes) == one["newly_covered"]["population_count"]
                # Published counts are shown, small ones too.
                assert all(
                    count is not None and 0 <= count <= unit["population_count"]
                    for unit in communes
                    for count in unit["concerned"].values()
                )
                assert all(unit["minutes_after"] <= question["threshold_min"] for unit in communes)


def test_the_ledger_adds_up_with_what_is_newly_covered(worked_out: SitingRun) -> None:
    for solution in worked_out.document["solutions"]:
        pairs = zip(solution["ledger_before"]["services"], solution["ledger_after"]["services"], strict=True)
        for rank, (before, after) in enumerate(pairs):
            for ledger in (before, after, before["gap_page"], after["gap_page"]):
                total, *parts = (ledger[name] for name in COUNTS)
                assert total == sum(parts) == worked_out.parameters["population_count"]
            newly = sum(why["services"][rank]["newly_covered"]["population_count"] for why in solution["why"])
            assert before["out_of_reach_count"] - after["out_of_reach_count"] == newly
            assert after["out_of_reach_count"] == solution["uncovered"][rank]["population_count"]


def test_the_ledger_before_is_that_of_the_gap_pages(worked_out: SitingRun, connection: sa.Connection) -> None:
    question = worked_out.parameters["question"]
    for ledger in worked_out.document["solutions"][0]["ledger_before"]["services"]:
        for defi in question["defis"]:
            run = pipeline.gap_run(connection, defi=defi, service=ledger["service"])
            (row,) = read.gap_rows(connection, run.run_hash, "epci", territory=question["territory"])
            assert {name: row[name] for name in COUNTS} == {name: ledger["gap_page"][name] for name in COUNTS}
            assert row["in_need_out_of_reach_count"] == ledger["gap_page"][f"{defi}_out_of_reach_count"]


def test_units_add_up_to_their_communes(worked_out: SitingRun, connection: sa.Connection) -> None:
    territory = worked_out.parameters["territory"]
    assert worked_out.parameters["population_count"] == territory["population_count"]
    assert worked_out.parameters["unit_count"] > territory_commune_count(connection, territory["code"])


def territory_commune_count(connection: sa.Connection, code: str) -> int:
    return len(read.descendants(connection, "epci", code, "commune"))


def test_communes_cut_finer_than_what_may_be_placed_are_named(worked_out: SitingRun) -> None:
    named = {"vire": "Condé-en-Normandie et Vire Normandie sont découpées aussi en IRIS",
             "caux-seine": "Bolbec, Lillebonne et Port-Jérôme-sur-Seine sont découpées aussi en IRIS"}  # fmt: skip
    assert named[worked_out.document["study"]] in worked_out.parameters["mesh_note"]


def test_small_counts_of_persons_are_hidden_wherever_they_are_summed(
    connection: sa.Connection, simple: SitingStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The census declared as if territories had entered it; as it is, what it publishes is shown."""
    declared = secrecy()
    monkeypatch.setattr(small_counts, "secrecy", lambda: declared.model_copy(update={"sources": {}}))
    # Within fifteen minutes, what a pole adds, and what is left, is often a handful of persons.
    asked = replace(
        simple, services=("tiers_lieu",), defis={"insertion": 1.0, "vieillissement": 1.0}, poles=3, threshold_min=15.0,
        pareto=("uncovered_insertion", "uncovered_vieillissement", "cost"),
    )  # fmt: skip
    document = siting_run(connection, asked).document
    found = list(persons_concerned(document))
    assert None in found
    assert not [count for count in found if count is not None and 0 < abs(count) < 11]


def persons_concerned(part: Any) -> Iterator[int | None]:
    """Yield the counts of persons concerned that an answer holds, wherever they are."""
    if isinstance(part, list):
        for each in part:
            yield from persons_concerned(each)
    elif isinstance(part, dict):
        for name, value in part.items():
            if name in {"concerned", "concerned_lost"}:
                yield from value.values()
            elif name.startswith(("insertion_", "vieillissement_", "uncovered_insertion", "uncovered_vieillissement")):
                yield value
            else:
                yield from persons_concerned(value)


def test_a_study_has_one_answer_and_one_name(worked_out: SitingRun, connection: sa.Connection) -> None:
    again = siting_run(connection, read_siting_study(worked_out.document["study"]))
    assert again == worked_out
    assert find_siting(connection, worked_out.run_hash[:10]) == worked_out


def test_the_friche_of_vire_is_priced(connection: sa.Connection) -> None:
    document = siting_run(connection, read_siting_study("vire")).document
    (friche,) = document["named"]
    best = document["solutions"][0]["objective"]
    assert "mairie" in friche["note"]
    assert friche["code"] in {site["code"] for site in friche["sites"]}
    assert friche["cost"] == best - friche["objective"] >= 0


def test_at_the_mesh_of_communes_the_ledger_is_the_gap_page(connection: sa.Connection, simple: SitingStudy) -> None:
    document = siting_run(connection, simple).document
    for ledger in (document["solutions"][0]["ledger_before"], document["solutions"][0]["ledger_after"]):
        assert {name: ledger[name] for name in COUNTS} == {name: ledger["gap_page"][name] for name in COUNTS}


def test_closing_a_structure_is_a_loss(connection: sa.Connection, simple: SitingStudy) -> None:
    kept = siting_run(connection, simple).document["solutions"][0]
    closed = siting_run(connection, replace(simple, keep=())).document["solutions"][0]
    assert not [site for site in closed["sites"] if site["is_existing"]]
    assert closed["closure_effect"] < 0
    assert closed["objective"] < kept["objective"]
    total = closed["objective_before"] + closed["closure_effect"] + sum(why["gain"] for why in closed["why"])
    assert total == closed["objective"]


def opened(run: SitingRun, rank: int = 0) -> set[str]:
    return {site["code"] for site in run.document["solutions"][rank]["sites"] if not site["is_existing"]}


def test_required_and_incompatible_places_are_obeyed(connection: sa.Connection, simple: SitingStudy) -> None:
    asked = replace(simple, poles=2, services=("tiers_lieu",), solutions=10)
    free = siting_run(connection, asked)
    assert free.parameters["existing_count"] > 0
    ranked = [opened(free, rank) for rank in range(10)]
    # The best pair may not be opened together: the answer is worth what the second proposal is.
    first, second = sorted(ranked[0])
    apart = siting_run(connection, replace(asked, incompatible=((first, second),), solutions=1))
    assert opened(apart) != ranked[0]
    assert apart.document["solutions"][0]["objective"] == free.document["solutions"][1]["objective"]
    # A place of the third proposal that the best one leaves out: the best proposal that holds it.
    (wanted, *_) = sorted(ranked[2] - ranked[0])
    held = next(rank for rank in range(10) if wanted in ranked[rank])
    forced = siting_run(connection, replace(asked, required=(wanted,), solutions=1))
    assert wanted in opened(forced)
    assert forced.document["solutions"][0]["objective"] == free.document["solutions"][held]["objective"]
    alone = siting_run(connection, replace(simple, required=("14174",)))
    assert opened(alone) == {"14174"}


def test_a_pole_at_the_town_hall_where_a_structure_stands_takes_nobody(
    connection: sa.Connection, simple: SitingStudy
) -> None:
    # Deuxième vie Deuxième chance is placed at the town hall of Vire, where the only candidate is.
    asked = replace(simple, objective="p_median", candidates=("14762",))
    (why,) = siting_run(connection, asked).document["solutions"][0]["why"]
    assert (why["gain"], why["existing_losses"]) == (0, [])
    assert why["services"][0]["closer_population_count"] == 0


def test_a_commune_may_be_kept_from_the_site_at_its_own_town_hall(
    connection: sa.Connection, simple: SitingStudy
) -> None:
    # Saint-Aubin-des-Bois is beyond twenty minutes of every tiers-lieu: a pole at its town hall is its only one.
    asked = replace(simple, services=("tiers_lieu",), candidates=("14559",))
    for forbidden, is_there in (((), True), ((("14559", "14559"),), False)):
        (why,) = siting_run(connection, replace(asked, forbidden=forbidden)).document["solutions"][0]["why"]
        assert ("14559" in {unit["code"] for unit in why["services"][0]["communes"]}) is is_there


def test_who_finds_no_room_is_counted_apart_from_the_ledger(connection: sa.Connection, simple: SitingStudy) -> None:
    # Existing structures have no limit: of those farther than ten minutes, two poles take 2,000.
    asked = replace(
        simple, services=("tiers_lieu",), poles=2, objective="p_median", threshold_min=10.0, capacity_count=1000.0
    )
    run = siting_run(connection, asked)
    solution = run.document["solutions"][0]
    (left,) = solution["uncovered"]
    assert left["no_room_count"] > 0
    assert left["population_count"] == solution["ledger_after"]["out_of_reach_count"] + left["no_room_count"]
    assert left["population_count"] >= solution["ledger_before"]["out_of_reach_count"] - 2 * 1000 > 0
    assert "sans sa capacité" in run.parameters["capacity_note"]


def test_the_order_in_which_defis_are_written_changes_nothing(connection: sa.Connection, simple: SitingStudy) -> None:
    # A job reads its question back in the order of the store: its draws must be those of the command line.
    documents = []
    for defis in ({"insertion": 24.0, "dechets": 1.0}, {"dechets": 1.0, "insertion": 24.0}):
        trial = connection.begin_nested()
        asked = replace(simple, defis=defis, services=("tiers_lieu",), threshold_min=15.0)
        documents.append(siting_run(connection, asked).document)
        trial.rollback()
    assert documents[0] == documents[1]
    assert {case["regret"] for case in documents[0]["robustness"]["cases"]} != {0}


def test_minutes_add_up_too(connection: sa.Connection, simple: SitingStudy) -> None:
    solution = siting_run(connection, replace(simple, objective="p_median", poles=2)).document["solutions"][0]
    total = solution["objective_before"] + sum(why["gain"] for why in solution["why"])
    assert total == pytest.approx(solution["objective"])
    assert solution["bound"] <= solution["objective"] * (1 + 1e-6)


def test_accompaniment_keeps_its_zones(connection: sa.Connection, simple: SitingStudy) -> None:
    asked = replace(simple, services=("accompagnement",), threshold_min=45.0, defis={"insertion": 1.0})
    document = siting_run(connection, asked).document["solutions"][0]
    run = pipeline.gap_run(connection, defi="insertion", service="accompagnement")
    (row,) = read.gap_rows(connection, run.run_hash, "epci", territory=asked.territory)
    assert {name: row[name] for name in COUNTS} == {name: document["ledger_before"][name] for name in COUNTS}


def test_an_answer_cut_short_says_so_and_is_not_stored(connection: sa.Connection, simple: SitingStudy) -> None:
    asked = replace(simple, poles=3, services=("tiers_lieu",))
    cut = siting_run(connection, asked, time_limit_s=0.001)
    assert cut.document["run"] is None
    assert cut.parameters["is_cut_short"]
    best = cut.document["solutions"][0]
    assert best["objective"] <= best["bound"]
    whole = siting_run(connection, asked)
    assert whole.document["run"] == whole.run_hash == cut.run_hash
    assert whole.document["solutions"][0]["objective"] <= best["bound"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"poles": 18}, "17 sites candidats"),
        ({"threshold_min": 1.0}, "2,0"),
        ({"candidates": ("14762",), "poles": 2}, "un seul site candidat"),
    ],
)
def test_an_impossible_question_says_what_is_in_the_way(
    connection: sa.Connection, simple: SitingStudy, changes: dict[str, object], named: str
) -> None:
    (solution,) = siting_run(connection, replace(simple, **changes)).document["solutions"]
    assert (solution["status"], solution["sites"], solution["objective"], solution["gap"]) == (
        "infeasible",
        [],
        None,
        None,
    )
    assert named in solution["reason"]


def test_a_wrong_question_is_refused(connection: sa.Connection, simple: SitingStudy) -> None:
    for changes, error in (
        ({"territory": "999999999"}, UnknownTerritoryError),
        ({"territory": "28"}, UsageError),
        ({"services": ("piscine",)}, UsageError),
        ({"defis": {"bonheur": 1.0}}, UsageError),
        ({"candidates": ("76384",)}, UsageError),
        ({"keep": ("nulle-part",)}, UsageError),
    ):
        with pytest.raises(error):
            siting_run(connection, replace(simple, **changes))
    with pytest.raises(InputFileError, match="vire"):
        read_siting_study("absente.toml")
    with pytest.raises(NotComputedError):
        find_siting(connection, "0123456789")
    with pytest.raises(UsageError):
        find_siting(connection, "xyz")
