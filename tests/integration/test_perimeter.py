"""A commune moves from an EPCI to another between two analyses: the score's change is that of the perimeter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import toy_territory
from test_pipeline import TOY_STUDY

from observatory import pipeline
from observatory.runs.gap.gap_difference import NOT_APART, Difference, difference
from observatory.store.kept_membership import KEY
from observatory.store.statements import sql
from observatory.store.tables import IndicatorValue, Membership, Run, Source

ALPHA, GAMMA = "200000001", "200000002"
SCORE = ("change", "data_effect", "method_effect", "perimeter_effect", "rounding_effect", "perimeter_note")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "toy.toml"
    path.write_text(TOY_STUDY, encoding="utf-8")
    return path


def loaded_as(connection: sa.Connection, checksum: str) -> None:
    """Say that the map was loaded from another file."""
    connection.execute(sa.update(Source).where(Source.source_id == "toy_map").values(checksum=checksum))


def move_beta_to_gamma(connection: sa.Connection) -> None:
    """Load memberships as a file of BANATIC is, with 14902 in EPCI 200000002."""
    loaded_as(connection, "moved")
    connection.exec_driver_sql(
        "CREATE TEMP TABLE stage_memberships (commune_code text, epci_code text, epci_name text, vintage text, "
        "source_id text, is_partial boolean) ON COMMIT DROP"
    )
    names = {ALPHA: "CC d'Alpha et Bêta", GAMMA: "CA Gamma Agglo"}
    for code, epci in (toy_territory.EPCI | {"14902": GAMMA}).items():
        connection.exec_driver_sql(
            "INSERT INTO stage_memberships VALUES (%s, %s, %s, '2025', 'toy_map', false)", (code, epci, names[epci])
        )
    connection.exec_driver_sql(sql("041_replace_memberships"))


def unemployment(connection: sa.Connection, code: str, value: float) -> None:
    connection.execute(
        sa.update(IndicatorValue)
        .where(
            IndicatorValue.code == code,
            IndicatorValue.indicator == "unemployed_15_64_share",
            IndicatorValue.period == "2021",
        )
        .values(value=value)
    )


def analysis(connection: sa.Connection, study: Path) -> str:
    return pipeline.gap_run(connection, defi="insertion", service="ressourcerie", study_path=study).run_hash


def compared(connection: sa.Connection, runs: tuple[str, str], study: Path | None, level: str = "epci") -> Difference:
    return difference(connection, *runs, level=level, territory=None, study_path=study)


def parts(found: Difference) -> dict[str, list[Any]]:
    return {row["code"]: [row[f"need_score_{name}"] for name in SCORE] for row in found.rows}


def test_the_same_figures_summed_otherwise_by_hand(toy_connection: sa.Connection, study: Path) -> None:
    """Unemployed of active: 40/400, 10/200, 20/100, unknown; a score of 100 is 20 %.

    Alpha: 50/600 = 8.3 % → 41.5, then 40/400 = 10 % → 50. Gamma: 20/100 → 100, then 30/300 → 50.
    """
    before = analysis(toy_connection, study)
    move_beta_to_gamma(toy_connection)
    after = analysis(toy_connection, study)
    found = compared(toy_connection, (before, after), study)
    assert parts(found) == {
        ALPHA: [8.5, 0.0, 0.0, 8.5, 0.0, None],
        GAMMA: [-50.0, 0.0, 0.0, -50.0, 0.0, None],
    }
    assert sorted(found.changed_members or []) == [f"CA Gamma Agglo ({GAMMA})", f"CC d'Alpha et Bêta ({ALPHA})"]
    assert found.changed_inputs == ["toy_map"]
    # The other way round, the figures loaded are those of the first.
    back = parts(compared(toy_connection, (after, before), study))
    assert back == {ALPHA: [-8.5, 0.0, 0.0, -8.5, 0.0, None], GAMMA: [50.0, 0.0, 0.0, 50.0, 0.0, None]}
    # Neither département has other communes than before; a commune has none.
    assert parts(compared(toy_connection, (before, after), study, "departement")) == {
        code: [0.0, 0.0, 0.0, 0.0, 0.0, None] for code in ("14", "61")
    }
    communes = parts(compared(toy_connection, (before, after), study, "commune"))
    assert communes["14902"] == [0.0, 0.0, 0.0, None, 0.0, None]


def test_figures_and_members_that_change_together_by_hand(toy_connection: sa.Connection, study: Path) -> None:
    """Gamma's own commune goes from 20 to 14 %: the EPCI would be at 70; with Bêta, 24 of 300 are 8 % → 40."""
    before = analysis(toy_connection, study)
    move_beta_to_gamma(toy_connection)
    unemployment(toy_connection, "61901", 14.0)
    after = analysis(toy_connection, study)
    found = parts(compared(toy_connection, (before, after), study))
    assert found[GAMMA] == [-60.0, -30.0, 0.0, -30.0, 0.0, None]
    assert found[ALPHA] == [8.5, 0.0, 0.0, 8.5, 0.0, None]
    # Another study than that of the analyses, then other figures than those loaded: nothing can be worked out again.
    not_apart = [-60.0, -60.0, 0.0, None, 0.0, NOT_APART]
    assert parts(compared(toy_connection, (before, after), None))[GAMMA] == not_apart
    loaded_as(toy_connection, "again")
    assert parts(compared(toy_connection, (before, after), study))[GAMMA] == not_apart


def test_members_are_kept_once_and_change_no_name(toy_connection: sa.Connection, study: Path) -> None:
    before = analysis(toy_connection, study)
    assert analysis(toy_connection, study) == before
    loaded_as(toy_connection, "the same members")
    after = analysis(toy_connection, study)
    assert after != before
    needs = toy_connection.execute(sa.select(Run.parameters).where(Run.kind == "need")).scalars().all()
    (digest,) = {one[KEY] for one in needs}
    kept = toy_connection.execute(sa.select(Membership.members).where(Membership.digest == digest)).scalar_one()
    assert kept["epci"] == toy_territory.EPCI
    assert compared(toy_connection, (before, after), study).changed_members == []
    # A need made before members were kept: nobody knows whether they changed.
    toy_connection.execute(sa.update(Run).where(Run.kind == "need").values(parameters=Run.parameters.op("-")(KEY)))
    found = compared(toy_connection, (before, after), study)
    assert found.changed_members is None
    assert {one[-1] for one in parts(found).values()} == {NOT_APART}
