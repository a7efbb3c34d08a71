"""The formats of a gap analysis: same columns, same figures, sums that add up."""

import csv
import io
import json

import pytest

from api.schemas import ON_DEMAND, GapRow
from observatory.declared.services import offer
from observatory.declared.study_reading import read_study
from observatory.errors import UsageError
from observatory.gap.columns import COLUMNS
from observatory.publish import border_rows, gap_explanation, gap_rows
from observatory.publish.gap_report import GapReport
from observatory.store.tables import GapResult

SQUARE = '{"type":"Polygon","coordinates":[[[0,49],[1,49],[1,50],[0,49]]]}'


def row(code, name, counts, priority, *, note=None, is_partial=False):
    population, served, full, out = counts
    return {
        "level": "epci",
        "code": code,
        "name": name,
        "population_count": population,
        "need_score": 41.5,
        "need_volume_count": 120,
        "access_score": 25.0,
        "nearest_min": 18.2,
        "served_count": served,
        "reachable_full_count": full,
        "out_of_reach_count": out,
        "in_need_out_of_reach_count": 30,
        "priority_score": priority,
        "typology": "a_surveiller",
        "status": "observed",
        "is_partial": is_partial,
        "note": note,
        "flips": ["poids égaux", "indicateur « Chômage » retiré"],
        "internal": "jamais publié",
    }


@pytest.fixture
def report():
    rows = [
        row("200000001", "Alpha, l'Œuvre", (1500, 375, 125, 1000), 31.1),
        row("200000002", 'Dit "Bêta"', (500, 100, 400, 0), 31.1, note="Partie normande seulement.", is_partial=True),
        row("200000003", "Inconnu", (None, None, None, None), None),
    ]
    source = {"source_id": "insee", "title": "RP", "producer": "INSEE", "vintage": "2022", "licence": "LO 2.0"}
    return GapReport(rows=rows, parameters={"threshold_min": 20.0}, sources=[source], run_hash="abc")


def test_csv_has_the_contracts_columns_in_order_and_reads_back(report):
    text = gap_rows.to_csv(report)
    assert text.splitlines()[0] == (
        "level,code,name,population_count,need_score,need_volume_count,access_score,nearest_min,served_count,"
        "reachable_full_count,out_of_reach_count,in_need_out_of_reach_count,priority_score,typology,status,"
        "is_partial,note,rank_low,rank_median,rank_high,verdict_share,verdict,score_low,score_high,flips,near_threshold_count"
    )
    found = list(csv.DictReader(io.StringIO(text)))
    assert [line["name"] for line in found] == ["Alpha, l'Œuvre", 'Dit "Bêta"', "Inconnu"]
    assert found[0]["population_count"] == "1500"
    assert found[0]["need_score"] == "41.5"
    assert found[0]["flips"] == "poids égaux ; indicateur « Chômage » retiré"
    assert found[1]["is_partial"] == "true"
    assert found[2]["population_count"] == ""


def test_json_wraps_the_rows_with_what_explains_them(report):
    document = json.loads(gap_rows.to_json(report))
    assert list(document) == ["items", "total", "parameters", "sources", "warnings", "run"]
    assert (document["total"], document["run"], document["parameters"]) == (3, "abc", {"threshold_min": 20.0})
    assert list(document["items"][0]) == list(gap_rows.COLUMNS)
    assert document["items"][2]["population_count"] is None


def test_geojson_has_the_same_rows_as_properties(report):
    document = json.loads(gap_rows.to_geojson(report, {"200000001": SQUARE, "200000002": None}))
    assert document["type"] == "FeatureCollection"
    assert [feature["properties"] for feature in document["features"]] == json.loads(gap_rows.to_json(report))["items"]
    assert document["features"][0]["geometry"] == json.loads(SQUARE)
    assert document["features"][1]["geometry"] is None
    assert (document["total"], document["run"]) == (3, "abc")


def test_totals_sum_what_is_known(report):
    sums = gap_rows.totals(report.rows)
    assert sums["population_count"] == 2000 == 475 + 525 + 1000
    assert (sums["served_count"], sums["reachable_full_count"], sums["out_of_reach_count"]) == (475, 525, 1000)
    assert gap_rows.totals(report.rows[2:])["population_count"] is None


def test_the_largest_gaps_come_first_and_ties_go_by_persons(report):
    report.rows[1]["in_need_out_of_reach_count"] = 31
    assert [found["code"] for found in gap_rows.largest(report, count=5).rows] == ["200000002", "200000001"]
    assert [found["code"] for found in gap_rows.largest(report, count=1).rows] == ["200000002"]


def test_an_unknown_level_names_the_known_ones():
    with pytest.raises(UsageError, match=r"« canton » n’existe pas : choisissez parmi commune, epci"):
        gap_rows.require_level("canton")


@pytest.mark.parametrize(
    ("volume", "far", "status", "secret"),
    [
        (None, None, "suppressed", (True, True)),  # few concerned
        (None, 0, "suppressed", (True, False)),  # nobody out of reach: that zero says nothing
        (120, None, "observed", (False, True)),  # many concerned, few of them out of reach
        (120, 30, "estimated", (False, False)),
        (None, None, "missing", (False, False)),  # nobody knows
    ],
)
def test_what_secrecy_empties_is_told_from_what_nobody_knows(volume, far, status, secret):
    one = row("1", "Un", (500, 100, 100, 300), 20.0)
    one |= {"need_volume_count": volume, "in_need_out_of_reach_count": far, "status": status}
    assert (gap_rows.is_secret(one, gap_rows.CONCERNED), gap_rows.is_secret(one, gap_rows.CONCERNED_FAR)) == secret
    sums = gap_rows.totals([one])
    assert (sums["secret_count"], sums["secret_far_count"]) == tuple(map(int, secret))
    closed = {**one, "in_need_out_of_reach_count": None, "open_border_typology": "couvert"}
    assert gap_rows.is_secret(closed, gap_rows.CONCERNED_FAR) == (status == "suppressed")
    assert not gap_rows.is_secret({**one, "nearest_min": None}, "nearest_min")


def test_what_is_stored_and_described_is_what_is_declared():
    assert [column.name for column in GapResult.__table__.columns] == ["run_hash", *COLUMNS]
    assert list(GapRow.model_fields) == [*COLUMNS, *(name for name, *_ in ON_DEMAND)]
    assert {border_rows.ADDED, gap_explanation.ADDED} == {
        tuple(name for name, *_ in ON_DEMAND[:2]),
        tuple(name for name, *_ in ON_DEMAND[2:]),
    }


def test_services_are_shown_as_they_declare():
    declared = offer()
    assert declared.service_colours["ressourcerie"] == "#008837"
    assert len(set(declared.service_colours.values())) == len(declared.service_labels)
    shown = {*declared.shown.on_page_map, *declared.shown.on_file_map}
    assert shown | set(declared.pairs.values()) <= set(declared.service_labels)
    assert set(declared.pairs) == set(read_study().needs)
    assert declared.shown.defi in declared.pairs
    assert declared.mapped_pairs[0] == ("insertion", "accompagnement")
    assert len(declared.explained_pairs) == 2 * len(declared.pairs)
