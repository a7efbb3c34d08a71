"""Moran's statistics against figures published with PySAL on data of the libpysal package, and cases worked by hand."""

import numpy as np
import pandas as pd
import pytest

from observatory.errors import UsageError
from observatory.gap import spatial

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def pysal():
    import libpysal

    def read(gal, table):
        weights = libpysal.io.open(libpysal.examples.get_path(gal))
        columns = libpysal.io.open(libpysal.examples.get_path(table))
        w = weights.read()
        neighbours = {str(code): [str(other) for other in w.neighbors[code]] for code in w.id_order}
        frame = pd.DataFrame(
            {name: columns.by_col[name] for name in columns.header}, index=[str(c) for c in w.id_order]
        )
        weights.close()
        columns.close()
        return frame, neighbours

    return read


def test_moran_of_saint_louis_homicides(pysal):
    frame, neighbours = pysal("stl.gal", "stl_hom.txt")
    found = spatial.moran(frame["HR8893"].astype(float), neighbours)
    assert found.statistic == pytest.approx(0.2436558262, abs=1e-10)
    assert found.expected == pytest.approx(-1 / 77)
    assert found.p_value < 0.01


def test_moran_of_north_carolina_sudden_infant_deaths(pysal):
    frame, neighbours = pysal("sids2.gal", "sids2.dbf")
    assert spatial.moran(frame["SIDR74"], neighbours).statistic == pytest.approx(0.2477251932, abs=1e-10)


def test_false_discovery_cut_of_saint_louis():
    # 78 units, of which two at the least p-value of 999 permutations: the cut is 2 x 0.05 / 78.
    p_values = np.r_[0.001, 0.001, np.linspace(0.02, 1, 76)]
    assert spatial.false_discovery_cut(p_values, rate=0.05) == pytest.approx(0.00128205, abs=1e-8)
    assert spatial.false_discovery_cut(np.linspace(0.5, 1, 78), rate=0.05) == pytest.approx(0.05 / 78)


def grid(side):
    return {
        f"{row}-{column}": [
            f"{row + down}-{column + right}"
            for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0))
            if 0 <= row + down < side and 0 <= column + right < side
        ]
        for row in range(side)
        for column in range(side)
    }


def test_a_planted_cluster_is_found_named_by_its_quadrant_and_nothing_else_is():
    neighbours = grid(12)
    rng = np.random.default_rng(5)
    need = pd.Series(rng.normal(0, 0.3, 144), index=list(neighbours))
    deficit = pd.Series(rng.normal(0, 0.3, 144), index=list(neighbours))
    planted = [f"{row}-{column}" for row in range(4, 9) for column in range(4, 9)]
    need[planted] += 5
    deficit[planted] += 5
    found = spatial.clusters_among(need, spatial.surroundings(deficit, neighbours, seed=3), neighbours)
    units = found.units
    assert list(units.index) == list(neighbours)
    core = [f"{row}-{column}" for row in range(5, 8) for column in range(5, 8)]
    assert (units.loc[core, "cluster"] == 1).all()
    assert (units.loc[core, "quadrant"] == 1).all()
    assert set(units.index[units["cluster"] == 1]) <= set(planted)
    again = spatial.clusters_among(need, spatial.surroundings(deficit, neighbours, seed=3), neighbours)
    pd.testing.assert_frame_equal(units, again.units)


def test_an_island_is_never_significant():
    neighbours = grid(6) | {"ile": []}
    rng = np.random.default_rng(1)
    need = pd.Series(rng.normal(size=37), index=list(neighbours))
    need["ile"] = 50
    found = spatial.clusters_among(need, spatial.surroundings(need, neighbours), neighbours)
    assert not found.units.loc["ile", "is_significant"]


def test_merging_few_units_changes_less_than_merging_many():
    mild, strong = spatial.scale_sensitivity(2643, 2000, 0.5), spatial.scale_sensitivity(2643, 20, 0.5)
    assert 0 <= mild < strong <= 1


def test_missing_values_and_unknown_neighbours_are_refused():
    neighbours = grid(3)
    values = pd.Series(range(9), index=list(neighbours), dtype=float)
    with pytest.raises(UsageError, match="voisinage de 2-2"):
        spatial.moran(values, {code: near for code, near in neighbours.items() if code != "2-2"})
    with pytest.raises(UsageError, match="0-1 n’a pas de valeur"):
        spatial.moran(values.where(values != 1), neighbours)
