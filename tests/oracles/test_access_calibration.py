"""The fallback against real matrices it has never seen: how wrong it is, before and after the fit."""

from pathlib import Path

import numpy as np
import pytest
from pyproj import Geod

from observatory.access.calibrate import calibrate, trips
from observatory.declared.travel import travel

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
    assert result.fitted[0].median == pytest.approx(0.127, abs=0.01)
    assert result.fitted[0].p90 == pytest.approx(0.303, abs=0.02)
    # The page of methods shows these figures, and no better ones.
    shown = next(one for one in travel().errors if one.id == "bh")
    assert shown.held_out_origins == result.held_out_origins
    for band, declared, fitted in zip(shown.bands, result.declared, result.fitted, strict=True):
        assert band.count == declared.count
        assert [band.median, band.p90, band.bias] == pytest.approx(
            [declared.median, declared.p90, declared.bias], abs=0.002
        )
        assert [band.fitted_median, band.fitted_p90] == pytest.approx([fitted.median, fitted.p90], abs=0.01)
