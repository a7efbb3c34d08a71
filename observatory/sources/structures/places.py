"""Where a structure is: its point, its commune, how it is known, and what is doubtful about it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Transformer

from observatory import crs
from observatory.sources.structures.establishments import slug
from observatory.words import place_notes

POOR_SCORE: Final = 0.5
"""Geocoding scores under this are said to be doubtful (convention de l'observatoire)."""
FAR_M: Final = 2_000.0
"""A point this far from the commune of its address is said to be doubtful (convention de l'observatoire)."""
TOO_FAR_M: Final = 20_000.0
"""A point this far from the commune of its address is not kept (convention de l'observatoire)."""
COAST_M: Final = 1_000.0
"""A point out of every polygon but this near one is in it: quays, simplified coast (convention de l'observatoire)."""
SOUTHERNMOST_LAT: Final = 41.0
EASTERNMOST_LON: Final = 10.0
"""Degrees; metropolitan France lies north of the one and west of the other: beyond, the two were swapped."""
WORDS: Final = {"st": "saint", "ste": "sainte", "sts": "saints"}
CEDEX: Final = re.compile(r"-cedex(-\d+)?$")


@dataclass(frozen=True, eq=False)
class Gazetteer:
    """Communes to find a place in; a commune déléguée's name leads to its commune of today.

    Names are only looked at for a record that doesn't give the code of its commune.

    Parameters
    ----------
    communes
        GeoDataFrame in EPSG:2154 indexed by code: ``id, name, departement_code, point`` (town hall, or a point of the
        surface), ``has_town_hall`` and polygons (null if unknown).
    delegated
        ``id, name, commune_code``.
    post_codes
        ``commune_id, post_code``.
    """

    communes: gpd.GeoDataFrame
    delegated: pd.DataFrame = field(default_factory=lambda: _nothing("id", "name", "commune_code"))
    post_codes: pd.DataFrame = field(default_factory=lambda: _nothing("commune_id", "post_code"))

    _by_departement: dict[str, dict[str, str]] = field(default_factory=dict, init=False, repr=False)

    def commune_of(self, post_code: str, departement_code: str, key: str) -> str | None:
        """Return the commune that a post code, or else a département, and a city's name (its key) tell for certain."""
        return self.by_post_code.get((post_code, key)) or self.in_departement(departement_code).get(key)

    def in_departement(self, code: str) -> dict[str, str]:
        """Return name's key → commune in a département, certain matches only."""
        if code not in self._by_departement:
            names = self._names
            own = _keyed(names[names["departement"].eq(code)]).rename(columns={"departement": "place"})
            self._by_departement[code] = {key: commune for (_, key), commune in _certain(own).items()}
        return self._by_departement[code]

    @cached_property
    def by_post_code(self) -> dict[tuple[str, str], str]:
        """(Post code, commune's name) → commune, certain matches only."""
        if self.post_codes.empty:
            return {}
        coded = _keyed(self._names).merge(self.post_codes, left_on="id", right_on="commune_id")
        parents = self.delegated.merge(self._own[["id", "commune_code"]], on="commune_code", suffixes=("", "_commune"))
        through = parents.merge(self.post_codes, left_on="id_commune", right_on="commune_id")
        through = _keyed(through)[["post_code", "key", "commune_code"]]
        coded = pd.concat([coded[["post_code", "key", "commune_code"]], through], ignore_index=True)
        return _certain(coded.rename(columns={"post_code": "place"}))

    @cached_property
    def _own(self) -> pd.DataFrame:
        communes = self.communes
        return pd.DataFrame({"id": communes["id"], "name": communes["name"], "commune_code": communes.index})

    @cached_property
    def _names(self) -> pd.DataFrame:
        names = pd.concat([self._own, self.delegated[["id", "name", "commune_code"]]], ignore_index=True)
        names = names[names["commune_code"].isin(self.communes.index)]
        return names.assign(departement=names["commune_code"].map(self.communes["departement_code"]))


def _keyed(names: pd.DataFrame) -> pd.DataFrame:
    return names.assign(key=names["name"].map(city_key))


def _nothing(*columns: str) -> pd.DataFrame:
    return pd.DataFrame({name: [] for name in columns}, dtype=object)


def city_key(name: str | None) -> str:
    """Return a city's name reduced to what tells it apart: ``"ST LO CEDEX 9"`` and ``"Saint-Lô"`` are the same."""
    plain = CEDEX.sub("", slug(name))
    return "-".join(WORDS.get(word, word) for word in plain.split("-"))


@dataclass(frozen=True)
class _Address:
    """What a record says of its place, and what was found of it."""

    departement_code: str | None
    geocoding_score: float
    is_commune_centre: bool
    is_swapped: bool
    claimed: str | None
    """Commune that the address names."""
    found: str | None
    """Commune that holds the point."""
    point: shapely.Point | None


@dataclass(frozen=True)
class _Place:
    commune_code: str | None
    point: shapely.Point | None
    place_quality: str
    notes: tuple[str, ...]


def locate(records: pd.DataFrame, places: Gazetteer) -> pd.DataFrame:
    """Give each record its commune, its point and their quality.

    Parameters
    ----------
    records
        Columns of :func:`observatory.sources.structures.establishments.normalise`.

    Returns
    -------
    pandas.DataFrame
        ``records`` with ``commune_code`` and ``departement_code`` completed where it is certain, and ``point_x_m,
        point_y_m`` (EPSG:2154)``, place_quality, place_note``.
    """
    found = [_place(address, places.communes) for address in _addresses(records, places)]
    commune_code = pd.Series([place.commune_code for place in found], index=records.index, dtype=object)
    departement = commune_code.map(places.communes["departement_code"])
    points = np.array([place.point for place in found], dtype=object)
    return records.assign(
        commune_code=commune_code,
        departement_code=departement.where(departement.notna(), records["departement_code"]),
        point_x_m=np.round(shapely.get_x(points), 1),
        point_y_m=np.round(shapely.get_y(points), 1),
        place_quality=[place.place_quality for place in found],
        place_note=pd.Series([" ".join(place.notes) or None for place in found], index=records.index, dtype=object),
    )


def _addresses(records: pd.DataFrame, places: Gazetteer) -> list[_Address]:
    lon, lat, is_swapped = _in_order(records["lon"], records["lat"])
    x_m, y_m = Transformer.from_crs(crs.EXCHANGE, crs.STORAGE, always_xy=True).transform(lon, lat)
    points = [
        shapely.Point(x, y) if math.isfinite(x) and math.isfinite(y) else None for x, y in zip(x_m, y_m, strict=True)
    ]
    return [
        _Address(
            departement_code=departement if isinstance(departement, str) else None,
            geocoding_score=float(score),
            is_commune_centre=bool(is_centre),
            is_swapped=bool(swapped),
            claimed=claimed,
            found=found,
            point=point,
        )
        for departement, score, is_centre, swapped, claimed, found, point in zip(
            records["departement_code"],
            records["geocoding_score"],
            records["is_commune_centre"],
            is_swapped,
            _claimed(records, places),
            _containing(points, places.communes),
            points,
            strict=True,
        )
    ]


def _place(address: _Address, communes: gpd.GeoDataFrame) -> _Place:
    """Decide one record's place; a certain address wins over a point far away from it."""
    swapped = (place_notes.SWAPPED,) if address.is_swapped else ()
    commune = address.claimed or address.found
    distance_m = _distance_m(address, communes)
    if commune is None:
        note = place_notes.DEPARTEMENT_ONLY if address.departement_code else place_notes.UNKNOWN
        return _Place(None, None, "unknown", (*swapped, note))
    if address.point is not None and distance_m <= TOO_FAR_M:
        notes = (*swapped, *_doubts(address, distance_m, communes))
        if address.is_commune_centre:
            return _Place(commune, address.point, "commune_centre", notes)
        is_near = distance_m <= FAR_M and address.found is not None
        return _Place(address.found if is_near else commune, address.point, "address", notes)
    return _at_town_hall(commune, address, distance_m, communes)


def _at_town_hall(commune: str, address: _Address, distance_m: float, communes: gpd.GeoDataFrame) -> _Place:
    has_town_hall = bool(communes["has_town_hall"].loc[commune])
    notes = []
    if address.point is not None:
        notes.append(place_notes.TOO_FAR.format(source="la source", distance=f"{distance_m / 1000:.0f}"))
    notes.append(place_notes.TOWN_HALL.format(source="la source") if has_town_hall else place_notes.SURFACE)
    quality = "town_hall" if has_town_hall else "commune_centre"
    return _Place(commune, communes["point"].loc[commune], quality, tuple(notes))


def _doubts(address: _Address, distance_m: float, communes: gpd.GeoDataFrame) -> list[str]:
    notes = [place_notes.CENTRE] if address.is_commune_centre else []
    if address.geocoding_score < POOR_SCORE:
        notes.append(place_notes.POOR.format(score=address.geocoding_score))
    if address.claimed is not None and distance_m > FAR_M:
        notes.append(place_notes.FAR.format(distance_km=distance_m / 1000, name=communes["name"].loc[address.claimed]))
    if address.claimed is None and address.found is not None and address.departement_code is not None:
        actual = communes["departement_code"].loc[address.found]
        if actual != address.departement_code:
            notes.append(place_notes.ELSEWHERE.format(departement=address.departement_code, found=actual))
    return notes


def _distance_m(address: _Address, communes: gpd.GeoDataFrame) -> float:
    """Metres from the point to the commune of the address (its polygon, or its town hall); 0 if either is unknown."""
    if address.point is None or address.claimed is None:
        return 0.0
    polygon = communes.geometry.loc[address.claimed]
    return float(
        shapely.distance(address.point, communes["point"].loc[address.claimed] if polygon is None else polygon)
    )


def _in_order(lon: pd.Series, lat: pd.Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Put longitude and latitude back in order."""
    east, north = lon.to_numpy(dtype=float), lat.to_numpy(dtype=float)
    is_swapped = (east > SOUTHERNMOST_LAT) & (north < EASTERNMOST_LON)
    return np.where(is_swapped, north, east), np.where(is_swapped, east, north), is_swapped


def _containing(points: list[shapely.Point | None], communes: gpd.GeoDataFrame) -> list[str | None]:
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
        claimed.append(places.commune_of(post, where, key) if key else None)
    return claimed


def _certain(names: pd.DataFrame) -> dict[tuple[str, str], str]:
    """(place, key) → commune, where only one commune answers."""
    pairs = names[["place", "key", "commune_code"]].drop_duplicates()
    single = pairs[~pairs.duplicated(["place", "key"], keep=False)]
    keys = zip(single["place"], single["key"], strict=True)
    return dict(zip(keys, single["commune_code"], strict=True))
