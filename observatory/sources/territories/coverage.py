"""Makes a true coverage of the communes: no overlap, no gap, one shared edge between neighbours, then a lighter one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from observatory.crs import require_metric

SIMPLIFY_TOLERANCE_M: Final = 30.0
"""Visvalingam-Whyatt: triangles under this squared area go (convention de l'observatoire)."""
SLIVER_WIDTH_M: Final = 10.0
"""Gaps narrower than this are digitising errors (convention de l'observatoire)."""
LARGE_GAP_M2: Final = 1_000_000.0
"""A hole of more than a square kilometre is a missing commune, not a drawing error (convention de l'observatoire)."""
DECIMALS: Final = 1
"""Coordinates are kept to 10 cm."""


@dataclass(frozen=True, eq=False)
class Coverage:
    """Communes as a valid coverage, and what had to be done."""

    geometry: gpd.GeoSeries
    """Index of the input, then the communes that it lacked; multipolygons in metres."""
    invalid_edge_count: int
    """Communes whose edges did not match their neighbours'."""
    small_gap_count: int
    filled: pd.DataFrame
    """Large holes given to a commune: ``code, area_m2``."""
    left: pd.DataFrame
    """Large holes that nobody can be given: ``x_m, y_m, area_m2``."""


def clean_coverage(polygons: gpd.GeoSeries, *, incomplete: set[str], lacking: gpd.GeoSeries | None = None) -> Coverage:
    """Clean, fill, simplify and round a set of neighbouring polygons.

    Parameters
    ----------
    polygons
        Polygons in metres, indexed by commune code.
    incomplete
        Communes known to lack a part (a merged commune whose polygon is not in the source): a large hole that touches
        exactly one of them is that part.
    lacking
        Rough outlines, indexed by code, of communes that ``polygons`` lacks: the large hole that one covers the most,
        and half of at least, is that commune.

    Returns
    -------
    Coverage
        Its geometry is a valid coverage (checked with ``shapely.coverage_is_valid``).

    Raises
    ------
    MetricCrsError
        If ``polygons`` are not in metres.
    ValueError
        If no valid coverage comes out.
    """
    require_metric(polygons)
    raw = shapely.make_valid(polygons.to_numpy())
    invalid_edge_count = int((~shapely.is_empty(shapely.coverage_invalid_edges(raw))).sum())
    cleaned = _cleaned(raw)
    holes = _holes(cleaned)
    small = [hole for hole in holes if hole.area <= LARGE_GAP_M2]
    may_take = polygons.index.isin(sorted(incomplete))
    large = [hole for hole in holes if hole.area > LARGE_GAP_M2]
    found = _recognised(large, lacking)
    taken = [(hole, _only_neighbour(cleaned, hole, may_take)) for hole in large if hole not in found.values()]
    owners = [(hole, _longest_neighbour(cleaned, hole)) for hole in small]
    owners += [(hole, position) for hole, position in taken if position is not None]
    for hole, position in owners:
        cleaned[position] = shapely.union(cleaned[position], hole)
    index = polygons.index.append(pd.Index(list(found), dtype=object))
    cleaned = np.append(cleaned, np.array(list(found.values()), dtype=object))
    light = _multi(_rounded(shapely.coverage_simplify(_cleaned(cleaned), SIMPLIFY_TOLERANCE_M)))
    if not (shapely.coverage_is_valid(light) and shapely.is_valid(light).all()):
        raise ValueError("the communes do not make a valid coverage")
    filled = [(polygons.index[position], hole.area) for hole, position in taken if position is not None]
    left = [(hole.centroid.x, hole.centroid.y, hole.area) for hole, position in taken if position is None]
    return Coverage(
        geometry=gpd.GeoSeries(light, index=index, crs=polygons.crs),
        invalid_edge_count=invalid_edge_count,
        small_gap_count=len(small),
        filled=pd.DataFrame(filled, columns=["code", "area_m2"]),
        left=pd.DataFrame(left, columns=["x_m", "y_m", "area_m2"]),
    )


def dissolve(polygons: gpd.GeoSeries, keys: pd.Series) -> gpd.GeoSeries:
    """Union the polygons of a valid coverage by key (same index); the result is indexed by key, sorted.

    Raises
    ------
    MetricCrsError
        If ``polygons`` are not in metres.
    """
    require_metric(polygons)
    groups = keys.dropna().groupby(keys.dropna()).groups
    merged = {key: shapely.coverage_union_all(polygons.loc[index].to_numpy()) for key, index in sorted(groups.items())}
    return gpd.GeoSeries(_multi(np.array(list(merged.values()), dtype=object)), index=list(merged), crs=polygons.crs)


def multipolygons(geometries: gpd.GeoSeries) -> gpd.GeoSeries:
    """Return valid multipolygons rounded like the coverage; nulls stay null."""
    valid = shapely.make_valid(_rounded(geometries.to_numpy()), method="structure", keep_collapsed=False)
    return gpd.GeoSeries(_multi(valid), index=geometries.index, crs=geometries.crs)


def _holes(polygons: np.ndarray) -> list[shapely.Polygon]:
    parts = shapely.get_parts(shapely.union_all(polygons))
    return [shapely.Polygon(ring) for part in parts for ring in part.interiors]


def _recognised(holes: list[shapely.Polygon], lacking: gpd.GeoSeries | None) -> dict[str, shapely.Polygon]:
    """Return, by code of a commune that lacks, the hole that is its place."""
    if lacking is None or not holes:
        return {}
    places: dict[str, shapely.Polygon] = {}
    for code, outline in lacking.items():
        shared_m2 = np.array([shapely.area(shapely.intersection(hole, outline)) for hole in holes])
        best = holes[int(shared_m2.argmax())]
        if shared_m2.max() > best.area / 2:
            places[str(code)] = best
    return places


def _longest_neighbour(polygons: np.ndarray, hole: shapely.Polygon) -> int:
    return int(np.argmax(_shared_m(polygons, hole)))


def _only_neighbour(polygons: np.ndarray, hole: shapely.Polygon, may_take: np.ndarray) -> int | None:
    """Return the one polygon that may take the hole and touches it; None if there is none, or several."""
    takers = np.flatnonzero((_shared_m(polygons, hole) > 0) & may_take)
    return int(takers[0]) if len(takers) == 1 else None


def _shared_m(polygons: np.ndarray, hole: shapely.Polygon) -> np.ndarray:
    """Length of the edge that each polygon shares with the hole."""
    return np.asarray(shapely.length(shapely.intersection(polygons, hole.exterior)))


def _cleaned(polygons: np.ndarray) -> np.ndarray:
    return np.asarray(shapely.coverage_clean(polygons, gap_width=SLIVER_WIDTH_M))  # type: ignore[attr-defined]


def _rounded(geometries: np.ndarray) -> np.ndarray:
    return np.asarray(shapely.transform(geometries, lambda xy: np.round(xy, DECIMALS)))


def _multi(geometries: np.ndarray) -> np.ndarray:
    return np.array(
        [
            None
            if geometry is None
            else shapely.MultiPolygon([part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"])
            for geometry in geometries
        ],
        dtype=object,
    )
