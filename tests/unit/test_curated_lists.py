"""The lists read on public pages: the declared rule, one place under two names, what is shown without counting."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pandas as pd
import pytest

import geodata
from observatory.declared import services
from observatory.sources.directory import accompaniment_pages
from observatory.sources.structures import page_facts, ressourceries_pages, standing, tiers_lieux_pages

FIGURES = Path(__file__).resolve().parents[3] / "shared" / "data" / "figures"
needs_figures = pytest.mark.skipif(not FIGURES.is_dir(), reason="les tables de figures ne sont pas à côté du projet")
BLANK = {
    "name": "Toy",
    "kind": "ressourcerie",
    "commune": "Caen",
    "commune_code": "14118",
    "address": None,
    "collects": "yes",
    "resells": "yes",
    "state": "open",
    "state_date": "2024-05",
    "urls": "https://a.fr/x ; https://b.fr/y",
    "page_dates": None,
    "confidence": "sure",
    "reason": "Dépôt et vente.",
    "line": 2,
}


@pytest.fixture(scope="module")
def held() -> dict[str, pd.DataFrame]:
    names = ("structures", "structure_services", "structure_records", "structure_statements", "accompaniment")
    return {name: pd.read_parquet(geodata.SNAPSHOT / f"{name}.parquet") for name in names}


def judged(**known: object) -> pd.Series:
    frame = pd.DataFrame([{**BLANK, **known}]).astype(dict.fromkeys([*BLANK][:-1], object))
    return ressourceries_pages.normalise(frame, communes={"14118"}).frame.iloc[0]


@pytest.mark.parametrize(
    ("known", "kind", "confidence"),
    [
        ({}, "RESSOURCERIE", "sure"),
        ({"kind": "reuse shop (textile)"}, "ACTEUR_REEMPLOI", "sure"),
        ({"kind": "vélo"}, "ACTEUR_REEMPLOI", "sure"),
        ({"kind": "reuse shop (textile et objets)"}, "RESSOURCERIE", "sure"),
        ({"resells": "no"}, "ACTEUR_REEMPLOI", "sure"),
        ({"collects": "unknown"}, "RESSOURCERIE", "doubtful"),
        ({"confidence": "likely"}, "RESSOURCERIE", "likely"),
        ({"state": "unknown"}, "RESSOURCERIE", "doubtful"),
    ],
)
def test_the_rule_says_what_a_ressourcerie_is(known: dict[str, str], kind: str, confidence: str) -> None:
    row = judged(**known)
    assert (row["kind"], row["confidence"]) == (kind, confidence)
    assert services.offer().ressourcerie_rule.text in row["judgement"]


@pytest.mark.parametrize(("state", "is_active"), [("open", True), ("unknown", True), ("announced", False)])
def test_what_is_announced_is_not_active(state: str, *, is_active: bool) -> None:
    row = judged(state=state)
    assert (row["state"], bool(row["is_active"]), row["period"]) == (state, is_active, "2024-05")


def test_a_row_that_no_page_says_is_put_aside() -> None:
    frame = pd.DataFrame([{**BLANK, "urls": "on me l’a dit"}, {**BLANK, "kind": "magie"}])
    batch = ressourceries_pages.normalise(frame, communes={"14118"})
    assert batch.rejected["reason"].tolist() == ["aucune page citée", "type que la règle ne connaît pas"]


def test_addresses_that_name_a_person_are_left_out() -> None:
    told = "https://a.fr/x ; https://www.calvados.fr/coups-de-coeur-du-departement/quelqu-un.html | https://a.fr/x"
    assert page_facts.addresses(told) == ["https://a.fr/x"]


def test_several_records_of_one_structure_agree() -> None:
    rows = [("a", "open", "likely"), ("a", "open", "sure"), ("b", "announced", "sure"), ("b", "open", "doubtful")]
    rows += [("c", "open", "sure"), ("c", "closed", "likely"), ("d", "unknown", "doubtful")]
    found = standing.agreed(pd.DataFrame(rows, columns=["structure_id", "state", "confidence"]))
    assert [tuple(row) for row in found.itertuples()] == [
        ("a", "open", "sure", True),
        ("b", "open", "doubtful", True),
        ("c", "closed", "likely", False),
        ("d", "unknown", "doubtful", True),
    ]


@pytest.mark.parametrize(
    ("zone", "commune", "expected"),
    [
        ("région", None, ("region", "28")),
        ("département 61", "61001", ("departement", "61")),
        ("CU Caen la mer (200065597)", "14327", ("epci", "200065597")),
        ("commune de Colombelles", "14167", ("commune", "14167")),
        ("départements 14, 50, 61", None, (None, None)),
        ("bocage ornais", "61169", (None, None)),
        (None, None, (None, None)),
    ],
)
def test_a_zone_is_one_territory_or_is_not_guessed(
    zone: str | None, commune: str | None, expected: tuple[str | None, str | None]
) -> None:
    assert accompaniment_pages._zone(zone, commune) == expected


@needs_figures
def test_the_ressourceries_that_count_are_those_that_the_rule_leaves(held: dict[str, pd.DataFrame]) -> None:
    with (FIGURES / ressourceries_pages.FILE).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    expected = [
        row["commune_code"]
        for row in rows
        if row["kind"] not in {"reuse shop (textile)", "vélo"}
        and (row["state"], row["collects"], row["resells"]) == ("open", "yes", "yes")
        and row["confidence"] in {"sure", "likely"}
    ]
    assert len(expected) == 39
    told = held["structure_statements"]
    told = told[told["source_id"].eq(ressourceries_pages.SOURCE_ID)]
    counted = told[told["state"].eq("open") & told["confidence"].ne("doubtful")]
    records = counted.merge(held["structure_records"], on=["source_id", "record_id"])
    structures = records[records["kind"].eq("RESSOURCERIE")].merge(held["structures"], on="structure_id")
    assert sorted(structures["commune_code"]) == sorted(expected)
    offered = held["structure_services"]
    offered = offered[offered["service"].eq("ressourcerie")]["structure_id"]
    assert set(structures["structure_id"]) <= set(offered)
    # A textile boutique offers nothing, wherever it is.
    names = {row["name"] for row in rows if row["kind"] == "reuse shop (textile)"}
    boutiques = held["structure_records"][lambda one: one["name"].isin(names)]
    assert len(boutiques) == 9
    assert not set(boutiques["structure_id"]) & set(offered)


@needs_figures
def test_every_row_of_the_tiers_lieux_is_kept_with_its_state(held: dict[str, pd.DataFrame]) -> None:
    with (FIGURES / tiers_lieux_pages.FILE).open(encoding="utf-8") as file:
        rows = {row["id"]: row["state_at_page_date"] for row in csv.DictReader(file)}
    told = held["structure_statements"]
    told = told[told["source_id"].eq(tiers_lieux_pages.SOURCE_ID)].set_index("record_id")["state"]
    assert told.to_dict() == {name: page_facts.FRENCH_STATES[state] for name, state in rows.items()}


def test_one_place_under_two_names_is_one_structure(held: dict[str, pd.DataFrame]) -> None:
    records = held["structure_records"]
    hangar = records[records["name"].str.contains("HANGAR (?:0|ZÉRO)", flags=re.IGNORECASE)]
    assert sorted(hangar["source_id"]) == ["anct_fabriques_2024", "anct_manufactures_2024", "pages_tiers_lieux"]
    assert len(set(hangar["structure_id"])) == 1
    keys = set(records["source_id"] + ":" + records["record_id"])
    assert [key for one in services.offer().same for key in one.records if key not in keys] == []


def test_soli_seine_is_open_and_bge_normandie_closed(held: dict[str, pd.DataFrame]) -> None:
    structures = held["structures"].set_index("structure_id")
    soli = structures.loc["pages_accompagnement:soli-seine"]
    assert (soli["state"], soli["confidence"], soli["commune_code"]) == ("open", "sure", "76476")
    bge = structures.loc["pages_accompagnement:bge-normandie"]
    assert (bge["state"], bool(bge["is_active"])) == ("closed", False)
    port_jerome = structures.loc["ami_french_impact_2018:port-jerome-sur-seine"]
    assert (port_jerome["state"], port_jerome["confidence"]) == ("open", "sure")


def test_what_houses_associations_or_teaches_accompanies_no_project(held: dict[str, pd.DataFrame]) -> None:
    offered = held["structure_services"].merge(held["structures"], on="structure_id")
    kinds = set(offered[offered["service"].eq("accompagnement")]["kind"])
    assert not kinds & set(services.offer().services["accompagnement"].never)
