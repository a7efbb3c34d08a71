"""The streaming and FFT kernels give what the pair list gives, on any points, with any number of threads."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observatory.access import catchment, e2sfca, gaussian, od_within, stream
from observatory.access.grid import e2sfca_fft, snap
from observatory.access.stream import e2sfca_within, sum_within
from observatory.access.threads import in_blocks
from observatory.errors import UsageError

STEPS = [(1000.0, 1.0), (1500.0, 0.3), (2000.0, 0.1)]


def territory(seed: int, *, n_demand: int = 400, n_supply: int = 60, side_m: float = 12_000) -> tuple:
    rng = np.random.default_rng(seed)
    origins, destinations = rng.random((n_demand, 2)) * side_m - 3000, rng.random((n_supply, 2)) * side_m - 3000
    return (
        origins,
        destinations,
        rng.integers(0, 500, n_demand).astype(float),
        rng.integers(0, 5, n_supply).astype(float),
    )


def by_pairs(origins: np.ndarray, destinations: np.ndarray, demand: np.ndarray, supply: np.ndarray) -> np.ndarray:
    return e2sfca(*od_within(origins, destinations, radius_m=STEPS[-1][0]), demand, supply, weights=STEPS)


@pytest.fixture(params=["numpy", "compiled"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of streaming: a small territory's, and a country's, that these small cases would not take."""
    monkeypatch.setattr(stream, "_SMALL_EFFORT", -1 if request.param == "compiled" else 10**15)
    return request.param


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.usefixtures("way")
def test_streaming_equals_the_pair_list(seed: int, threads: int) -> None:
    case = territory(seed)
    np.testing.assert_allclose(e2sfca_within(*case, weights=STEPS, threads=threads), by_pairs(*case), rtol=1e-12)


@pytest.mark.usefixtures("way")
def test_more_neighbours_than_a_block_holds() -> None:
    rng = np.random.default_rng(3)
    origins, destinations = rng.normal(0, 300, (90_000, 2)), rng.normal(0, 300, (5, 2))
    demand, supply = rng.random(90_000), rng.random(5)
    pairs = od_within(origins, destinations, radius_m=STEPS[-1][0])
    expected = e2sfca(*pairs, demand, supply, weights=STEPS)
    np.testing.assert_allclose(e2sfca_within(origins, destinations, demand, supply, weights=STEPS), expected, rtol=1e-9)


@pytest.mark.usefixtures("way")
def test_a_nil_step_inside_leaves_no_trace_of_those_it_holds() -> None:
    rng = np.random.default_rng(0)
    near = (rng.random((997, 2)) - 0.5) * 1300
    far = np.column_stack((rng.choice([-1, 1], 997) * rng.uniform(2001, 2400, 997), rng.uniform(-600, 600, 997)))
    people = rng.permutation(np.concatenate((near, far)))
    ring = [(1000.0, 0.0), (2000.0, 1.0)]
    assert sum_within([[0.0, 0.0]], people, rng.random(len(people)), weights=ring).tolist() == [0.0]
    assert not e2sfca_within(people, [[0.0, 0.0]], rng.random(len(people)), [3.0], weights=ring).any()


@pytest.mark.usefixtures("way")
def test_weights_may_go_up_and_down() -> None:
    case = territory(2)
    steps = [(500.0, 0.2), (900.0, 1.0), (1500.0, 0.0), (2000.0, 0.5)]
    pairs = od_within(*case[:2], radius_m=2000)
    expected = e2sfca(*pairs, *case[2:], weights=steps)
    np.testing.assert_allclose(e2sfca_within(*case, weights=steps), expected, rtol=1e-12)


