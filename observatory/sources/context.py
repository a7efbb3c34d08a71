"""What a source's rows may speak of: the territories loaded in the database, or those of the snapshot being made."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from observatory.declared import reference

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from observatory.sources.structures.places import Gazetteer


class Context:
    """What ``normalise`` and ``tables`` of a source may ask for.

    Each is worked out when it is asked; one that a context doesn't give raises ``NotImplementedError``.
    """

    def codes(self, level: str, *, of_region: bool = False) -> set[str]:
        """Return the codes of the territories of a level, those of the border left out if ``of_region``."""
        raise NotImplementedError

    @cached_property
    def communes(self) -> set[str]:
        """Codes of the communes of the region and of its border."""
        return self.codes("commune")

    @cached_property
    def region_communes(self) -> set[str]:
        """Codes of the communes of the region."""
        return self.codes("commune", of_region=True)

    @cached_property
    def departements(self) -> set[str]:
        """Codes of the region's départements."""
        return self.codes("departement")

    @property
    def all_departements(self) -> set[str]:
        """Codes of the départements of the communes, border included."""
        return {code[:2] for code in self.communes}

    @cached_property
    def zones(self) -> set[str]:
        """Codes of the zones d'emploi."""
        return self.codes("zone_emploi")

    @cached_property
    def bassins(self) -> set[str]:
        """Codes of the bassins de vie."""
        return self.codes("bassin_vie")

    @cached_property
    def epci(self) -> set[str]:
        """Codes of the EPCI of the region."""
        return self.codes("epci")

    @property
    def epci_names(self) -> dict[str, str]:
        """Code → name of the EPCI of the region."""
        raise NotImplementedError

    @property
    def members(self) -> dict[str, str]:
        """Commune of the region → its EPCI; communes that have none are absent."""
        raise NotImplementedError

    @cached_property
    def iris(self) -> set[str]:
        """Codes of the IRIS."""
        return self.codes("iris")

    @property
    def actors(self) -> dict[str, str]:
        """SINOE's code of an actor → SIREN of the EPCI that it is, from the table that the territories keep."""
        raise NotImplementedError

    @property
    def renamed(self) -> Mapping[str, str]:
        """Former code → present code of communes that only changed code."""
        return reference.history().renamed

    @property
    def successor(self) -> dict[str, str]:
        """Former commune code → present commune code."""
        raise NotImplementedError

    @property
    def smallest_count(self) -> int:
        """Persons: fewer than this, but some, are too few to be shown."""
        return reference.secrecy().thresholds.persons

    @property
    def gazetteer(self) -> Gazetteer:
        """Communes to place structures in."""
        raise NotImplementedError

    @property
    def sirets(self) -> Mapping[str, set[str]]:
        """Source → SIRET of its records."""
        raise NotImplementedError

    @property
    def known_sirets(self) -> set[str]:
        """SIRET of every record, those said closed included."""
        raise NotImplementedError

    def outlines(self, level: str) -> gpd.GeoDataFrame:
        """Return ``code`` and the outlines (EPSG:2154) of the region's territories of a level that have one."""
        raise NotImplementedError

    def figures(self, source_id: str, level: str) -> pd.DataFrame:
        """Return the loaded figures of a source at a level, in the columns of ``values``."""
        raise NotImplementedError
