"""Merges over the sources as they are loaded: nothing moves by itself, everything can be undone and decided."""

from __future__ import annotations

import pandas as pd
import pytest
import sqlalchemy as sa

from observatory.errors import UsageError
from observatory.store import read
from observatory.store.ingest import resolution

CLIPS = "asp_siae_2020:80950959900019-ACI"
CLIPS_OF_2018 = "ami_french_impact_2018:clips-ressourcerie"
DOZULE = "anct_france_services_2024:france-services-dozule-14229"
POINT_INFO = "anct_mednum_2022:point-info-14-14430"


def state(connection: sa.Connection) -> dict[str, pd.DataFrame]:
    """Return all that a resolution writes."""
    orders = {
        "structure": "structure_id",
        "structure_service": "structure_id, service",
        "structure_record": "source_id, record_id",
        "accompaniment": "structure_id",
        "accompaniment_zone": "structure_id, level, code",
        "accompaniment_place": "structure_id, rank",
    }
    return {
        name: pd.read_sql_query(sa.text(f"SELECT * FROM observatory.{name} ORDER BY {order}"), connection)
        for name, order in orders.items()
    }  # the reason shown for a service is the lead's, where several records give one


def assert_same(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> None:
    for name, frame in one.items():
        said = frame.columns.drop("reason", errors="ignore")
        pd.testing.assert_frame_equal(frame[said], other[name][said])


def services(connection: sa.Connection, structure_id: str) -> set[str]:
    text = sa.text("SELECT service FROM observatory.structure_service WHERE structure_id = :id")
    return set(connection.execute(text, {"id": structure_id}).scalars())


def structure_of(connection: sa.Connection, key: str) -> str:
    text = sa.text("SELECT structure_id FROM observatory.structure_record WHERE source_id || ':' || record_id = :key")
    return str(connection.execute(text, {"key": key}).scalar_one())


def test_resolving_again_moves_nothing(connection: sa.Connection) -> None:
    before = state(connection)
    settled = resolution.settle(connection)
    assert (settled.moved_count, settled.former_count) == (0, settled.structure_count)
    assert_same(state(connection), before)


@pytest.mark.parametrize("commune", ["14118", "76540", "14229"])
def test_resolving_near_what_changed_is_resolving_everything(connection: sa.Connection, commune: str) -> None:
    """Records of a commune lose their SIRET, and those of one source their names: many merges come and go."""
    change = sa.text(
        "UPDATE observatory.structure_record SET siret = NULL, "
        "name = CASE WHEN source_id = 'anct_mednum_2022' THEN 'Le même nom' ELSE name END WHERE commune_code = :code"
    )
    found = []
    for touched in (resolution.Touched(communes=frozenset({commune})), None):
        with connection.begin_nested() as point:
            connection.execute(change, {"code": commune})
            settled = resolution.settle(connection, touched)
            found.append((settled, state(connection)))
            point.rollback()
    (near, of_near), (whole, of_whole) = found
    assert near == whole
    assert_same(of_near, of_whole)


def test_every_record_is_known_apart(connection: sa.Connection) -> None:
    """But for those of the directory that users edit, which are its own business."""
    text = sa.text("SELECT DISTINCT source_id FROM observatory.structure_record WHERE place_quality IS NULL")
    assert set(connection.execute(text).scalars()) <= {"annuaire_accompagnement", "annuaire_saisie"}


def test_a_merge_is_undone_record_by_record_and_comes_back_when_the_decision_is_forgotten(
    connection: sa.Connection,
) -> None:
    before = state(connection)
    assert services(connection, CLIPS) == {"insertion", "ressourcerie"}
    resolution.split(connection, CLIPS_OF_2018, reason="essai")
    assert structure_of(connection, CLIPS_OF_2018) == CLIPS_OF_2018
    assert structure_of(connection, CLIPS) == CLIPS
    assert services(connection, CLIPS_OF_2018) == {"ressourcerie"}
    body = sa.text("SELECT structure_id FROM observatory.accompaniment WHERE structure_id IN (:one, :other)")
    assert connection.execute(body, {"one": CLIPS, "other": CLIPS_OF_2018}).scalars().all() == [CLIPS_OF_2018]
    place = sa.text("SELECT place_quality FROM observatory.structure WHERE structure_id = :id")
    assert connection.execute(place, {"id": CLIPS_OF_2018}).scalar_one() == "town_hall"
    assert resolution.settle(connection).moved_count == 0
    resolution.forget(connection, CLIPS, CLIPS_OF_2018)
    assert_same(state(connection), before)


def test_a_split_structure_takes_back_its_services(connection: sa.Connection) -> None:
    assert structure_of(connection, POINT_INFO) == DOZULE
    assert services(connection, DOZULE) == {"france_services", "mediation_numerique"}
    settled = resolution.split(connection, DOZULE, reason=None)
    assert settled.moved_count == 1
    assert services(connection, DOZULE) == {"france_services"}
    assert services(connection, POINT_INFO) == {"mediation_numerique"}


def test_two_records_are_joined_because_somebody_says_so(connection: sa.Connection) -> None:
    other = "anct_mednum_2022:40432236400013-MEDIATION_NUMERIQUE"
    bus = structure_of(connection, DOZULE)
    resolution.join(connection, bus, other, reason="essai")
    assert structure_of(connection, other) == structure_of(connection, DOZULE)
    members = read.merged(connection, of=other)
    assert {row["rule"] for row in members} == {"declared", "same_name_address"}
    resolution.forget(connection, bus, other)
    assert structure_of(connection, other) == other


def test_what_cannot_be_decided_is_said(connection: sa.Connection) -> None:
    alone = "anct_mednum_2022:40432236400013-MEDIATION_NUMERIQUE"
    with pytest.raises(UsageError, match="rien à séparer"):
        resolution.split(connection, alone, reason=None)
    with pytest.raises(UsageError, match="Aucune structure"):
        resolution.join(connection, alone, "x:y", reason=None)
    with pytest.raises(UsageError, match="avec elle-même"):
        resolution.join(connection, alone, alone, reason=None)
    with pytest.raises(UsageError, match="Rien n’est décidé"):
        resolution.forget(connection, alone, DOZULE)


def test_merged_structures_list_every_source_with_its_date_and_place(connection: sa.Connection) -> None:
    rows = read.merged(connection, of=CLIPS)
    told = [(row["source_id"], row["period"], row["place_quality"], row["rule"]) for row in rows]
    assert told == [
        ("asp_siae_2020", "2020-12", "address", "declared"),
        ("ami_french_impact_2018", "2018-10", "town_hall", "declared"),
    ]
    every = read.merged(connection)
    assert len([row for row in every if row["source_id"] != "annuaire_accompagnement"]) >= 94
    assert all(row["record_count"] > 1 for row in every)


def test_a_record_without_a_place_brings_in_all_that_bears_its_siret() -> None:
    """Its SIRET has one site or several: a change at one of them decides where it goes, and so on along the links."""
    records = pd.DataFrame(
        [
            ("a", "1", "14118", "S1", "a:1", "unique"),
            ("b", "2", None, "S1", "b:2", "unique"),  # no place: its SIRET leads to Caen and Vire
            ("c", "3", "14762", "S1", "c:3", "unique"),
            ("c", "4", "14762", None, "c:4", "unique"),  # in Vire
            ("d", "5", "76540", "S2", "d:5", "unique"),  # the same SIRET at two places says nothing by itself
            ("d", "6", "14762", "S2", "d:6", "unique"),
            ("e", "7", "61001", None, "e:7", "unique"),  # declared the same as one of Rouen
        ],
        columns=["source_id", "record_id", "commune_code", "siret", "former_id", "former_rule"],
    )
    touched = resolution.Touched(communes=frozenset({"14118"}))
    assert touched.near(records, []).tolist() == [True, True, True, True, False, True, False]
    rouen = resolution.Touched(keys=frozenset({"d:5"}))
    assert rouen.near(records, [("d:5", "e:7")]).tolist() == [False, False, False, False, True, False, True]
    assert not resolution.Touched().near(records, []).any()


def test_doubtful_pairs_are_those_that_nobody_judged(connection: sa.Connection) -> None:
    listed = resolution.doubtful(connection)
    assert listed["score"].is_monotonic_decreasing
    assert listed["score"].between(80, 97, inclusive="left").all()
    first = listed.iloc[0]
    resolution.join(connection, first["first"], first["second"], reason=None)
    assert len(resolution.doubtful(connection)) < len(listed)
