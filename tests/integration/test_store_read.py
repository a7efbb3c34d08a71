"""Reading, on the toy territory: every expected value is worked by hand."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
import sqlalchemy as sa

from observatory.errors import NotComputedError, UnknownTerritoryError, UsageError
from observatory.gap.columns import COLUMNS
from observatory.store import read


@pytest.fixture
def connection(toy_connection: sa.Connection) -> sa.Connection:
    return toy_connection


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("28", "region"),
        ("14", "departement"),
        ("200000002", "epci"),
        ("14901", "commune"),
        ("14903", "commune_deleguee"),
        ("qn01499x", "qpv"),
        ("2899", "zone_emploi"),
        ("149010101", "iris"),
    ],
)
def test_a_code_tells_its_level(connection: sa.Connection, code: str, level: str) -> None:
    assert read.territory_level(connection, code) == level


@pytest.mark.parametrize(
    ("asked", "suggested"),
    [("Alphavile", "Alphaville (14901)"), ("200000003", "(200000001)"), ("beta sur oeuvre", "Bêta-sur-Œuvre (14902)")],
)
def test_an_unknown_code_suggests_the_nearest(connection: sa.Connection, asked: str, suggested: str) -> None:
    with pytest.raises(UnknownTerritoryError) as caught:
        read.territory_level(connection, asked)
    assert caught.value.exit_code == 2
    assert suggested in str(caught.value)
    assert str(caught.value).endswith("?")


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("beta", ["14902", "200000001"]),  # the name that begins with it, before the one that holds it
        ("œuvre", ["14902"]),
        ("OEUVRE bêta", ["14902"]),
        # Whole first word: the commune before the commune déléguée of the same name, then the longer name;
        # the EPCI holds it further on.
        ("gamma", ["61901", "61902", "14903", "200000002"]),
        ("gam vieux", ["61902"]),
        ("61902", ["61902"]),
        ("amm", []),  # not the beginning of a word
        ("amma", ["61901", "14903", "200000002", "61902"]),  # but for one letter
        ("oméga", []),  # on the border
        ("100%", []),
        ("%", []),
    ],
)
def test_search_ignores_accents_and_puts_the_best_first(
    connection: sa.Connection, query: str, codes: list[str]
) -> None:
    found = read.territories(connection, query=query)
    assert [row["code"] for row in found] == codes
    assert read.territory_count(connection, query=query) == len(codes)


def test_lists_are_by_name_paged_and_leave_the_border_out(connection: sa.Connection) -> None:
    every = read.territories(connection, "commune")
    assert [row["name"] for row in every] == ["Alphaville", "Bêta-sur-Œuvre", "Gamma", "Gamma-le-Vieux"]
    assert every[0]["parent_name"] == "Calvados"
    assert [row["code"] for row in read.territories(connection, "commune", limit=2, offset=1)] == ["14902", "61901"]
    assert read.territory_count(connection, "commune") == 4
    with pytest.raises(UsageError, match="niveau « canton »"):
        read.territories(connection, "canton")
    with pytest.raises(UsageError, match="limite"):
        read.territories(connection, limit=-1)


def test_a_territory_says_where_it_belongs_and_what_it_holds(connection: sa.Connection) -> None:
    epci = read.territory(connection, "epci", "200000001")
    assert (epci["population_count"], epci["commune_count"], epci["area_km2"]) == (1500, 2, 200.0)
    assert epci["parents"] == [{"level": "region", "code": "28", "name": "Normandie"}]
    assert epci["child_counts"] == {"commune": 2, "commune_deleguee": 1, "qpv": 1, "iris": 1, "zone_emploi": 1}
    west, south, east, north = epci["bbox"]
    # 430 000–450 000 m E, 6 870 000–6 880 000 m N is north-west of Caen.
    assert -0.7 < west < east < -0.3
    assert 48.8 < south < north < 49.0

    commune = read.territory(connection, "commune", "61902")
    assert [parent["code"] for parent in commune["parents"]] == ["200000002", "61", "28"]
    assert [(one["zoning"], one["value_code"]) for one in commune["zonings"]] == [("densite", "7"), ("frr", "FRR")]
    assert read.territory(connection, "qpv", "QN01499X")["child_counts"] == {}
    with pytest.raises(UnknownTerritoryError):
        read.territory(connection, "epci", "14901")


@pytest.mark.parametrize(
    ("level", "code", "at_level", "codes"),
    [
        ("region", "28", "commune", ["14901", "14902", "61901", "61902"]),
        ("region", "28", "epci", ["200000001", "200000002"]),
        ("departement", "61", "epci", ["200000002"]),
        ("epci", "200000001", "commune", ["14901", "14902"]),
        ("epci", "200000001", "epci", ["200000001"]),
        ("epci", "200000001", "departement", ["14"]),
        ("epci", "200000001", "qpv", ["QN01499X"]),
        ("epci", "200000002", "qpv", []),
        ("commune", "14902", "commune_deleguee", ["14903"]),
        ("commune", "14902", "region", ["28"]),
        ("commune_deleguee", "14903", "epci", ["200000001"]),
        ("qpv", "QN01499X", "iris", []),
        ("zone_emploi", "2899", "commune", ["14901", "14902"]),  # 72901 is across the border
    ],
)
def test_descendants_go_down_and_up(
    connection: sa.Connection, level: str, code: str, at_level: str, codes: list[str]
) -> None:
    assert read.descendants(connection, level, code, at_level) == codes


def test_descendants_across_the_border_on_demand(connection: sa.Connection) -> None:
    assert read.descendants(connection, "zone_emploi", "2899", "commune", include_border=True)[-1] == "72901"
    assert [row["name"] for row in read.children(connection, "region", "28", "departement")] == ["Calvados", "Orne"]


def test_values_keep_what_is_missing_and_latest_is_one_period_for_all(connection: sa.Connection) -> None:
    latest = read.latest_values(connection, ["unemployed_15_64_share", "active_15_64_count"], ["commune"])
    share = latest[latest["indicator"] == "unemployed_15_64_share"].set_index("code")
    # 61902 is missing in 2021: its figure of 2016 doesn't take its place.
    assert share["period"].unique().tolist() == ["2021"]
    pd.testing.assert_series_equal(
        share["value"],
        pd.Series({"14901": 10.0, "14902": 5.0, "61901": 20.0, "61902": None}, name="value").rename_axis("code"),
    )
    assert share["status"].to_dict() == {
        "14901": "observed",
        "14902": "observed",
        "61901": "observed",
        "61902": "missing",
    }

    old = read.values(connection, "commune", ["unemployed_15_64_share"], ["2016"], codes=["61902", "14901"])
    assert old[["code", "value", "source_id"]].to_dict("list") == {
        "code": ["14901", "61902"],
        "value": [9.0, 9.0],
        "source_id": ["toy_census", "toy_census"],
    }
    assert list(read.values(connection, "epci", ["nothing"])) == [
        "code",
        "indicator",
        "period",
        "value",
        "status",
        "source_id",
    ]


def test_zonings(connection: sa.Connection) -> None:
    frame = read.zonings(connection, "commune", "densite")
    assert dict(zip(frame["code"], frame["value_code"], strict=True)) == {
        "14901": "2", "14902": "5", "61901": "6", "61902": "7", "72901": "6",
    }  # fmt: skip


def test_structures_by_service_territory_and_extent(connection: sa.Connection) -> None:
    def ids(**filters: object) -> list[str]:
        assert read.structure_count(connection, **filters) == len(read.structures(connection, **filters))  # type: ignore[arg-type]
        return [row["structure_id"] for row in read.structures(connection, **filters)]  # type: ignore[arg-type]

    assert ids() == ["s3", "a1", "s4", "s1", "s2"]  # Le Hangar, Pôle, Projet, Recyclerie d'Alpha, d'Oméga
    assert ids(service="ressourcerie") == ["s1", "s2"]
    assert ids(service="tiers_lieu") == ["s3", "s4"]
    assert ids(territory="200000001") == ["a1", "s1"]
    assert ids(territory="61", service="tiers_lieu") == ["s4"]
    assert ids(territory="qn01499x") == ["a1", "s1"]  # the corner of the perimeter is the town hall: covered
    assert ids(territory="72901") == ["s2"]
    west, south, east, north = read.territory(connection, "commune", "61901")["bbox"]
    assert ids(bbox=(west, south, east, north)) == ["s4"]
    with pytest.raises(UsageError, match="ouest,sud,est,nord"):
        ids(bbox=(1.0, 49.0, 0.0, 50.0))

    first = read.structures(connection, territory="14901", service="ressourcerie")[0]
    assert (first["services"], first["record_count"], first["is_border"]) == (["insertion", "ressourcerie"], 2, False)
    body = read.structures(connection, service="accompagnement")[0]
    assert (body["phases"], body["devices"], body["zone_code"]) == (["emergence", "creation"], ["DLA"], "200000001")
    assert read.structures(connection, service="tiers_lieu")[0]["lon"] is None


def test_sources_say_how_complete_they_are(connection: sa.Connection) -> None:
    found = {row["source_id"]: row for row in read.sources(connection)}
    directory = found["toy_directory"]
    assert (directory["row_count"], directory["expected_count"], directory["completeness_share"]) == (5, 6, 0.8333)
    assert (directory["rows_read"], directory["rows_kept"], directory["rows_rejected"]) == (9, 5, 1)
    assert found["toy_map"]["published_date"] == "2024-01-15"
    # Counted in communes of the region, as the catalogue says: the groups and the border don't count.
    assert (found["toy_map"]["row_count"], found["toy_map"]["completeness_share"]) == (4, 1.0)
    assert found["toy_census"]["completeness_share"] is None
    assert read.rejected(connection, "toy_directory") == [
        {
            "source_id": "toy_directory",
            "file_name": "annuaire.csv",
            "line": 7,
            "scope": "row",
            "reason": "sans nom",
            "content": ";;;",
        }
    ]
    assert [row["scope"] for row in read.rejected(connection)] == ["cell", "row"]
    assert read.rejected(connection, "toy_map") == []
    assert (read.rejected_count(connection), read.rejected_count(connection, "toy_map")) == (2, 0)


@pytest.mark.parametrize(
    ("published", "days"), [("2024-01-15", 17), ("2024-01", 31), ("2024", 31), (None, None), ("janvier 2024", None)]
)
def test_age(published: str | None, days: int | None) -> None:
    assert read.age_days(published, date(2024, 2, 1)) == days


def test_demand_supply_and_membership_frames(connection: sa.Connection) -> None:
    demand = read.demand_frame(connection)
    assert demand["population_count"].to_dict() == {
        "14901": 1000,
        "14902": 500,
        "61901": 300,
        "61902": 200,
        "72901": 400,
    }
    assert demand["density_level"].to_dict() == {"14901": 2, "14902": 5, "61901": 6, "61902": 7, "72901": 6}
    assert demand.loc["61902", ["x_m", "y_m"]].tolist() == [455_000, 6_865_000]
    assert demand["is_border"].to_dict() == {
        "14901": False,
        "14902": False,
        "61901": False,
        "61902": False,
        "72901": True,
    }

    supply = read.supply_frame(connection, "tiers_lieu")
    assert supply["is_active"].to_dict() == {"s3": True, "s4": False}
    assert supply["x_m"].isna().to_dict() == {"s3": True, "s4": False}
    assert supply.loc["s4", "density_level"] == 6
    assert read.supply_frame(connection, "accompagnement").loc["a1", "zone_code"] == "200000001"

    membership = read.membership_frame(connection)
    assert membership.loc["14902"].to_dict() == {
        "epci": "200000001", "departement": "14", "region": "28", "zone_emploi": "2899",
    }  # fmt: skip
    assert membership.index.tolist() == ["14901", "14902", "61901", "61902"]


def test_geometries_are_geojson_in_degrees(connection: sa.Connection) -> None:
    found = read.geometries(connection, "commune")
    assert list(found) == ["14901", "14902", "61901", "61902"]
    assert str(found["14901"]).startswith('{"type":"MultiPolygon"')
    assert read.geometries(connection, "commune", ["72901"]) == {"72901": None}


def _store_gap(connection: sa.Connection) -> None:
    connection.exec_driver_sql(
        "INSERT INTO observatory.run (run_hash, kind, is_default, parameters, inputs, source_ids) "
        "VALUES ('abc', 'gap', true, '{\"threshold_min\": 20}', '{}', '{toy_census}')"
    )
    connection.exec_driver_sql(
        "INSERT INTO observatory.gap_result (run_hash, level, code, name, population_count, served_count, "
        "reachable_full_count, out_of_reach_count, priority_score, typology, status, is_partial) VALUES "
        "('abc', 'commune', '14901', 'Alphaville', 1000, 800, 200, 0, 12.5, 'couvert', 'observed', false),"
        "('abc', 'commune', '14902', 'Bêta', 500, 0, 0, 500, 40, 'prioritaire', 'observed', false),"
        "('abc', 'commune', '61901', 'Gamma', 300, 0, 0, 300, NULL, 'indetermine', 'missing', false),"
        "('abc', 'epci', '200000001', 'CC', 1500, 800, 200, 500, 20, 'a_conforter', 'observed', false)"
    )


def test_gap_rows_by_territory_and_page(connection: sa.Connection) -> None:
    _store_gap(connection)

    def codes(level: str, **others: object) -> list[str]:
        return [row["code"] for row in read.gap_rows(connection, "abc", level, **others)]  # type: ignore[arg-type]

    assert codes("commune") == ["14902", "14901", "61901"]  # no score comes last
    assert codes("commune", territory="200000001") == ["14902", "14901"]
    assert codes("commune", territory="200000002") == ["61901"]
    assert codes("commune", territory="14901") == ["14901"]
    assert codes("epci", territory="14901") == ["200000001"]
    assert codes("commune", limit=1, offset=1) == ["14901"]
    assert read.gap_row_count(connection, "abc", "commune", territory="200000001") == 2
    assert codes("commune", territory="2899") == ["14902", "14901"]
    with pytest.raises(UnknownTerritoryError):
        codes("commune", territory="99999")
    row = read.gap_rows(connection, "abc", "epci")[0]
    assert list(row)[:4] == ["level", "code", "name", "population_count"]
    assert list(row) == list(COLUMNS)
    assert read.run(connection, "abc")["parameters"] == {"threshold_min": 20}
    with pytest.raises(NotComputedError, match="observatory compute"):
        read.run(connection, "def")