def test_a_region_is_worked_out_without_loading_a_compiler() -> None:
    program = """
import sys
import numpy as np
from observatory.access.stream import e2sfca_within
rng = np.random.default_rng(0)
people, sites = rng.random((2643, 2)) * [250e3, 120e3], rng.random((10_800, 2)) * [250e3, 120e3]
index = e2sfca_within(people, sites, np.ones(2643), np.ones(10_800), weights=[(15e3, 1.0), (30e3, 0.1)])
assert (index > 0).all()
print(sorted({"numba", "llvmlite", "scipy", "pandas", "shapely"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_many_pairs_are_weighed_alike_to_the_last_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    origins, destinations, demand, supply = territory(8)
    origin, destination, cost = od_within(origins, destinations, radius_m=3000)
    shuffled = np.random.default_rng(1).permutation(cost.size)
    pairs = origin[shuffled].astype(np.int32), destination[shuffled][::1], np.append(cost, np.inf)[shuffled]
    pairs[2][:5], pairs[2][5:9] = np.inf, 1500.0
    for steps in (STEPS, [(0.0, 1.0), (1500.0, 0.0), (np.inf, 2.0)]):
        plain = e2sfca(*pairs, demand, supply, weights=steps)
        with monkeypatch.context() as patch:
            patch.setattr(catchment, "_MANY_PAIRS", 0)
            assert (e2sfca(*pairs, demand, supply, weights=steps) == plain).all()
            pairs[0].flags.writeable = False
            assert (e2sfca(*pairs, demand, supply, weights=steps) == plain).all()
    with monkeypatch.context() as patch:
        patch.setattr(catchment, "_MANY_PAIRS", 0)
        assert e2sfca([], [], [], [1.0], [1.0], weights=STEPS).tolist() == [0.0]


@given(st.integers(0, 2**32 - 1), st.floats(0, 1e4), st.floats(1e-3, 1e5))
@settings(max_examples=60)
def test_join_equals_brute_force(seed: int, radius_m: float, side_m: float) -> None:
    rng = np.random.default_rng(seed)
    at, of = (np.round(rng.random((rng.integers(1, 60), 2)) * side_m, 1) for _ in range(2))
    distance = np.sqrt(np.square(at[:, None] - of[None]).sum(axis=2))
    expected = np.nonzero(distance <= radius_m)
    origin, destination, found_m = od_within(at, of, radius_m=radius_m)
    assert (origin.tolist(), destination.tolist()) == (expected[0].tolist(), expected[1].tolist())
    assert found_m.tolist() == distance[expected].tolist()


def test_threads_do_not_change_a_bit() -> None:
    case = territory(9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "_SMALL_EFFORT", -1)
        alone = e2sfca_within(*case, weights=STEPS, threads=1)
        assert (e2sfca_within(*case, weights=STEPS, threads=4) == alone).all()
    alone = e2sfca_fft(*case, weights=STEPS, cell_m=50, threads=1)
    assert (e2sfca_fft(*case, weights=STEPS, cell_m=50, threads=4) == alone).all()


@pytest.mark.usefixtures("way")
def test_upper_bounds_are_included_to_the_last_bit() -> None:
    at, of = [[0.0, 0.0]], [[3.0, 4.0], [0.0, 5.0], [5.0000000001, 0.0], [0.0, -10.0]]
    assert sum_within(at, of, [1.0, 10.0, 100.0, 1000.0], weights=[(5.0, 1.0), (10.0, 0.5)]).tolist() == [561.0]


@pytest.mark.parametrize("most", [-1, 10**15])
@given(seed=st.integers(0, 2**32 - 1), radius_m=st.floats(1e-3, 1e4), side_m=st.floats(1e-3, 1e5))
@settings(max_examples=60)
def test_sum_equals_brute_force(seed: int, radius_m: float, side_m: float, most: int) -> None:
    rng = np.random.default_rng(seed)
    at, of = rng.random((rng.integers(1, 40), 2)) * side_m, rng.random((rng.integers(1, 40), 2)) * side_m
    values = rng.integers(0, 9, len(of)).astype(float)
    near = np.sqrt(np.square(at[:, None] - of[None]).sum(axis=2)) <= radius_m
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "_SMALL_EFFORT", most)
        found = sum_within(at, of, values, weights=[(radius_m, 1.0)], threads=1)
    np.testing.assert_allclose(found, near @ values)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("side_m", [3000, 12_000, 90_000])
def test_convolution_equals_streaming_on_snapped_points(seed: int, side_m: float) -> None:
    origins, destinations, demand, supply = territory(seed, side_m=side_m)
    convolved = e2sfca_fft(origins, destinations, demand, supply, weights=STEPS)
    streamed = e2sfca_within(snap(origins).xy_m, snap(destinations).xy_m, demand, supply, weights=STEPS)
    np.testing.assert_allclose(convolved, streamed, rtol=1e-9, atol=0)


def test_convolution_takes_any_decay() -> None:
    origins, destinations, demand, supply = territory(5)
    decay = gaussian(800, cutoff_min=2500)
    convolved = e2sfca_fft(origins, destinations, demand, supply, weights=decay, radius_m=2500)
    pairs = od_within(snap(origins).xy_m, snap(destinations).xy_m, radius_m=2500)
    np.testing.assert_allclose(convolved, e2sfca(*pairs, demand, supply, weights=decay), rtol=1e-9, atol=0)


def test_convolution_in_many_blocks_equals_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from observatory.access import grid

    case = territory(6, side_m=40_000)
    whole = e2sfca_fft(*case, weights=STEPS)
    monkeypatch.setattr(grid, "_WIDEST_WINDOW", 44)
    in_blocks = e2sfca_fft(*case, weights=STEPS)
    np.testing.assert_allclose(in_blocks, whole, rtol=1e-9, atol=0)


def test_snapping_keeps_cell_centres_and_moves_the_rest_by_half_a_diagonal_at_most() -> None:
    snapped = snap([[100.0, -100.0], [0.0, 0.0], [199.9, 200.0]])
    assert snapped.xy_m.tolist() == [[100.0, -100.0], [100.0, 100.0], [100.0, 300.0]]
    assert (snapped.column.tolist(), snapped.row.tolist()) == ([0, 0, 0], [-1, 0, 1])
    assert snapped.moved_m[0] == 0
    assert snapped.moved_m.max() <= 100 * np.sqrt(2)


@pytest.mark.usefixtures("way")
def test_nobody_and_nothing() -> None:
    empty = np.zeros((0, 2))
    for kernel in (e2sfca_within, e2sfca_fft):
        assert kernel(empty, [[0.0, 0.0]], [], [1.0], weights=STEPS).tolist() == []
        assert kernel([[0.0, 0.0]], empty, [5.0], [], weights=STEPS).tolist() == [0.0]
        assert kernel([[0.0, 0.0]], [[1.0, 1.0]], [0.0], [1.0], weights=STEPS).tolist() == [0.0]


def test_refusals() -> None:
    with pytest.raises(UsageError, match="une demande par origine"):
        e2sfca_within([[0.0, 0.0]], [[0.0, 0.0]], [1.0, 2.0], [1.0], weights=STEPS)
    with pytest.raises(UsageError, match="rayon"):
        e2sfca_fft([[0.0, 0.0]], [[0.0, 0.0]], [1.0], [1.0], weights=gaussian(10))
    with pytest.raises(UsageError, match="carreaux"):
        e2sfca_fft([[0.0, 0.0], [9e8, 9e8]], [[0.0, 0.0]], [1.0, 1.0], [1.0], weights=STEPS)
    with pytest.raises(UsageError, match="fils"):
        e2sfca_within([[0.0, 0.0]], [[0.0, 0.0]], [1.0], [1.0], weights=STEPS, threads=0)


@pytest.mark.parametrize("size", [0, 1, 2, 5, 31, 1000])
def test_blocks_cover_the_range_once_and_none_is_empty(size: int) -> None:
    done = []
    in_blocks(lambda first, last: done.append((first, last)), size, threads=2)
    assert sorted(k for first, last in done for k in range(first, last)) == list(range(size))
    assert len({first for first, _ in done}) == len(done)
    assert size < 2 or all(first < last for first, last in done)
