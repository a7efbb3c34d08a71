"""Matching of records: the measure of the threshold on the real overlaps, and what never merges."""

from __future__ import annotations

import matching_sample
import numpy as np
import pandas as pd
import pytest

import geodata
from observatory.declared.services import offer
from observatory.sources.structures import likeness, resolve

SIRET = "12345678901234"
SAME_SIREN = "12345678900020"
OTHER = "98765432100019"
CANDIDATES = [half / 2 for half in range(160, 201)]


@pytest.fixture(scope="module")
def records() -> pd.DataFrame:
    """Every record of the snapshot with its own name, SIRET, address and commune."""
    path = geodata.SNAPSHOT / "structure_members.parquet"
    if not path.exists():
        pytest.skip("l’instantané n’est pas construit : lancez « observatory snapshot build »")
    place = ["address", "city", "commune_code"]
    told = pd.read_parquet(geodata.SNAPSHOT / "structure_records.parquet")
    alone = pd.read_parquet(geodata.SNAPSHOT / "structures.parquet").set_index("structure_id")[place]
    members = pd.read_parquet(path).set_index(["source_id", "record_id"])[place]
    keys = told["source_id"] + ":" + told["record_id"]
    own = alone.reindex(keys).set_index(told.index)
    merged = members.reindex(pd.MultiIndex.from_frame(told[["source_id", "record_id"]])).set_index(told.index)
    is_merged = told.duplicated("structure_id", keep=False)
    for name in place:
        told[name] = merged[name].where(is_merged, own[name])
    return told


@pytest.fixture(scope="module")
def pairs(records: pd.DataFrame) -> pd.DataFrame:
    return matching_sample.sample(records)


def test_the_threshold_is_the_lowest_as_precise_as_declared(pairs: pd.DataFrame) -> None:
    declared = offer().resolution
    found = matching_sample.measure(pairs, resolve.threshold())
    assert (len(pairs), int(pairs["is_same"].sum())) == (2242, 55)
    assert (found.true_positive_count, found.false_positive_count, found.false_negative_count) == (28, 0, 27)
    assert found.precision >= declared.least_precision
    chosen = matching_sample.chosen_threshold(pairs, precision=declared.least_precision, candidates=CANDIDATES)
    assert chosen == declared.threshold == resolve.threshold()
    assert [round(bound, 2) for bound in found.precision_interval] == [0.88, 1.0]
    assert [round(bound, 2) for bound in found.recall_interval] == [0.38, 0.64]


def test_each_half_of_the_sample_checks_the_threshold(pairs: pd.DataFrame) -> None:
    for half in (0, 1):
        found = matching_sample.measure(pairs[pairs["half"].eq(half)], resolve.threshold())
        assert found.true_positive_count >= 14
        assert found.false_positive_count == 0


def test_sister_bodies_at_one_address_are_two(pairs: pd.DataFrame) -> None:
    """Envie and Envie 2E, a communauté and its CIAS, an association and its company: the nearest of the negatives."""
    apart = pairs[~pairs["is_same"]].nlargest(3, "score")
    assert apart["first"].tolist()[0] == "anct_mednum_2022:20006641300010-MEDIATION_NUMERIQUE"
    assert 93 < apart["score"].min() <= apart["score"].max() < resolve.threshold()


def test_wilson_is_newcombes() -> None:
    """Newcombe (1998), table I: 81 of 263, and 15 of 148."""
    assert [round(bound, 4) for bound in matching_sample.wilson(81, 263)] == [0.2553, 0.3662]
    assert [round(bound, 4) for bound in matching_sample.wilson(15, 148)] == [0.0624, 0.1605]


def score(one: tuple[str, str], other: tuple[str, str], city: str = "Vimoutiers") -> float:
    block = [likeness.likened(name, address, city) for name, address in (one, other)]
    return float(likeness.scores(block, [0])[0, 1])


