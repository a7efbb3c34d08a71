"""The catchment cut into tiles equals the one worked out at once, here and on a Dask cluster that loses a worker."""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from observatory import cli
from observatory.access import apl_steps, cumulative, e2sfca, nearest
from observatory.access.partition import Territory, Work, asked_of, tiles
from observatory.access.travel import Places, fallback
from observatory.declared.travel import travel
from observatory.errors import UsageError
from observatory.runs.access.tile_runner import WorkersError, catchment, dask_client, here, on

CONSTANTS = travel().constants
STEPS = apl_steps(20.0)


def territory(seed: int, n_demand: int = 300, n_supply: int = 200, *, zoned: bool = False) -> Territory:
    """Points on both banks of the Seine below Rouen, where crossings count."""
    rng = np.random.default_rng(seed)
    corner, size = np.array([500_000.0, 6_910_000.0]), np.array([90_000.0, 60_000.0])
    demand, supply = corner + rng.random((n_demand, 2)) * size, corner + rng.random((n_supply, 2)) * size
    return Territory(
        Places.at(demand, rng.integers(0, 8, n_demand)),
        rng.integers(0, 2000, n_demand).astype(float),
        Places.at(supply, rng.integers(0, 8, n_supply)),
        rng.integers(1, 5, n_supply).astype(float),
        rng.random((n_demand, n_supply)) < 0.5 if zoned else None,
    )


def at_once(case: Territory) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same figures from the whole list of pairs."""
    cost = fallback(case.demand_places, case.supply_places, constants=CONSTANTS, max_min=20.0)
    if case.allowed is not None:
        cost = cost.select(case.allowed[cost.origin_idx, cost.destination_idx])
    pairs = cost.origin_idx, cost.destination_idx, cost.duration_min
    size = case.demand.size
    within = cumulative(*pairs, np.ones(case.supply.size), thresholds=[20.0], n_origins=size)[:, 0]
    return e2sfca(*pairs, case.demand, case.supply, weights=STEPS), nearest(*pairs, size)[0], within


def assert_same(case: Territory, **how: object) -> None:
    found = catchment(case, constants=CONSTANTS, steps=STEPS, **how)
    index, minutes, within = at_once(case)
    assert index.max() > 0
    np.testing.assert_allclose(found.index, index, rtol=1e-9, atol=1e-15)
    np.testing.assert_array_equal(found.nearest_min, minutes)
    np.testing.assert_array_equal(found.within, within)


@pytest.mark.parametrize(("seed", "tile_points", "zoned"), [(3, 400, False), (4, 60, True), (5, 13, False)])
def test_tiles_change_nothing(seed: int, tile_points: int, zoned: bool) -> None:
    assert_same(territory(seed, zoned=zoned), tile_points=tile_points)


def test_every_point_is_in_one_tile_and_its_halo_holds_what_is_near() -> None:
    case = territory(1)
    cut = list(tiles(case.supply_places, case.demand_places, radius_m=10_000.0, tile_points=17))
    assert max(tile.inner.size for tile in cut) <= 17
    np.testing.assert_array_equal(np.sort(np.concatenate([tile.inner for tile in cut])), np.arange(200))
    for tile in cut:
        apart = np.linalg.norm(case.supply_places.xy_m[tile.inner][:, None] - case.demand_places.xy_m[None], axis=-1)
        assert set(np.flatnonzero((apart <= 10_000.0).any(axis=0))) <= set(tile.halo)
        assert tile.halo.size < 300


def test_no_point_no_tile() -> None:
    empty = Territory(Places.at(np.zeros((0, 2))), np.zeros(0), Places.at(np.zeros((0, 2))), np.zeros(0))
    assert catchment(empty, constants=CONSTANTS, steps=STEPS, run=here).index.size == 0


class Slowed:
    """The first step, slow enough for a worker to be killed with a tile in hand, and with a word left by each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, work: Work) -> np.ndarray:
        (self.folder / f"{os.getpid()}-{time.monotonic_ns()}").touch()
        time.sleep(0.3)
        return asked_of(work)


def test_same_result_on_two_workers_and_when_one_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = territory(2)
    with dask_client(None, workers=2) as client:
        assert_same(case, run=on(client), tile_points=100)

        victim = next(iter(client.run(os.getpid).values()))
        run, slowed = on(client), Slowed(tmp_path)

        def run_and_kill(function: object, work: list[Work]) -> list:
            if function is not asked_of:
                return run(function, work)
            futures = [client.submit(slowed, piece, pure=False, retries=5) for piece in work]
            until = time.monotonic() + 30
            while not list(tmp_path.glob(f"{victim}-*")) and time.monotonic() < until:
                time.sleep(0.01)
            os.kill(victim, signal.SIGKILL)
            return [future.result() for future in futures]

        assert_same(case, run=run_and_kill, tile_points=50)
        started = list(tmp_path.glob("*"))
        assert any(path.name.startswith(f"{victim}-") for path in started)
        # 200 sites in tiles of 50: 4 tiles, and at least one of them was begun again.
        assert len(started) > 4


def test_a_scheduler_that_does_not_answer_is_told_in_french(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("observatory.runs.access.tile_runner.CONNECT_S", 0.5)
    with pytest.raises(WorkersError, match="Aucun ordonnanceur Dask ne répond"), dask_client("tcp://127.0.0.1:1"):
        pass
    with pytest.raises(UsageError, match="n’est pas l’adresse"), dask_client("n’importe quoi"):
        pass


@pytest.mark.parametrize("library", ["dask", "distributed"])
def test_without_dask_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UsageError, match=r"pip install '\.\[cluster\]'"), dask_client(None, workers=1):
        pass


def test_files_without_a_point_are_answered_without_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people, sites, nobody, nothing = (tmp_path / name for name in ("p.csv", "s.csv", "p0.csv", "s0.csv"))
    nobody.write_text("id,lon,lat,population_count\n", encoding="utf-8")
    nothing.write_text("id,lon,lat,supply\n", encoding="utf-8")
    people.write_text(nobody.read_text(encoding="utf-8") + "014,-0.37,49.18,100\n", encoding="utf-8")
    sites.write_text(nothing.read_text(encoding="utf-8") + "x,-0.37,49.18,5\n", encoding="utf-8")
    answers = []
    for demand, supply in ((people, sites), (people, nothing), (nobody, sites), (nobody, nothing)):
        assert cli.run(["access", "--demand", str(demand), "--supply", str(supply)]) == 0
        answers.append(capsys.readouterr().out.splitlines()[1:])
    # 5 units for 100 persons two minutes away, the fixed time of any trip.
    assert answers == [["014,0.05,2.0,1"], ["014,0.0,,0"], [], []]


def test_a_limit_is_the_last_length_driven_in_time() -> None:
    """To the last bit: a place at the very limit is reached, one at the next number is not."""
    minutes = np.array([1.0, 2.0, 9.5, 20.0, 90.0])
    limits = CONSTANTS.limits_m(minutes)
    assert (limits[:, 0] == -1).all()  # under the shortest drive
    urban_ends = np.arange(3, dtype=np.int8)
    for k in range(1, 5):
        at, after = limits[:, k], np.nextafter(limits[:, k], np.inf)
        assert (CONSTANTS.minutes(at, urban_ends) <= minutes[k]).all()
        assert (CONSTANTS.minutes(after, urban_ends) > minutes[k]).all()
        assert (np.diff(at) < 0).all()  # an urban end shortens it
        assert (at <= CONSTANTS.radius_m(float(minutes[k]))).all()
