"""Accompaniment by phase: who counts for a phase, in its zone, and what stays unknown rather than nil."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import sqlalchemy as sa

from observatory import pipeline
from observatory.declared.study_reading import read_study
from observatory.errors import UsageError
from observatory.runs.access.phases import phase_places
from observatory.runs.access.supply import demand_points, structure_zones, zones_of
from observatory.runs.loaded_inputs import Inputs, read_inputs
from observatory.store.read import directory_rows


def test_a_place_counts_for_the_phases_of_its_structure(connection: sa.Connection) -> None:
    structures = directory_rows.directory_structures(connection)
    zoned = set(directory_rows.directory_zones(connection)["structure_id"])
    for phase in ("emergence", "creation", "developpement"):
        places, warnings = phase_places(connection, phase)
        assert all(phase in structures.loc[name, "phases"] for name in places.index)
        assert set(places.index) <= zoned
        assert places["x_m"].notna().all()
        assert any(one.startswith("Phases inconnues") for one in warnings)


def test_nobody_known_is_unknown_and_not_nil(connection: sa.Connection) -> None:
    with pytest.raises(UsageError, match="inconnu, et non pas nul"):
        phase_places(connection, "essaimage")


def open_to(
    connection: sa.Connection, place: pd.DataFrame, demand: pd.DataFrame, inputs: Inputs
) -> npt.NDArray[np.bool_]:
    """Which demand points the zones of one place hold."""
    return zones_of(place.assign(zones=structure_zones(connection, place)), demand, inputs)[:, 0]


def test_a_place_is_open_in_any_of_the_zones_of_its_structure(connection: sa.Connection) -> None:
    inputs = read_inputs(connection)
    demand = demand_points(inputs)
    places, _ = phase_places(connection, "creation")
    name = places.index[0]
    before = open_to(connection, places.iloc[:1], demand, inputs)
    connection.execute(sa.text("DELETE FROM observatory.accompaniment_zone WHERE structure_id = :name"), {"name": name})
    row = "INSERT INTO observatory.accompaniment_zone VALUES (:name, :level, :code, 'essai', '2026-01')"
    for level, code in (("departement", "61"), ("commune", "14118")):
        connection.execute(sa.text(row), {"name": name, "level": level, "code": code})
    after = open_to(connection, places.iloc[:1], demand, inputs)
    communes = demand.index.get_level_values("level") == "commune"
    opened = set(demand.index.get_level_values("code")[communes & after])
    assert opened == {code for code in inputs.communes.index if code.startswith("61")} | {"14118"}
    assert before.sum() != after.sum()


def test_phase_is_a_service_of_its_own_that_adds_up(connection: sa.Connection) -> None:
    run = pipeline.gap_run(connection, defi="insertion", service="accompagnement:creation")
    query = "SELECT * FROM observatory.gap_result WHERE run_hash = :name AND level = 'region'"
    row = connection.execute(sa.text(query), {"name": run.run_hash}).mappings().one()
    parts = row["served_count"] + row["reachable_full_count"] + row["out_of_reach_count"]
    assert parts == row["population_count"]
    assert "création" in run.parameters["service_label"]
    for wrong in ("accompagnement:vente", "tiers_lieu:creation"):
        with pytest.raises(UsageError):
            read_study(None).service(wrong)