def test_what_contradicts_is_zero_and_what_lacks_an_address_is_not_scored() -> None:
    base = ("France services de Vimoutiers", "2 rue Allain II")
    assert score(base, ("Point info 14 Vimoutiers", "2 R. ALLAIN II")) == 100
    assert score(base, ("France services de Vimoutiers", "4 rue Allain II")) == 0
    assert score(base, ("Bus France services de Vimoutiers", "2 rue Allain II")) == 0
    assert score(("Assoc Multi", "1 rue X"), ("SARL Multi", "1 rue X")) == 0
    assert score(base, ("France services de Vimoutiers", "")) == likeness.NO_ADDRESS


def located(*rows: dict[str, object]) -> pd.DataFrame:
    blank = {
        "source_id": "s",
        "name": "Toy",
        "siret": None,
        "address": "1 rue X",
        "city": "Caen",
        "commune_code": "14118",
        "place_quality": "address",
        "point_x_m": 0.0,
        "point_y_m": 0.0,
    }
    return pd.DataFrame([{**blank, "record_id": str(rank), **row} for rank, row in enumerate(rows)])


def groups(*rows: dict[str, object], **known: list[tuple[str, str]]) -> list[str]:
    resolved = resolve.resolve(located(*rows), **{"declared": [], **known})
    return resolved.sort_values("record_id")["structure_id"].tolist()


def test_a_siren_in_a_commune_is_one_where_each_source_names_it_once() -> None:
    first, moved = {"siret": SIRET}, {"siret": SAME_SIREN, "source_id": "t", "name": "Autre nom"}
    assert groups(first, moved) == ["s:0", "s:0"]
    assert groups(first, {**moved, "address": "40 avenue Y"}) == ["s:0", "t:1"]
    assert groups(first, {**moved, "source_id": "s"}) == ["s:0", "s:1"]
    twice = {**moved, "siret": "12345678900038"}
    assert groups(first, moved, twice) == ["s:0", "t:1", "t:2"]


def test_no_group_holds_two_siret_by_way_of_a_record_without_one() -> None:
    rows = [{"siret": SIRET}, {}, {"siret": OTHER}]
    assert groups(*rows) == ["s:0", "s:0", "s:2"]


def test_a_forbidden_pair_stays_apart_even_by_way_of_a_third() -> None:
    rows = [{}, {}, {}]
    assert groups(*rows) == ["s:0", "s:0", "s:0"]
    apart = groups(*rows, forbidden=[("s:0", "s:2")])
    assert apart[0] != apart[2]
    assert groups(*rows, forbidden=[("s:0", "s:1"), ("s:0", "s:2"), ("s:1", "s:2")]) == ["s:0", "s:1", "s:2"]


def test_a_declared_pair_joins_what_nothing_else_would() -> None:
    rows = [{"siret": SIRET, "name": "A"}, {"siret": OTHER, "name": "B", "commune_code": "14341"}]
    assert groups(*rows) == ["s:0", "s:1"]
    assert groups(*rows, declared=[("s:0", "s:1")]) == ["s:0", "s:0"]


def test_the_order_of_the_records_changes_nothing() -> None:
    rows = located({}, {"siret": SIRET}, {"siret": SIRET, "source_id": "t"}, {"name": "Autre"}, {"siret": OTHER})
    told = resolve.resolve(rows, declared=[])
    for seed in range(5):
        shuffled = rows.sample(frac=1, random_state=np.random.default_rng(seed))
        pd.testing.assert_frame_equal(resolve.resolve(shuffled, declared=[]), told)


def test_nearly_alike_pairs_are_listed_to_be_judged() -> None:
    rows = resolve.resolve(located({"name": "Familles rurales"}, {"name": "Familles rurales Ass"}), declared=[])
    listed = resolve.doubtful(rows, least=80.0)
    assert listed[["first", "second"]].to_numpy().tolist() == [["s:0", "s:1"]]
    assert 80 <= listed["score"].item() < resolve.threshold()
