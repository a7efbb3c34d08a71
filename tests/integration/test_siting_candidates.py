"""Where a pole may open: each filter on Normandy, against facts that anyone may check, and places that are entered."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from observatory.declared.siting_options import CandidateFilters
from observatory.declared.siting_study import SitingStudy
from observatory.declared.study_reading import read_study
from observatory.errors import UsageError
from observatory.runs.loaded_inputs import Inputs, read_inputs
from observatory.runs.siting.candidates import candidate_places, check_place, communes_of, no_candidate
from observatory.store.tables import TerritoryEntry

CAUX_SEINE, VIRE = "200010700", "200068799"
LILLEBONNE, VIRE_NORMANDIE, CONDE = "76384", "14762", "14174"


@pytest.fixture(scope="module")
def inputs(engine: sa.Engine) -> Inputs:
    with engine.connect() as connection:
        return read_inputs(connection)


def asked(
    connection: sa.Connection, inputs: Inputs, territory: str, **changes: Any
) -> tuple[SitingStudy, pd.DataFrame]:
    question = SitingStudy(
        id="essai",
        title="Essai",
        territory=territory,
        services=("ressourcerie",),
        defis={"dechets": 1.0},
        poles=1,
        objective="mclp",
        threshold_min=20.0,
        **changes,
    )
    check_place(connection, question)
    own = inputs.communes.loc[communes_of(connection, territory)]
    units = own[["name", "x_m", "y_m"]].assign(
        code=own.index, commune_code=own.index, unit_level="commune", is_counted=True
    )
    units["density"] = inputs.density.reindex(own.index)
    return question, units.reset_index(drop=True)


def places(connection: sa.Connection, inputs: Inputs, territory: str, **changes: Any) -> pd.DataFrame:
    question, units = asked(connection, inputs, territory, **changes)
    return candidate_places(connection, question, read_study(), units=units, inputs=inputs)


def test_the_only_quarter_of_caux_seine_is_at_lillebonne(connection: sa.Connection, inputs: Inputs) -> None:
    found = places(connection, inputs, CAUX_SEINE, filters=CandidateFilters(is_qpv=True))
    assert found["code"].tolist() == [LILLEBONNE]


def test_rural_and_peopled_communes_of_vire(connection: sa.Connection, inputs: Inputs) -> None:
    every = places(connection, inputs, VIRE)
    assert len(every) == 17
    # More than 5,000 inhabitants: Vire, Condé-en-Normandie, and two communes nouvelles, Souleuvre and Valdallière.
    large = places(connection, inputs, VIRE, filters=CandidateFilters(min_population_count=5000))
    assert set(large["code"]) == {VIRE_NORMANDIE, CONDE, "14061", "14726"}
    # All of the Intercom is classed FRR (list of 10 July 2025), Vire Normandie included.
    assert len(places(connection, inputs, VIRE, filters=CandidateFilters(is_rural=True))) == 17
    # Caen is neither rural in the density grid nor FRR.
    assert len(places(connection, inputs, "14118", filters=CandidateFilters(is_rural=True))) == 0


def test_stations_are_those_of_the_permanent_base_of_facilities(connection: sa.Connection, inputs: Inputs) -> None:
    near = places(connection, inputs, VIRE, filters=CandidateFilters(station_max_min=10.0))
    far = places(connection, inputs, VIRE, filters=CandidateFilters(station_max_min=120.0))
    assert VIRE_NORMANDIE in set(near["code"])
    assert set(near["code"]) < set(far["code"])
    assert len(far) == 17


def test_a_polygon_keeps_what_it_holds(connection: sa.Connection, inputs: Inputs) -> None:
    # Around the town hall of Vire, 48.838 N, 0.889 W.
    ring = [[-0.95, 48.8], [-0.8, 48.8], [-0.8, 48.87], [-0.95, 48.87], [-0.95, 48.8]]
    square = {"type": "Polygon", "coordinates": [ring]}
    found = places(connection, inputs, VIRE, filters=CandidateFilters(polygon=square))
    assert found["code"].tolist() == [VIRE_NORMANDIE]
    bow_tie = {"type": "Polygon", "coordinates": [[ring[0], ring[2], ring[1], ring[3], ring[0]]]}
    with pytest.raises(UsageError, match="recoupe"):
        places(connection, inputs, VIRE, filters=CandidateFilters(polygon=bow_tie))
    with pytest.raises(UsageError, match="lisible"):
        places(connection, inputs, VIRE, filters=CandidateFilters(polygon={"type": "Polygon", "coordinates": "x"}))


def test_places_entered_by_the_territory_are_candidates(connection: sa.Connection, inputs: Inputs) -> None:
    point = sa.func.ST_SetSRID(sa.func.ST_MakePoint(430_000.0, 6_870_000.0), 2154)
    connection.execute(
        sa.insert(TerritoryEntry).values(
            territory_code=VIRE, layer="friches", code="F1", name="Ancienne laiterie", commune_code=VIRE_NORMANDIE,
            place_quality="address", outside_m=0.0, attributes={}, origin="Essai", stated_date="2026-01-01",
            file_name="friches.csv", geom=point,
        )
    )  # fmt: skip
    found = places(connection, inputs, VIRE, layers=("friches",))
    assert found[["code", "name", "x_m", "y_m"]].to_numpy().tolist() == [
        ["friches:F1", "Ancienne laiterie", 430_000.0, 6_870_000.0]
    ]
    assert "Essai" in found["note"].iloc[0]
    both = places(connection, inputs, VIRE, layers=("friches",), candidates=("friches:F1", VIRE_NORMANDIE))
    assert set(both["code"]) == {"friches:F1", VIRE_NORMANDIE}
    with pytest.raises(UsageError, match="inconnus"):
        places(connection, inputs, VIRE, candidates=("friches:F2",))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"filters": CandidateFilters(is_qpv=True)}, "quartier prioritaire"),
        ({"filters": CandidateFilters(min_population_count=50_000)}, "50\u202f000 habitants"),
        ({"filters": CandidateFilters(station_max_min=1.0, is_rural=True)}, "à 1 minute au plus d’une commune à gare"),
        ({"layers": ("friches",)}, "aucune friche"),
        ({"layers": ("candidats", "friches")}, "aucun site candidat ni aucune friche"),
        ({"candidates": ()}, "vide"),
    ],
)
def test_the_condition_that_leaves_no_place_is_named(
    connection: sa.Connection, inputs: Inputs, changes: dict[str, Any], named: str
) -> None:
    question, units = asked(connection, inputs, VIRE, **changes)
    assert named in no_candidate(connection, question, read_study(), units=units, inputs=inputs)


def test_conditions_that_no_place_meets_together_are_named(connection: sa.Connection, inputs: Inputs) -> None:
    # Some communes of Caux Seine are rural, Lillebonne alone has a quarter: none is both.
    question, units = asked(connection, inputs, CAUX_SEINE, filters=CandidateFilters(is_qpv=True, is_rural=True))
    told = no_candidate(connection, question, read_study(), units=units, inputs=inputs)
    assert "à la fois dans une commune à quartier prioritaire et dans une commune rurale" in told


def test_a_region_is_too_large(connection: sa.Connection, inputs: Inputs) -> None:
    with pytest.raises(UsageError, match="intercommunalité"):
        places(connection, inputs, "28")
