"""Outlines and quartiers of a producer's file, through the database: every level above follows, nothing else moves."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
import sqlalchemy as sa
import toy_territory
from shapely.geometry import mapping

from observatory.errors import InputFileError
from observatory.sources.territories import admin_express, qpv
from observatory.store.ingest import file_ingest
from observatory.store.ingest.snapshot_load import load_snapshot

KM2 = 1_000_000


@pytest.fixture
def loaded(empty_engine: sa.Engine, tmp_path: Path) -> sa.Engine:
    """The toy territory in a database of its own: what a file replaces is committed."""
    load_snapshot(empty_engine, toy_territory.write(tmp_path / "toy"))
    return empty_engine


def areas(engine: sa.Engine) -> dict[tuple[str, str], int]:
    """Areas in km² of what lies in the region."""
    query = (
        f"SELECT level, code, round(ST_Area(geom) / {KM2}) FROM observatory.territory "
        "WHERE geom IS NOT NULL AND NOT is_border AND level <> 'qpv'"
    )
    with engine.connect() as connection:
        return {(row[0], row[1]): int(row[2]) for row in connection.exec_driver_sql(query)}


def outlines(path: Path, shapes: dict[str, shapely.Geometry]) -> Path:
    """Write them as Admin Express does: layer COMMUNE of a GeoPackage, here in longitudes and latitudes."""
    frame = gpd.GeoDataFrame(
        {"insee_com": list(shapes), "nom": [f"Commune {code}" for code in shapes]},
        geometry=list(shapes.values()),
        crs=2154,
    )
    frame.to_crs(4326).to_file(path, layer="COMMUNE", driver="GPKG")
    return path


def test_outlines_of_communes_move_every_level_above_and_nothing_else(loaded: sa.Engine, tmp_path: Path) -> None:
    before = areas(loaded)
    assert before["commune", "14901"] == 100
    assert before["region", "28"] == 400
    shapes = {code: toy_territory.square(code) for code in toy_territory.SQUARES}
    x, y = toy_territory.SQUARES["14901"]
    # 14901 loses its western half: 50 km² less for it and for every level above.
    shapes["14901"] = shapely.box(x + 5_000, y, x + 10_000, y + 10_000)
    whole = outlines(tmp_path / "ade.gpkg", shapes)
    status, (report,) = file_ingest.ingest_file(loaded, admin_express.SOURCE_ID, whole)
    assert (status, report.rows_read, report.rows_kept, report.rows_rejected) == ("loaded", 4, 4, 0)
    above = {("epci", "200000001"), ("departement", "14"), ("zone_emploi", "2899"), ("region", "28")}
    lost = {("commune", "14901"), *above}
    assert areas(loaded) == {key: area - 50 if key in lost else area for key, area in before.items()}
    assert file_ingest.ingest_file(loaded, admin_express.SOURCE_ID, whole)[0] == "unchanged"

    held = areas(loaded)
    del shapes["61902"]
    with pytest.raises(InputFileError, match=r"contour de 1 des 4 communes.*61902"):
        file_ingest.ingest_file(loaded, admin_express.SOURCE_ID, outlines(tmp_path / "cut.gpkg", shapes))
    assert areas(loaded) == held


def quarters(path: Path, codes: dict[str, str]) -> Path:
    """Write quartiers of 200 m by 200 m at the town halls of their communes."""
    features = []
    for code, commune in codes.items():
        x, y = toy_territory.town_hall(commune)
        outline = gpd.GeoSeries([shapely.box(x, y, x + 200, y + 200)], crs=2154).to_crs(4326)[0]
        properties = {"code_qp": code, "lib_qp": f"Quartier {code}", "insee_com": commune}
        features.append({"type": "Feature", "properties": properties, "geometry": mapping(outline)})
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def test_quartiers_are_replaced_whole_with_their_communes(loaded: sa.Engine, tmp_path: Path) -> None:
    links = "SELECT child_code, parent_code FROM observatory.territory_link WHERE child_level = 'qpv' ORDER BY 1, 2"
    kept = (
        "SELECT code, population_count, population_status, round(ST_Area(geom)) FROM observatory.territory "
        "WHERE level = 'qpv' ORDER BY 1"
    )

    def held(query: str) -> list[tuple[object, ...]]:
        with loaded.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

    assert [row[0] for row in held(kept)] == ["QN01499X"]
    path = quarters(tmp_path / "qpv.geojson", {"QN01401M": "14902", "QN06101M": "61901", "QN07201M": "72901"})
    _, (report,) = file_ingest.ingest_file(loaded, qpv.SOURCE_ID, path)
    assert (report.rows_read, report.rows_kept, report.rows_outside) == (3, 2, 1)
    assert [(row[0], row[1], row[2], float(str(row[3]))) for row in held(kept)] == [
        ("QN01401M", None, "missing", 40_000.0),
        ("QN06101M", None, "missing", 40_000.0),
    ]
    assert held(links) == [("QN01401M", "14902"), ("QN06101M", "61901")]

    of_2015 = quarters(tmp_path / "qpv_2015.geojson", {"QP014001": "14901"})
    with pytest.raises(InputFileError, match="quartiers prioritaires de 2015"):
        file_ingest.ingest_file(loaded, qpv.SOURCE_ID, of_2015)
    assert held(links) == [("QN01401M", "14902"), ("QN06101M", "61901")]
