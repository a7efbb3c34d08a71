"""Frames that analysis and notebooks start from: places of demand, places of supply, membership."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from observatory.store.read.rows import frame
from observatory.store.statements import statement

if TYPE_CHECKING:
    import pandas as pd


def demand_frame(connection: sa.Connection) -> pd.DataFrame:
    """Return the communes of the region and of its border, at their town hall.

    Returns
    -------
    pandas.DataFrame
        Index: commune code. ``name, population_count`` (persons), ``x_m, y_m`` (EPSG:2154), ``is_border,
        density_level`` (1–7), ``epci_code, departement_code, region_code, zone_emploi_code`` (None on the border, but
        for a zone d'emploi that reaches into the region).
    """
    found = frame(connection, statement("140_demand")).set_index("code")
    return found.astype({"population_count": "Int64", "density_level": "Int64", "x_m": float, "y_m": float})


def supply_frame(connection: sa.Connection, service: str) -> pd.DataFrame:
    """Return the structures that offer ``service``, on both sides of the border.

    Returns
    -------
    pandas.DataFrame
        Index: structure. ``name, kind, x_m, y_m`` (EPSG:2154, NaN where the place is unknown), ``commune_code,
        density_level, is_border, zone_level, zone_code, phases`` (list, None unless it accompanies projects),
        ``place_quality, is_active, state, confidence`` (one that is ``doubtful`` counts only in what might be),
        ``is_closed, source_id``.
    """
    found = frame(connection, statement("141_supply"), {"service": service}).set_index("structure_id")
    return found.astype({"density_level": "Int64", "x_m": float, "y_m": float})


def membership_frame(connection: sa.Connection) -> pd.DataFrame:
    """Return what each commune of the region belongs to: index commune, ``epci, departement, region, zone_emploi``."""
    demand = demand_frame(connection)
    names = {f"{level}_code": level for level in ("epci", "departement", "region", "zone_emploi")}
    return demand.loc[~demand["is_border"], list(names)].rename(columns=names)
