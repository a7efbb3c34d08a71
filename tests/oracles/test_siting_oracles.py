"""Siting against published answers: San Francisco (spopt), OR-Library's optima, Brighton's k best (lokigi)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orlib
import pandas as pd
import pytest

from observatory.siting import k_best_p_median, lscp, mclp, p_center, p_median

BENCHMARKS = Path(__file__).parents[3] / "shared" / "benchmarks"
needs_sf = pytest.mark.skipif(not (BENCHMARKS / "sf").is_dir(), reason="../shared/benchmarks/sf is absent")
needs_orlib = pytest.mark.skipif(not orlib.FOLDER.is_dir(), reason="../shared/benchmarks/orlib is absent")
needs_brighton = pytest.mark.skipif(
    not (BENCHMARKS / "brighton").is_dir(), reason="../shared/benchmarks/brighton is absent"
)

SERVICE_M = 5000.0
QUICK = (1, 2, 6, 10, 15, 20, 25, 34)


@pytest.fixture(scope="module")
def san_francisco() -> tuple[np.ndarray, np.ndarray]:
    """Network distances in metres, 205 tracts × 16 stores, and the inhabitants of each tract."""
    pairs = pd.read_csv(BENCHMARKS / "sf" / "SF_network_distance_candidateStore_16_censusTract_205_new.csv")
    cost = pairs.pivot_table(values="distance", index="DestinationName", columns="name")
    people = pairs.drop_duplicates("DestinationName").set_index("DestinationName")["demand"]
    return cost.to_numpy(), people.reindex(cost.index).to_numpy(float)


@needs_sf
def test_san_francisco_lscp(san_francisco: tuple[np.ndarray, np.ndarray]) -> None:
    cost, _ = san_francisco
    assert cost.shape == (205, 16)
    solution = lscp(cost <= SERVICE_M)
    assert (solution.objective, solution.bound, solution.status) == (8.0, 8.0, "optimal")


@needs_sf
def test_san_francisco_mclp(san_francisco: tuple[np.ndarray, np.ndarray]) -> None:
    cost, people = san_francisco
    solution = mclp(cost <= SERVICE_M, people, 4)
    assert (solution.objective, solution.bound, solution.status) == (875_247.0, 875_247.0, "optimal")


@needs_sf
def test_san_francisco_p_median(san_francisco: tuple[np.ndarray, np.ndarray]) -> None:
    cost, people = san_francisco
    solution = p_median(cost, people, 4)
    assert solution.objective == pytest.approx(2_848_268_129.71, abs=0.01)
    assert solution.status == "optimal"


@needs_sf
def test_san_francisco_p_center(san_francisco: tuple[np.ndarray, np.ndarray]) -> None:
    cost, _ = san_francisco
    solution = p_center(cost, 4)
    assert solution.objective == pytest.approx(7403.0638, abs=1e-4)
    assert (solution.bound, solution.status) == (solution.objective, "optimal")


def prove(number: int) -> None:
    """Solve an instance, and check the proof against the published optimum, however slow the machine is."""
    cost, p = orlib.instance(number)
    solution = p_median(cost, np.ones(len(cost)), p, time_limit_s=600)
    assert (solution.objective, solution.bound, solution.status) == (*[orlib.optima()[number]] * 2, "optimal")


@needs_orlib
@pytest.mark.parametrize("number", QUICK)
def test_or_library_optimum_is_proved(number: int) -> None:
    prove(number)


@needs_orlib
@pytest.mark.slow
def test_the_other_optima_of_or_library_are_proved() -> None:
    for number in sorted(set(range(1, 41)) - set(QUICK)):
        prove(number)


@needs_brighton
@pytest.mark.parametrize(("p", "minutes"), [(1, (9.74, 9.75)), (3, (5.37, 5.38)), (5, (4.96, 4.99)), (6, (4.87,))])
def test_brighton_k_best(p: int, minutes: tuple[float, ...]) -> None:
    seconds = pd.read_csv(BENCHMARKS / "brighton" / "brighton_travel_matrix_driving.csv").set_index("LSOA")
    people = pd.read_csv(BENCHMARKS / "brighton" / "brighton_demand.csv").set_index("LSOA")["demand"]
    people = people.reindex(seconds.index).to_numpy(float)
    found = k_best_p_median(seconds.to_numpy() / 60, people, p, 2)
    assert [round(solution.objective / people.sum(), 2) for solution in found] == list(minutes)
    assert all(solution.status == "optimal" for solution in found)
