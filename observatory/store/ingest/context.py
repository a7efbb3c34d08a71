"""The territories that a source's rows may speak of, as the database holds them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import sqlalchemy as sa

from observatory import crs
from observatory.declared import reference
from observatory.sources.context import Context
from observatory.store import tables as t
from observatory.store.ingest import closures

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from observatory.sources.structures.places import Gazetteer


@dataclass(frozen=True)
class Known(Context):
    """The territories that a source's rows may speak of, as the database holds them."""

    connection: sa.Connection

    def codes(self, level: str, *, of_region: bool = False) -> set[str]:
        """Return the codes of the territories of a level, those of the border left out if ``of_region``."""
        is_asked = sa.true() if not of_region else t.Territory.is_border.is_(False)
        query = sa.select(t.Territory.code).where(t.Territory.level == level, is_asked)
        return set(self.connection.execute(query).scalars())

    @cached_property
    def epci_names(self) -> dict[str, str]:
        """Code → name of the EPCI of the region."""
        query = sa.select(t.Territory.code, t.Territory.name).where(t.Territory.level == "epci")
        return {str(row.code): str(row.name) for row in self.connection.execute(query)}

    @cached_property
    def members(self) -> dict[str, str]:
        """Commune of the region → its EPCI; communes that have none are absent."""
        link = t.TerritoryLink
        query = sa.select(link.child_code, link.parent_code).where(
            link.child_level == "commune", link.parent_level == "epci", link.child_code.in_(self.region_communes)
        )
        return {str(row.child_code): str(row.parent_code) for row in self.connection.execute(query)}

    @cached_property
    def actors(self) -> dict[str, str]:
        """SINOE's code of an actor → SIREN of the EPCI that it is, from the table that the territories keep."""
        from observatory.sources.figures import sinoe_crosswalk

        query = sa.select(t.Zoning.value_code, t.Zoning.code).where(t.Zoning.zoning == sinoe_crosswalk.ZONING)
        return {str(row.value_code): str(row.code) for row in self.connection.execute(query)}

    @cached_property
    def successor(self) -> dict[str, str]:
        """Former commune code → present commune code."""
        import pandas as pd

        from observatory.sources.territories import history

        link = t.TerritoryLink
        query = sa.select(link.child_code, link.parent_code).where(
            link.child_level == "commune_deleguee", link.parent_level == "commune"
        )
        rows = [tuple(row) for row in self.connection.execute(query)]
        declared = reference.history()
        return history.successors(
            pd.DataFrame(rows, columns=["code", "commune_code"]),
            {**declared.border, **declared.renamed, **declared.merged},
        )

    @cached_property
    def sirets(self) -> dict[str, set[str]]:
        """Source → SIRET of its records."""
        return closures.sirets_by_source(self.connection)

    @cached_property
    def known_sirets(self) -> set[str]:
        """SIRET of every record, those said closed included."""
        return set().union(*self.sirets.values()) | closures.closed_sirets(self.connection)

    @cached_property
    def gazetteer(self) -> Gazetteer:
        """Communes to place structures in: polygons in the region, points on its border."""
        import geopandas as gpd
        import pandas as pd
        import shapely

        from observatory.sources.structures import places

        place = t.Territory
        query = sa.select(
            place.code, place.name, sa.func.ST_AsBinary(place.geom), sa.func.ST_AsBinary(place.point)
        ).where(place.level == "commune")
        rows = [tuple(row) for row in self.connection.execute(query.order_by(place.code))]
        frame = pd.DataFrame(rows, columns=["code", "name", "geometry", "point"]).set_index("code")
        communes = gpd.GeoDataFrame(
            {
                "id": frame.index,
                "name": frame["name"],
                "departement_code": frame.index.str[:2],
                "point": gpd.GeoSeries(shapely.from_wkb(frame["point"]), index=frame.index),
                "has_town_hall": True,
            },
            geometry=gpd.GeoSeries(shapely.from_wkb(frame["geometry"]), index=frame.index),
            crs=crs.STORAGE,
        )
        return places.Gazetteer(communes)

    def outlines(self, level: str) -> gpd.GeoDataFrame:
        """Return ``code`` and the outlines (EPSG:2154) of the region's territories of a level that have one."""
        import geopandas as gpd
        import shapely

        place = t.Territory
        query = sa.select(place.code, sa.func.ST_AsBinary(place.geom)).where(
            place.level == level, place.is_border.is_(False), place.geom.is_not(None)
        )
        rows = [tuple(row) for row in self.connection.execute(query.order_by(place.code))]
        return gpd.GeoDataFrame(
            {"code": [code for code, _ in rows]},
            geometry=shapely.from_wkb([outline for _, outline in rows]),
            crs=crs.STORAGE,
        )

    def figures(self, source_id: str, level: str) -> pd.DataFrame:
        """Return the loaded figures of a source at a level, in the columns of ``values``."""
        import pandas as pd

        from observatory.sources.figures.long_form import VALUE_COLUMNS

        figure = t.IndicatorValue
        columns = [getattr(figure, name) for name in VALUE_COLUMNS]
        query = sa.select(*columns).where(figure.source_id == source_id, figure.level == level)
        rows = [tuple(row) for row in self.connection.execute(query)]
        return pd.DataFrame(rows, columns=list(VALUE_COLUMNS)).astype({"value": "float64"})
