"""The fallback against real matrices it has never seen: how wrong it is, before and after the fit."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyproj import Geod

import geodata
from observatory.access.calibrate import Calibration, calibrate, trips
from observatory.commands.real_trips import CARRIED, published_factor, real_trips
from observatory.declared.study_reading import read_study
from observatory.declared.travel import travel
from observatory.sources.roads import published_drives

BENCHMARKS = Path(__file__).parents[2] / ".." / "shared" / "benchmarks"
DECLARED = travel().constants


def test_public_transport_of_belo_horizonte() -> None:
    h3, pyreadr = pytest.importorskip("h3"), pytest.importorskip("pyreadr")
    if not (BENCHMARKS / "access").is_dir():
        pytest.skip("../shared/benchmarks/access est absent : le calage sur Belo Horizonte n’est pas vérifié")
    matrix = pyreadr.read_r(str(BENCHMARKS / "access" / "travel_matrix.rds"))[None]
    cells = np.unique(matrix["from_id"].astype(str))
    lat, lon = np.array([h3.cell_to_latlng(cell) for cell in cells]).T
    origin, destination = (np.searchsorted(cells, matrix[name].astype(str)) for name in ("from_id", "to_id"))
    metres = Geod(ellps="GRS80").inv(lon[origin], lat[origin], lon[destination], lat[destination])[2]
    unknown = np.zeros(cells.size, dtype=np.int8)
    minutes = matrix["travel_time"].to_numpy()
    sample = trips(origin, destination, minutes, metres, origin_density=unknown, destination_density=unknown)
    result = calibrate(sample, declared=DECLARED)
    # Constants for a car say nothing of a bus; once fitted, half of the unseen trips are within 13 %.
    assert result.declared[0].median > 0.6
    assert result.fitted[0].median < 0.14


@pytest.fixture(scope="module")
def gironde() -> Calibration:
    sample, left_out = real_trips(*(geodata.path(name) for name in CARRIED), declared=DECLARED)
    assert (len(sample), sum(left_out.values())) == (2500, 0)
    return calibrate(sample, declared=DECLARED)


def test_declared_constants_are_those_that_the_carried_drives_give(gironde: Calibration) -> None:
    assert gironde.constants.one_km_min == pytest.approx(DECLARED.one_km_min, rel=0.002)
    assert gironde.constants.exponent == pytest.approx(DECLARED.exponent, abs=0.001)
    assert gironde.constants.urban_min == pytest.approx(DECLARED.urban_min, abs=0.01)


def test_shape_is_right_enough_on_halves_that_the_fit_never_saw(gironde: Calibration) -> None:
    _, judged, *bands = gironde.fitted
    assert (judged.low_km, judged.high_km, judged.count) == (5, 60, 1600)
    assert judged.median < 0.08
    assert all(abs(one.bias) < 0.05 for one in bands if one.count >= 15 and one.low_km >= 5)


def test_the_page_of_methods_shows_these_errors_and_no_better_ones(gironde: Calibration) -> None:
    shown = travel().errors[0]
    for band, found in zip(shown.bands, gironde.fitted, strict=True):
        assert (band.low_km, band.high_km, band.count) == (found.low_km, found.high_km, found.count)
        assert [band.median, band.p90, band.bias] == pytest.approx([found.median, found.p90, found.bias], abs=0.002)


def test_published_drives_give_the_declared_factor() -> None:
    found, declared = published_factor(DECLARED), travel().regional_factor
    assert found is not None
    assert [found.value, found.low, found.high] == pytest.approx(
        [declared.value, declared.low, declared.high], abs=0.006
    )
    assert (found.count, found.group_count) == (declared.count, declared.page_count)
    band = travel().errors[1].bands[0]
    assert [band.median, band.p90, band.bias] == pytest.approx(
        [found.held_out.median, found.held_out.p90, found.held_out.bias], abs=0.002
    )
    verdict = read_study().verdict
    assert verdict is not None
    assert verdict.travel_factors == (1.0, declared.low, declared.value, declared.high)


def test_carried_drives_are_those_of_the_figures() -> None:
    figures = BENCHMARKS.parent / "data" / "figures"
    if not figures.is_dir():
        pytest.skip("../shared/data/figures est absent : les trajets livrés ne sont pas comparés à leur source")
    told = pd.read_csv(figures / "metric_osrm_pairs_gironde_2021.csv")
    minutes, points = (pd.read_csv(geodata.path(name)) for name in CARRIED)
    points = points.set_index("id")
    np.testing.assert_array_equal(minutes.to_numpy(), told[["id1", "id2", "Dist_min"]].to_numpy())
    for end in "12":
        carried = points.loc[told[f"id{end}"], ["x_m", "y_m"]].to_numpy()
        np.testing.assert_allclose(carried, told[[f"X{end}", f"Y{end}"]].to_numpy(), atol=0.5)
    published = pd.read_csv(figures / "drive_times_normandie.csv", dtype=str)
    published = published[published["kind"] != "advert"]
    carried = pd.read_csv(geodata.path(published_drives.FILE), dtype=str)
    assert carried["from_code"].tolist() == published["origin_code"].tolist()
    assert carried["to_code"].tolist() == published["destination_code"].tolist()
    assert carried["minutes"].astype(float).tolist() == published["minutes"].astype(float).tolist()
