"""Fitting the fallback: constants are found again, errors are those of origins the fit has not seen."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from observatory import cli
from observatory.access.calibrate import Trips, calibrate, errors, trips
from observatory.access.regional_factor import regional_factor
from observatory.access.travel import TravelConstants
from observatory.errors import InputFileError, UsageError
from observatory.sources.roads import travel_matrix

DECLARED = TravelConstants(
    one_km_min=1.5, exponent=0.9, floor_min=2.0, urban_min=0.5, urban_km=2.0, urban_levels=(1, 2)
)
TRUTH = TravelConstants(one_km_min=1.2, exponent=0.95, floor_min=0.0, urban_min=1.5, urban_km=2.0, urban_levels=(1, 2))


def matrix(*, n: int = 60, noise: float = 0.0, seed: int = 1) -> tuple:
    """Places of levels 1 and 5 over 40 km, and what drives between them last under ``TRUTH``."""
    rng = np.random.default_rng(seed)
    xy = rng.random((n, 2)) * 40_000
    density = np.where(rng.random(n) < 0.4, 1, 5).astype(np.int8)
    origin, destination = (index.ravel() for index in np.mgrid[:n, :n])
    distance = np.hypot(*(xy[origin] - xy[destination]).T)
    minutes = TRUTH.minutes(distance, TRUTH.is_urban(density)[origin] + TRUTH.is_urban(density)[destination])
    return xy, density, origin, destination, distance, minutes * np.exp(rng.normal(0, noise, minutes.size))


def sample(*, noise: float = 0.0) -> Trips:
    _, density, origin, destination, distance, minutes = matrix(noise=noise)
    return trips(origin, destination, minutes, distance, origin_density=density, destination_density=density)


def test_constants_are_found_again() -> None:
    result = calibrate(sample(), declared=DECLARED)
    assert result.constants.one_km_min == pytest.approx(1.2, rel=1e-3)
    assert result.constants.exponent == pytest.approx(0.95, abs=1e-3)
    assert result.constants.urban_min == pytest.approx(1.5, rel=1e-2)
    assert (result.constants.floor_min, result.constants.urban_levels) == (2.0, (1, 2))
    # The shortest trips are under the declared floor, which is no part of the truth.
    assert result.fitted[1].p90 < 1e-3 < result.declared[1].median


def test_without_an_urban_end_the_declared_minutes_are_kept() -> None:
    every = sample()
    rural = calibrate(every.select(every.urban_ends(DECLARED) == 0), declared=DECLARED)
    assert (rural.urban_count, rural.constants.urban_min) == (0, 0.5)
    assert rural.constants.one_km_min == pytest.approx(1.2, rel=1e-3)


def test_errors_are_those_of_origins_that_the_fit_has_not_seen() -> None:
    noisy = sample(noise=0.2)
    result = calibrate(noisy, declared=DECLARED, folds=3, seed=3)
    assert (result.origin_count, result.folds, result.count) == (60, 3, len(noisy))
    # Relative noise of standard deviation 0.2: median of |error| 0.135, 90th percentile about 0.33.
    assert 0.11 < result.fitted[1].median < 0.17
    assert 0.28 < result.fitted[1].p90 < 0.42
    assert sum(band.count for band in result.fitted[2:]) == result.fitted[0].count
    assert calibrate(noisy, declared=DECLARED, seed=3) == calibrate(noisy, declared=DECLARED, seed=3)


def test_an_origin_is_judged_by_the_others() -> None:
    every = sample()
    two = every.select(every.origin_idx < 2)
    slow = replace(two, duration_min=two.duration_min * np.where(two.origin_idx == 1, 3.0, 1.0))
    result = calibrate(slow, declared=DECLARED)
    # Each by the other: three times too long for one, three times too short for the other.
    assert result.fitted[1].p90 == pytest.approx(2.0, abs=0.1)


def test_band_errors_by_hand() -> None:
    level = np.zeros(40, dtype=np.int8)
    kilometres = np.concatenate((np.full(20, 1.0), np.full(20, 5.0)))
    # Estimated 1 and 5 minutes; really 2 (−50 %) and 4 (+25 %). A trip of 5 km belongs to the band above.
    real = trips(
        np.arange(40),
        np.arange(40),
        np.where(kilometres == 1, 2.0, 4.0),
        kilometres * 1000,
        origin_density=level,
        destination_density=level,
    )
    overall, judged, near, far = errors(real, kilometres)
    assert (near.count, near.median, near.bias) == pytest.approx((20, 0.5, -0.5))
    assert (far.low_km, far.high_km, far.median, far.bias) == pytest.approx((5, 10, 0.25, 0.25))
    assert (judged.low_km, judged.high_km, judged.count) == (5, 60, 20)
    assert overall.median == pytest.approx(0.375)


def test_a_factor_is_judged_on_the_page_it_has_not_seen() -> None:
    # Two pages: one of two drives twice as long as estimated, one of a single drive three times as long.
    factor = regional_factor(np.array([20.0, 40.0, 30.0]), np.array([10.0, 20.0, 10.0]), ["a", "a", "b"])
    assert (factor.value, factor.count, factor.group_count) == (2.0, 3, 2)
    # Drawn whole: twice page a, twice page b, or both; the ends of the interval are the two pages.
    assert (factor.low, factor.high) == (2.0, 3.0)
    # Page a judged by 3 (+50 %, twice), page b by 2 (−33 %).
    assert factor.held_out.bias == pytest.approx(0.5)
    assert factor.held_out.median == pytest.approx(0.5)
    with pytest.raises(UsageError, match="deux pages"):
        regional_factor(np.array([20.0]), np.array([10.0]), ["a"])


def test_too_little_to_learn_from() -> None:
    level = np.zeros(2, dtype=np.int8)
    with pytest.raises(UsageError, match="au moins 30"):
        trips([0], [1], [5.0], [1000.0], origin_density=level, destination_density=level)
    for folds in (1, 61):
        with pytest.raises(UsageError, match="60 origines"):
            calibrate(sample(), declared=DECLARED, folds=folds)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A long matrix in seconds and its points, in Lambert-93, as a user would give them."""
    xy, density, origin, destination, _, minutes = matrix(n=20, noise=0.05)
    points, pairs = tmp_path / "points.csv", tmp_path / "durees.csv"
    names = [f"c{k:02d}" for k in range(20)]
    pd.DataFrame({"id": names, "x_m": xy[:, 0], "y_m": xy[:, 1] + 6.7e6, "density": density}).to_csv(
        points, index=False
    )
    pd.DataFrame(
        {"from_id": [names[k] for k in origin], "to_id": [names[k] for k in destination], "duration_s": minutes * 60}
    ).to_csv(pairs, sep=";", index=False)
    return pairs, points


