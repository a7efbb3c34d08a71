"""Series, objectives and comparisons of stored runs, on Normandy's own figures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from observatory.declared.study_reading import read_study
from observatory.errors import UsageError
from observatory.gap.progress import Objective
from observatory.publish.gap_rows import gap_report
from observatory.runs.gap.gap_difference import difference
from observatory.runs.gap.similar_territories import profiles, territories_alike
from observatory.runs.objective_progress import checked, followed
from observatory.runs.territory_series import territory_series
from observatory.settings import Settings
from observatory.store.objective_rows import remove_objectives, set_objective

VIRE = "200068799"
AIM = Objective("", VIRE, "insertion", "job_seekers_count", 3310.0, "2020-01", 2800.0, "2026-12", "Essai")


def test_an_objective_is_followed_by_the_published_series_and_removed(connection: sa.Connection) -> None:
    aim = checked(connection, read_study(), AIM)
    assert aim.level == "epci"
    assert set_objective(connection, aim)
    assert not set_objective(connection, aim)
    (found,) = followed(connection, level="epci", code=VIRE)
    series = next(one for one in territory_series(connection, "epci", VIRE) if one.indicator == aim.indicator)
    assert len(series.points) == 60
    assert found.progress.period == series.points[-1].period == "2024-12"
    assert found.progress.share == pytest.approx((series.points[-1].value - 3310.0) / (2800.0 - 3310.0))
    assert remove_objectives(connection, level="epci", code=VIRE) == 1


@pytest.mark.parametrize(
    "changes",
    [{"indicator": "inconnu"}, {"defi": "inconnu"}, {"code": "0"}, {"target_period": "2019"}, {"target_value": 3310.0}],
)
def test_an_objective_that_means_nothing_is_refused(connection: sa.Connection, changes: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        checked(connection, read_study(), Objective(**{**vars(AIM), **changes}))


@pytest.fixture
def computed(computed_engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection on the stored analyses; what the test writes is rolled back."""
    with computed_engine.connect() as connection:
        transaction = connection.begin()
        yield connection
        transaction.rollback()


def test_a_run_compared_with_itself_has_not_changed(computed: sa.Connection) -> None:
    run = gap_report(computed, defi="insertion", service="accompagnement", level="epci").run_hash
    found = difference(computed, run[:12], run, level="epci", territory=None)
    assert (found.changed_inputs, found.changed_choices, found.appeared, found.disappeared) == ([], [], [], [])
    assert len(found.rows) == 71
    assert {row["need_score_change"] for row in found.rows} == {0.0}
    known = [row for row in found.rows if row["need_score_data_effect"] is not None]
    assert len(known) > 60
    assert {(row["need_score_data_effect"], row["need_score_method_effect"]) for row in known} == {(0.0, 0.0)}
    with pytest.raises(UsageError, match="Aucun calcul"):
        difference(computed, "0" * 12, run, level="epci", territory=None)


def test_territories_alike_are_the_nearest_of_the_stored_profiles(computed: sa.Connection) -> None:
    """The distance is worked out again from the profiles: standard scores, mean square over what both know, root."""
    found = territories_alike(computed, "epci")
    profile = profiles(computed, "epci")
    scores = (profile - profile.mean()) / profile.std(ddof=0)
    scores = scores.loc[:, profile.std(ddof=0) > 0].reindex(columns=profile.columns, fill_value=0.0)
    apart = ((scores - scores.loc[VIRE]) ** 2).where(profile.notna()).loc[:, profile.loc[VIRE].notna()]
    expected = np.sqrt(apart.mean(axis="columns")).drop(VIRE).sort_values()
    assert len(found) == 71
    assert [one.distance for one in found[VIRE]] == pytest.approx(expected.iloc[:5].tolist(), abs=1e-3)
    assert [one.code for one in found[VIRE]] == expected.index[:5].tolist()
    assert territories_alike(computed, "commune") == {}


def test_series_and_objectives_are_served(computed_engine: sa.Engine, settings: Settings) -> None:
    with TestClient(create_app(settings)) as client:
        series = client.get(f"/api/territories/epci/{VIRE}/series").json()
        assert series["items"][0]["basis"] == "communes"
        assert {one["source_id"] for one in series["sources"]} >= {"insee_ze_unemployment", "france_travail_stmt"}
        assert client.get("/api/territories/epci/0/series").status_code == 404
        assert client.get("/api/objectives").json() == {"items": [], "total": 0}
        assert "Aucun territoire n’a encore déclaré d’objectif" in client.get("/objectifs").text
        assert "Dans le temps" in client.get(f"/territoires/epci/{VIRE}").text
