"""Where a structure is: its point, its commune, how it is known, and what is doubtful about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Transformer

from observatory import crs
from observatory.sources.structures import slug

POOR_SCORE: Final = 0.5
"""Geocoding scores under this are said to be doubtful (convention de l'observatoire)."""
FAR_M: Final = 2_000.0
"""A point this far from the commune of its address is said to be doubtful (convention de l'observatoire)."""
TOO_FAR_M: Final = 20_000.0
"""A point this far from the commune of its address is not kept (convention de l'observatoire)."""
COAST_M: Final = 1_000.0
"""A point out of every polygon but this near one is in it: quays, simplified coast (convention de l'observatoire)."""
WORDS: Final = {"st": "saint", "ste": "sainte", "sts": "saints"}
CEDEX: Final = re.compile(r"-cedex(-\d+)?$")

TOWN_HALL_NOTE: Final = "Placée à la mairie de sa commune : la source ne donne pas de point."
TOWN_HALL_FAR_NOTE: Final = (
    "Placée à la mairie de sa commune : le point de la source en est à plus de {distance_km:.0f} km."
)
CENTRE_NOTE: Final = "Placée au centre de sa commune par la source."
UNKNOWN_NOTE: Final = "Lieu inconnu : la source ne donne ni adresse ni commune."
DEPARTEMENT_NOTE: Final = "Lieu inconnu : la source ne donne que le département."
SURFACE_NOTE: Final = "Placée au milieu de sa commune : ni la source ni la mairie ne donnent de point."
SWAPPED_NOTE: Final = "Longitude et latitude étaient inversées dans la source."
POOR_NOTE: Final = "Adresse géolocalisée avec un faible score ({score:.2f}) : position à vérifier."
FAR_NOTE: Final = "Le point est à {distance_km:.1f} km de la commune de son adresse ({name}) : position à vérifier."
ELSEWHERE_NOTE: Final = "Adresse dans le département {departement}, point dans le {found} : à vérifier."


@dataclass(frozen=True, eq=False)
class Gazetteer:
    """Communes to find a place in.

    ``communes``: GeoDataFrame in EPSG:2154 indexed by code, with ``name, departement_code, point`` (town hall, or a
    point of the surface) and ``has_town_hall``. ``by_post_code`` and ``by_departement``: (place code, commune's name)
    → commune, certain matches only.
    """

    communes: gpd.GeoDataFrame
    by_post_code: dict[tuple[str, str], str]
    by_departement: dict[tuple[str, str], str]


def gazetteer(communes: gpd.GeoDataFrame, delegated: pd.DataFrame, post_codes: pd.DataFrame) -> Gazetteer:
    """Build a gazetteer; a commune déléguée's name leads to its commune of today.

    Parameters
    ----------
    communes
        Indexed by code: ``id, name, departement_code, point, has_town_hall`` and polygons (null if unknown).
    delegated
        ``id, name, commune_code``.
    post_codes
        ``commune_id, post_code``.
    """
    own = pd.DataFrame({"id": communes["id"], "name": communes["name"], "commune_code": communes.index})
    names = pd.concat([own, delegated[["id", "name", "commune_code"]]], ignore_index=True)
    names = names[names["commune_code"].isin(communes.index)]
    names = names.assign(
        key=names["name"].map(city_key),
        departement=names["commune_code"].map(communes["departement_code"]),
    )
    coded = names.merge(post_codes, left_on="id", right_on="commune_id")
    parents = delegated.merge(own[["id", "commune_code"]], on="commune_code", suffixes=("", "_commune"))
    through = parents.merge(post_codes, left_on="id_commune", right_on="commune_id")
    through = through.assign(key=through["name"].map(city_key))[["post_code", "key", "commune_code"]]
    coded = pd.concat([coded[["post_code", "key", "commune_code"]], through], ignore_index=True)
    return Gazetteer(
        communes=communes,
        by_post_code=_certain(coded.rename(columns={"post_code": "place"})),
        by_departement=_certain(names.rename(columns={"departement": "place"})),
    )


def city_key(name: str | None) -> str:
    """Return a city's name reduced to what tells it apart: ``"ST LO CEDEX 9"`` and ``"Saint-Lô"`` are the same."""
    plain = CEDEX.sub("", slug(name))
    return "-".join(WORDS.get(word, word) for word in plain.split("-"))


def locate(records: pd.DataFrame, places: Gazetteer) -> pd.DataFrame:
    """Give each record its commune, its point and their quality.

    Parameters
    ----------
    records
        Columns of :func:`observatory.sources.structures.normalise`.

    Returns
    -------
    pandas.DataFrame
        ``records`` with ``commune_code`` and ``departement_code`` completed where it is certain, and ``point_x_m,
        point_y_m`` (EPSG:2154)``, place_quality, place_note``.
    """
    lon, lat, is_swapped = _in_order(records["lon"], records["lat"])
    x_m, y_m = Transformer.from_crs(crs.EXCHANGE, crs.STORAGE, always_xy=True).transform(lon, lat)
    has_point = np.isfinite(x_m) & np.isfinite(y_m)
    points = np.where(has_point, shapely.points(np.where(has_point, x_m, 0.0), np.where(has_point, y_m, 0.0)), None)
    found = _containing(points, places.communes)
    claimed = _claimed(records, places)
    rows = []
    for position, record in enumerate(records.itertuples(index=False)):
        rows.append(
            _place(
                record,
                point=points[position],
                found=found[position],
                claimed=claimed[position],
                is_swapped=bool(is_swapped[position]),
                communes=places.communes,
            )
        )
    placed = pd.DataFrame(rows, index=records.index)
    departement = placed["commune_code"].map(places.communes["departement_code"])
    return records.assign(
        commune_code=placed["commune_code"],
        departement_code=departement.where(departement.notna(), records["departement_code"]),
        point_x_m=placed["point_x_m"],
        point_y_m=placed["point_y_m"],
        place_quality=placed["place_quality"],
        place_note=placed["place_note"],
    )


def _place(
    record: tuple[object, ...],
    *,
    point: shapely.Point | None,
    found: str | None,
    claimed: str | None,
    is_swapped: bool,
    communes: gpd.GeoDataFrame,
) -> dict[str, object]:
    """Decide one record's place; a certain address wins over a point far away from it."""
    notes = [SWAPPED_NOTE] if is_swapped else []
    commune = claimed or found
    distance_m = _distance_m(point, claimed, communes)
    if point is not None and distance_m <= TOO_FAR_M and commune is not None:
        quality = "commune_centre" if record.is_commune_centre else "address"  # type: ignore[attr-defined]
        notes += _doubts(record, claimed=claimed, found=found, distance_m=distance_m, communes=communes)
        if claimed is not None and found is not None and distance_m <= FAR_M and not record.is_commune_centre:  # type: ignore[attr-defined]
            commune = found
        return _placed(commune, point, quality, notes)
    if commune is None:
        note = DEPARTEMENT_NOTE if isinstance(record.departement_code, str) else UNKNOWN_NOTE  # type: ignore[attr-defined]
        return _placed(None, None, "unknown", [note])
    row = communes.loc[commune]
    if point is not None:
        notes.append(TOWN_HALL_FAR_NOTE.format(distance_km=distance_m / 1000))
    elif row["has_town_hall"]:
        notes.append(TOWN_HALL_NOTE)
    if not row["has_town_hall"]:
        notes.append(SURFACE_NOTE)
        return _placed(commune, row["point"], "commune_centre", notes)
    return _placed(commune, row["point"], "town_hall", notes)


def _doubts(
    record: tuple[object, ...],
    *,
    claimed: str | None,
    found: str | None,
    distance_m: float,
    communes: gpd.GeoDataFrame,
) -> list[str]:
    notes = []
    if record.is_commune_centre:  # type: ignore[attr-defined]
        notes.append(CENTRE_NOTE)
    score = record.geocoding_score  # type: ignore[attr-defined]
    if score < POOR_SCORE:
        notes.append(POOR_NOTE.format(score=score))
    if claimed is not None and distance_m > FAR_M:
        notes.append(FAR_NOTE.format(distance_km=distance_m / 1000, name=communes.at[claimed, "name"]))
    departement = record.departement_code  # type: ignore[attr-defined]
    if claimed is None and found is not None and isinstance(departement, str):
        actual = communes.at[found, "departement_code"]
        if actual != departement:
            notes.append(ELSEWHERE_NOTE.format(departement=departement, found=actual))
    return notes


def _placed(commune: str | None, point: shapely.Point | None, quality: str, notes: list[str]) -> dict[str, object]:
    return {
        "commune_code": commune,
        "point_x_m": None if point is None else round(float(point.x), 1),
        "point_y_m": None if point is None else round(float(point.y), 1),
        "place_quality": quality,
        "place_note": " ".join(notes) or None,
    }


def _distance_m(point: shapely.Point | None, claimed: str | None, communes: gpd.GeoDataFrame) -> float:
    """Metres from a point to the commune of its address (its polygon, or its town hall); 0 if either is unknown."""
    if point is None or claimed is None:
        return 0.0
    polygon = communes.geometry.loc[claimed]
    return float(shapely.distance(point, communes.at[claimed, "point"] if polygon is None else polygon))


def _in_order(lon: pd.Series, lat: pd.Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Put longitude and latitude back in order: in mainland France a latitude is over 40 and a longitude under 10."""
    east, north = lon.to_numpy(dtype=float), lat.to_numpy(dtype=float)
    is_swapped = (east > 40) & (north < 10)  # noqa: PLR2004
    return np.where(is_swapped, north, east), np.where(is_swapped, east, north), is_swapped


def _containing(points: np.ndarray, communes: gpd.GeoDataFrame) -> list[str | None]:
    """Return the commune that holds each point, or the nearest one within ``COAST_M``."""
    with_polygon = communes[communes.geometry.notna()]
    tree = shapely.STRtree(with_polygon.geometry.to_numpy())
    found: list[str | None] = [None] * len(points)
    for position, point in enumerate(points):
        if point is None:
            continue
        near = tree.query_nearest(point, max_distance=COAST_M, all_matches=True)
        if len(near):
            found[position] = str(min(with_polygon.index[near]))
    return found


def _claimed(records: pd.DataFrame, places: Gazetteer) -> list[str | None]:
    """Return the commune that the address names, where it is certain."""
    claimed: list[str | None] = []
    for code, post_code, city, departement in zip(
        records["commune_code"], records["post_code"], records["city"], records["departement_code"], strict=True
    ):
        if isinstance(code, str) and code in places.communes.index:
            claimed.append(code)
            continue
        key = city_key(city if isinstance(city, str) else None)
        post = post_code if isinstance(post_code, str) else ""
        where = departement if isinstance(departement, str) else post[:2]
        match = places.by_post_code.get((post, key)) or places.by_departement.get((where, key))
        claimed.append(match if key else None)
    return claimed


def _certain(names: pd.DataFrame) -> dict[tuple[str, str], str]:
    """(place, key) → commune, where only one commune answers."""
    pairs = names[["place", "key", "commune_code"]].drop_duplicates()
    single = pairs[~pairs.duplicated(["place", "key"], keep=False)]
    keys = zip(single["place"], single["key"], strict=True)
    return dict(zip(keys, single["commune_code"], strict=True))
