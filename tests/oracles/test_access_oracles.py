"""Access measures against outside results: PyPI ``access`` and the published figures for Belo Horizonte."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from observatory.access import cumulative, e2sfca, nearest
from observatory.access.distribution import concentration_index, fgt, gini, palma, theil

BENCHMARKS = Path(__file__).parents[2] / ".." / "shared" / "benchmarks" / "access"
STEPS = {10: 1.0, 20: 0.68, 30: 0.22}


def random_case(seed: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    demand = pd.DataFrame({"demand": rng.integers(1, 1000, 120).astype(float)})
    supply = pd.DataFrame({"supply": rng.integers(0, 9, 45).astype(float)})
    minutes = rng.uniform(0, 45, (120, 45)).round(1)
    origin, destination = np.nonzero(minutes <= 40)
    cost = pd.DataFrame({"origin": origin, "dest": destination, "cost": minutes[origin, destination]})
    return demand, supply, cost


@pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")  # in their code, with pandas 3
@pytest.mark.parametrize("seed", range(5))
def test_equal_to_pypi_access(seed: int) -> None:
    fca, weights = pytest.importorskip("access.fca"), pytest.importorskip("access.weights")
    demand, supply, cost = random_case(seed)
    theirs = fca.two_stage_fca(
        demand, supply, cost.copy(), 30, demand_index=True, demand_name="demand", weight_fn=weights.step_fn(STEPS)
    ).reindex(range(len(demand)), fill_value=0.0)
    ours = e2sfca(
        cost["origin"], cost["dest"], cost["cost"], demand["demand"], supply["supply"], weights=list(STEPS.items())
    )
    np.testing.assert_allclose(ours, theirs.to_numpy(), rtol=1e-9, atol=1e-15)


class Horizonte:
    """Belo Horizonte as the R package ``accessibility`` ships it."""

    def __init__(self) -> None:
        pyreadr = pytest.importorskip("pyreadr")
        self.land = pyreadr.read_r(str(BENCHMARKS / "land_use_data.rds"))[None]
        self.matrix = pyreadr.read_r(str(BENCHMARKS / "travel_matrix.rds"))[None]
        position = pd.Series(np.arange(len(self.land)), index=self.land["id"].astype(str))
        self.pairs = (
            position.loc[self.matrix["from_id"].astype(str)].to_numpy(),
            position.loc[self.matrix["to_id"].astype(str)].to_numpy(),
            self.matrix["travel_time"].to_numpy(),
        )
        self.first_origins = position.loc[pd.unique(self.matrix["from_id"].astype(str))[:6]].to_numpy()
        self.population, self.jobs = self.land["population"].to_numpy(), self.land["jobs"].to_numpy()
        self.income = self.land["income_per_capita"].to_numpy()

    def jobs_within(self, minutes: float) -> np.ndarray:
        return cumulative(*self.pairs, self.jobs, thresholds=[minutes], n_origins=len(self.land))[:, 0]


@pytest.fixture(scope="module")
def horizonte() -> Horizonte:
    if not BENCHMARKS.is_dir():
        pytest.skip(
            "../shared/benchmarks/access est absent : les chiffres publiés de Belo Horizonte ne sont pas vérifiés"
        )
    return Horizonte()


def test_two_sfca_published(horizonte: Horizonte) -> None:
    index = e2sfca(*horizonte.pairs, horizonte.population, horizonte.jobs, weights=[(50, 1.0)])
    published = [0.4278111, 0.3863614]
    assert index[horizonte.first_origins[:2]] == pytest.approx(published, abs=5e-8)


def test_cumulative_published(horizonte: Horizonte) -> None:
    assert horizonte.jobs_within(30)[:6].tolist() == [14561, 29452, 16647, 10700, 6669, 37029]


def test_passive_cumulative_published(horizonte: Horizonte) -> None:
    origin, destination, cost = horizonte.pairs
    people = cumulative(
        destination, origin, cost, horizonte.population, thresholds=[30], n_origins=len(horizonte.land)
    )[:, 0]
    assert people[:6].tolist() == [11053, 31903, 12488, 14474, 15053, 69582]


def test_nearest_school_published(horizonte: Horizonte) -> None:
    origin, destination, cost = horizonte.pairs
    school = horizonte.land["schools"].to_numpy()[destination] > 0
    minutes, _ = nearest(origin[school], destination[school], cost[school], len(horizonte.land))
    assert minutes[:6].tolist() == [29, 24, 28, 33, 32, 17]


def test_inequality_published(horizonte: Horizonte) -> None:
    jobs = horizonte.jobs_within(30)
    assert palma(jobs, horizonte.population, horizonte.income) == pytest.approx(3.800465, abs=5e-7)
    assert gini(jobs, horizonte.population) == pytest.approx(0.4715251, abs=5e-8)
    assert theil(jobs, horizonte.population) == pytest.approx(0.3616631, abs=5e-8)


def test_concentration_published(horizonte: Horizonte) -> None:
    # The R package ranks equal incomes in the order of the rows: ties are broken the same way before we compare.
    row_order = np.argsort(np.argsort(horizonte.income, kind="stable"), kind="stable").astype(float)
    income = np.where(np.isnan(horizonte.income), np.nan, row_order)
    jobs = horizonte.jobs_within(30)
    assert concentration_index(jobs, horizonte.population, income) == pytest.approx(0.3346494, abs=5e-8)


@pytest.mark.parametrize(
    ("line", "published"),
    [(95368, (0.5745378, 0.3277383, 0.2218769)), (50000, (0.3923817, 0.1776241, 0.1010123))],
)
def test_fgt_published(horizonte: Horizonte, line: float, published: tuple[float, float, float]) -> None:
    result = fgt(horizonte.jobs_within(30), horizonte.population, line=line)
    assert (result.headcount, result.depth, result.severity) == pytest.approx(published, abs=5e-8)
