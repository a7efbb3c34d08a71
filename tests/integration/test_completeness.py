"""What is known against what is expected, and the warnings, the same in every channel."""

from __future__ import annotations

import json
from datetime import date

import sqlalchemy as sa

from observatory.publish import completeness
from observatory.publish import gaps as publication

TODAY = date(2026, 11, 23)


def test_known_structures_add_up_from_the_communes_to_the_region(connection: sa.Connection) -> None:
    region = completeness.completeness(connection, "region", "28")["28"]
    departements = completeness.completeness(connection, "departement")
    normandy = ("14", "27", "50", "61", "76")
    nowhere = sa.text(
        "SELECT count(*) FROM observatory.structure_service JOIN observatory.structure AS one USING (structure_id) "
        "WHERE service = :service AND one.is_active AND one.departement_code IS NULL"
    )
    for service, one in region.items():
        unknown = connection.execute(nowhere, {"service": service}).scalar_one()
        assert one.known_count == unknown + sum(departements[code][service].known_count for code in normandy)
    placed = sa.text(
        "SELECT count(*) FROM observatory.structure_service JOIN observatory.structure AS one USING (structure_id) "
        "JOIN observatory.territory AS commune ON commune.level = 'commune' AND commune.code = one.commune_code "
        "WHERE service = 'ressourcerie' AND one.is_active AND NOT commune.is_border"
    )
    assert region["ressourcerie"].known_count == connection.execute(placed).scalar_one() == 7


def test_what_is_expected_is_known_for_the_region_alone(connection: sa.Connection) -> None:
    region = completeness.completeness(connection, "region", "28")["28"]
    assert region["ess"].expected_count == 10_827
    assert region["ess"].share == region["ess"].known_count / 10_827
    assert {name for name, one in region.items() if one.expected_count} == {"ess"}
    vire = completeness.completeness(connection, "epci", "200068799")["200068799"]
    assert all(one.expected_count is None for one in vire.values())
    assert vire["ess"].words.endswith(", attendu inconnu")
    assert vire["france_services"].words.endswith("liste complète à sa date")


def test_warnings_say_what_is_partial_and_what_is_old(connection: sa.Connection) -> None:
    sources = ["insee_filosofi_2021", "insee_bpe_2024", "asp_siae_2020"]
    told = completeness.warnings(connection, services=["ess", "france_services"], source_ids=sources, today=TODAY)
    assert len(told) == 2
    known = completeness.completeness(connection, "region", "28")["28"]["ess"].known_count
    assert told[0] == (
        f"Établissements de l'économie sociale et solidaire : {known} structures connues en Normandie sur 10\u202f827 "
        "attendues (2018) : l’accès affiché est celui des structures connues."
    )
    assert told[1].startswith("Données périmées ou de plus de 5 ans : Structures d'insertion")
    assert "2021, rythme annuel" in told[1]
    assert "équipements" not in told[1]


def test_a_gap_report_carries_them_and_its_json_too(computed_engine: sa.Engine) -> None:
    with computed_engine.connect() as connection:
        report = publication.gap_report(connection, defi="insertion", service="ess", level="region")
    assert report.warnings
    document = json.loads(publication.to_json(report))
    assert document["warnings"] == list(report.warnings)
    assert document["sources"][0]["freshness"]
    assert "warnings" not in publication.to_csv(report)