def test_command_reports_held_out_errors(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    pairs, points = files
    assert cli.run(["access", "calibrate", "--matrix", str(pairs), "--points", str(points), "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["origin_count"], report["folds"]) == (20, 2)
    assert report["errors_fitted"][1]["median"] < 0.05
    assert report["constants"]["exponent"] == pytest.approx(0.95, abs=0.05)
    assert report["published"]["page_count"] == 17
    assert cli.run(["access", "calibrate", "--matrix", str(pairs), "--points", str(points)]) == 0
    assert "de 20 origines, tirées en 2 parts" in capsys.readouterr().out
    assert cli.run(["access", "calibrate", "--matrix", str(pairs)]) == 2
    assert "ensemble --matrix et --points" in " ".join(capsys.readouterr().err.split())


def test_wide_matrix_is_read_too(tmp_path: Path) -> None:
    wide = tmp_path / "large.csv"
    wide.write_text("LSOA,Site 1,Site 2\nA,120,60\nB,30,90\n", encoding="utf-8")
    real = travel_matrix.read_matrix(wide, unit="s")
    assert real.origin_id.tolist() == ["A", "A", "B", "B"]
    assert real.destination_id.tolist() == ["Site 1", "Site 2", "Site 1", "Site 2"]
    assert real.duration_min.tolist() == [2.0, 1.0, 0.5, 1.5]


def test_unusable_files_say_what_they_lack(tmp_path: Path) -> None:
    bad = tmp_path / "points.csv"
    bad.write_text("id,lon\na,1\n", encoding="utf-8")
    with pytest.raises(InputFileError, match="« lon » et « lat »"):
        travel_matrix.read_points(bad)
    bad.write_text("id,lon,lat\na,1,2\na,1,2\n", encoding="utf-8")
    with pytest.raises(InputFileError, match="identifiant à lui"):
        travel_matrix.read_points(bad)
    with pytest.raises(InputFileError, match="introuvable"):
        travel_matrix.read_matrix(tmp_path / "absent.csv")
    bad.write_text("from_id,to_id,minutes\na,b,x\n", encoding="utf-8")
    with pytest.raises(InputFileError, match="nombre"):
        travel_matrix.read_matrix(bad)


@pytest.mark.parametrize("is_wide", [False, True])
def test_codes_keep_their_leading_zeros_whoever_else_is_in_the_file(tmp_path: Path, is_wide: bool) -> None:
    points, durations = tmp_path / "points.csv", tmp_path / "durees.csv"
    points.write_text("code,lon,lat\n01004,5.37,45.96\n01033,5.82,46.11\n2A004,8.74,41.92\n", encoding="utf-8")
    durations.write_text(
        "origine,01004,01033\n01004,0,42\n01033,43,0\n" if is_wide else "origine,dest,minutes\n01004,01033,42\n",
        encoding="utf-8",
    )
    real = travel_matrix.read_matrix(durations)
    origin, destination, is_known, _ = travel_matrix.normalise(real, travel_matrix.read_points(points))
    assert is_known.all()
    assert (origin[real.duration_min == 42].tolist(), destination[real.duration_min == 42].tolist()) == ([0], [1])


def test_what_a_french_spreadsheet_writes_is_read(tmp_path: Path) -> None:
    durations, points = tmp_path / "durees.csv", tmp_path / "points.csv"
    durations.write_bytes("origine;dest;minutes\nÉpron;Évrecy; 12,5\nÉvrecy;Épron;\n".encode("cp1252"))
    points.write_bytes("nom;lon;lat\nÉpron;-0,37;49,22\nÉvrecy;-0,50;49,10\n".encode("cp1252"))
    real = travel_matrix.read_matrix(durations)
    assert real.origin_id.tolist() == ["Épron", "Évrecy"]
    assert real.duration_min.tolist() == pytest.approx([12.5, np.nan], nan_ok=True)
    assert travel_matrix.read_points(points).xy.tolist() == [[-0.37, 49.22], [-0.5, 49.1]]


def command(pairs: Path, points: Path, *options: str) -> int:
    return cli.run(["access", "calibrate", "--matrix", str(pairs), "--points", str(points), *options])


def test_pairs_without_a_usable_duration_are_left_out_and_counted(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    pairs, points = files
    table = pd.read_csv(pairs, sep=";").astype({"duration_s": object})
    table.loc[1:3, "duration_s"] = np.nan
    table.loc[4:5, "duration_s"] = "inf"
    table.loc[400] = ["c00", "inconnu", 60]
    table.to_csv(pairs, sep=";", index=False)
    assert command(pairs, points, "--format", "json") == 0
    report = json.loads(capsys.readouterr().out)
    # 20 trips of a point to itself, 3 blanks and 2 unreachable ones, and one to a point that isn't given.
    assert report["left_out"] == {"unknown_points": 1, "crossing": 0, "unusable": 25}
    assert report["count"] == 401 - 26


def test_a_unit_that_cannot_be_right_is_questioned(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    pairs, points = files
    assert command(pairs, points) == 0
    assert "Attention" not in capsys.readouterr().err
    assert command(pairs, points, "--unit", "min") == 0
    assert "--unit s" in " ".join(capsys.readouterr().err.split())


def test_identifiers_that_never_match_are_said_to_differ(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    pairs, points = files
    pairs.write_text(pairs.read_text().replace(";c", ";k"), encoding="utf-8")
    assert command(pairs, points) == 1
    assert "comparez leurs identifiants" in " ".join(capsys.readouterr().err.split())
