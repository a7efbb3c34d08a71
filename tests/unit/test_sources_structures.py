"""Structures on toy records: cleaning, identifiers, resolution of duplicates, services and their reasons."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from observatory.declared import services
from observatory.sources.directory import accompaniment
from observatory.sources.structures import establishments, resolve, service_rules

SIRET = "80950959900019"


def raw(**known: object) -> pd.DataFrame:
    blank = dict.fromkeys(establishments.COLUMNS)
    row = {**blank, "source": "asp_siae_2020", "kind": "ACI", "name": "Toy", "line": 2}
    return pd.DataFrame([{**row, **known}]).astype(dict.fromkeys(establishments.COLUMNS, object))


def test_names_lose_line_breaks_and_contact_lines() -> None:
    batch = establishments.normalise(raw(name="Les  Ateliers\nde Caen", address="1 rue X 02 31 77 08 89 a.b@c.fr"))[0]
    row = batch.frame.iloc[0]
    assert (row["name"], row["address"]) == ("Les Ateliers de Caen", "1 rue X")
    assert (row["period"], row["is_active"]) == ("2020-12", True)


def test_a_siret_that_lost_digits_is_put_aside_and_the_row_stays() -> None:
    batch = establishments.normalise(raw(siret="123"))[0]
    assert batch.frame["siret"].isna().all()
    assert batch.rejected["reason"].tolist() == ["siret : SIRET illisible"]


def test_record_ids_are_stable_and_unique() -> None:
    rows = pd.concat(
        [raw(siret=SIRET), raw(siret=SIRET, name="Annexe"), raw(name="École", commune_code="14118", siret=None)],
        ignore_index=True,
    )
    batch = establishments.normalise(rows)[0]
    assert batch.frame["record_id"].tolist() == [f"{SIRET}-ACI", f"{SIRET}-ACI-2", "ecole-14118"]


def test_an_unknown_source_is_rejected() -> None:
    batch = establishments.normalise(raw(source="elsewhere"))[0]
    assert (batch.kept_count, batch.rejected_count) == (0, 1)


def located(*rows: dict[str, object]) -> pd.DataFrame:
    blank = {
        "source_id": "s",
        "name": "Toy",
        "siret": None,
        "address": None,
        "commune_code": "14118",
        "place_quality": "address",
        "point_x_m": 0.0,
        "point_y_m": 0.0,
    }
    return pd.DataFrame([{**blank, "record_id": str(rank), **row} for rank, row in enumerate(rows)])


def groups(*rows: dict[str, object], declared: list[tuple[str, str]] | None = None) -> list[tuple[str, str]]:
    resolved = resolve.resolve(located(*rows), declared=declared or [])
    return list(zip(resolved["structure_id"], resolved["rule"], strict=True))


def test_one_siret_at_one_place_is_one_structure() -> None:
    first = {"siret": SIRET, "name": "A", "address": "12 R JEAN MOULIN"}
    second = {"siret": SIRET, "name": "B", "address": "12 rue Jean-Moulin", "point_x_m": 900.0}
    assert groups(first, second) == [("s:0", "same_siret"), ("s:0", "same_siret")]


def test_one_siret_at_two_places_is_two_structures() -> None:
    first = {"siret": SIRET, "name": "A", "address": "12 rue Jean Moulin"}
    second = {"siret": SIRET, "name": "A", "address": "3 place du Marché", "point_x_m": 100.0}
    third = {"siret": SIRET, "name": "C", "address": "12 rue Jean Moulin", "commune_code": "14341"}
    assert groups(first, second, third) == [("s:0", "unique"), ("s:1", "unique"), ("s:2", "unique")]


def test_a_record_without_a_place_joins_the_only_site_of_its_siret() -> None:
    lost = {"siret": SIRET, "commune_code": None, "place_quality": "unknown", "point_x_m": np.nan, "name": "Z"}
    site = {"siret": SIRET, "address": "12 rue Jean Moulin", "name": "A"}
    other = {"siret": SIRET, "address": "3 place du Marché", "name": "B"}
    assert groups(lost, site) == [("s:1", "same_siret"), ("s:1", "same_siret")]
    assert groups(lost, site, other) == [("s:0", "unique"), ("s:1", "unique"), ("s:2", "unique")]


def test_same_name_needs_the_same_address_and_no_other_siret() -> None:
    first = {"name": "France services Trinité", "address": "1 av. de la Gare"}
    same = {"name": "France Services - Trinité", "address": "1 AVENUE DE LA GARE"}
    apart = {"name": "France services Trinité", "address": "45 boulevard Leclerc"}
    assert groups(first, same) == [("s:0", "same_name_address"), ("s:0", "same_name_address")]
    assert groups(first, apart) == [("s:0", "unique"), ("s:1", "unique")]
    sirets = {**first, "siret": SIRET}, {**same, "siret": SIRET[::-1]}
    assert groups(*sirets) == [("s:0", "unique"), ("s:1", "unique")]


def test_same_name_without_address_is_one_in_a_commune_and_two_in_two() -> None:
    here, there = {"name": "Le Wip"}, {"name": "LE WIP"}
    assert groups(here, there) == [("s:0", "same_name_commune"), ("s:0", "same_name_commune")]
    assert groups(here, {**there, "commune_code": "14167"}) == [("s:0", "unique"), ("s:1", "unique")]


def test_a_declared_pair_is_one_and_the_best_placed_leads() -> None:
    hall = {"name": "Clips", "place_quality": "town_hall"}
    exact = {"name": "CLIPS RESSOURCERIE", "address": "Parc du Manoir"}
    assert groups(hall, exact, declared=[("s:0", "s:1")]) == [("s:1", "declared"), ("s:1", "declared")]


def offer(*rows: tuple[str, str, str | None]) -> dict[tuple[str, str], str]:
    """(name, kind, siret) → {(structure, service): reason}."""
    records = pd.DataFrame(
        [
            {"structure_id": str(rank), "source_id": "asp_siae_2020", "kind": kind, "name": name, "siret": siret}
            for rank, (name, kind, siret) in enumerate(rows)
        ]
    )
    network = pd.DataFrame({name: [] for name in ("structure_id", "phases", "kind", "role", "origin", "stated_date")})
    table = service_rules.offered(records, network, services.offer())
    return {(row.structure_id, row.service): row.reason for row in table.itertuples()}


def test_ess_is_told_by_the_file_itself() -> None:
    found = offer(
        ("ASSOC LES JARDINS", "ACI", None),
        ("LES JARDINS", "ACI", None),
        ("BAC EMPLOI", "AI", None),
        ("ASSOCIÉS DU BÂTIMENT", "EI", None),
        ("France Travail - ASSOCIATION", "FRANCE_TRAVAIL", None),
        ("Scop Bâtir", "EI", None),
    )
    assert sorted(structure for structure, service in found if service == "ess") == ["0", "2", "5"]
    assert found["0", "ess"] == "« ASSOC LES JARDINS » : son nom la dit association."
    assert "association par la loi" in found["2", "ess"]
    assert all((str(rank), "insertion") in found for rank in range(6))


def test_verdicts_decide_the_ressourceries() -> None:
    found = offer(
        ("CLIPS RESSOURCERIE", "ACI", "80950959900019"),
        ("ATELIER FORMATION ENTRAIDE REENTRAINEMENT", "ACI", "39156120600049"),
        ("ENVIE 2E", "EI", "48747501400014"),
        ("PAREC", "ACI", "37998191300070"),
    )
    assert [structure for structure, service in found if service == "ressourcerie"] == ["0"]


def test_every_candidate_is_judged_with_a_reason() -> None:
    judged = {one.siret: one for one in services.offer().ressourceries}
    assert len(judged) == len(services.offer().ressourceries) == 18
    assert {one.verdict for one in judged.values()} == {"ressourcerie", "reemploi", "recyclage", "non", "a_confirmer"}
    assert all(len(one.reason) > 30 for one in judged.values())
    assert judged["39156120600049"].verdict == "non"


def test_accompaniment_lists_and_projects(tmp_path: Path) -> None:
    path = tmp_path / accompaniment.FILE
    path.write_text(
        ",".join(accompaniment.COLUMNS)
        + "\nARDES,accompagnateur,appui,emergence|creation,Ici je monte ma boîte,region,28,,siège à établir\n"
        + "Pôle,lieu,pépinière ; tiers-lieu,lieu,,epci,200010700,14762,projet\n"
        + "Port,experimentation,candidature en 2019,,,commune,76476,76476,\n"
        + "Autre,magie,rôle,,,,,,\n",
        encoding="utf-8",
    )
    batch = accompaniment.normalise(accompaniment.read(path))
    frame = batch.frame.set_index("name")
    assert frame.loc["ARDES", "phases"] == ["emergence", "creation"]
    assert frame["is_active"].to_dict() == {"ARDES": True, "Pôle": False, "Port": False}
    assert batch.rejected["reason"].tolist() == ["type de structure inconnu"]
    network = batch.frame.assign(structure_id=batch.frame["record_id"])
    records = accompaniment.records(batch.frame).assign(structure_id=batch.frame["record_id"])
    table = service_rules.offered(records, network, services.offer())
    assert table[["structure_id", "service"]].to_numpy().tolist() == [
        ["ardes", "accompagnement"],
        ["pole", "accompagnement"],
        ["pole", "tiers_lieu"],
    ]


@pytest.mark.parametrize(
    ("text", "expected"), [("Pré-Bocage (14)", "pre-bocage-14"), ("L’Œuvre", "l-oeuvre"), (None, "")]
)
def test_slugs(text: str | None, expected: str) -> None:
    assert establishments.slug(text) == expected
