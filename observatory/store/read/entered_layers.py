"""What territories entered from their own files: candidate sites, friches, local structures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from observatory.errors import UsageError
from observatory.store.read.rows import frame
from observatory.store.statements import statement
from observatory.store.tables import ENTRY_LAYERS

if TYPE_CHECKING:
    import pandas as pd


def site_candidates(connection: sa.Connection, territory: str, layer: str | None = "candidats") -> pd.DataFrame:
    """Return what a territory entered in a layer, at points where a site may be.

    The checksums of the database don't hold them: who works something out from candidates names it by them too.

    Parameters
    ----------
    territory
        Code of the territory that entered them (an EPCI's SIREN).
    layer
        ``candidats``, ``friches`` or ``structures``; None: all.

    Returns
    -------
    pandas.DataFrame
        Index: code, unique in its territory and layer. ``name, layer, territory_code, address, commune_code,
        density_level`` (1–7), ``x_m, y_m`` (EPSG:2154; inside the outline of an area), ``area_m2`` (NaN for a point),
        ``place_quality, place_score, place_note, outside_m`` (metres from the territory), ``attributes`` (the file's
        other columns, as text), ``origin, stated_date``.

    Raises
    ------
    UsageError
        If the layer is unknown.
    """
    if layer is not None and layer not in ENTRY_LAYERS:
        raise UsageError(f"La couche « {layer} » n’existe pas : choisissez parmi {', '.join(ENTRY_LAYERS)}.")
    found = frame(connection, statement("165_site_candidates"), {"territory": territory, "layer": layer})
    numbers = dict.fromkeys(("x_m", "y_m", "area_m2", "place_score", "outside_m"), float)
    return found.set_index("code").astype({"density_level": "Int64", **numbers})


def territory_layers(connection: sa.Connection) -> list[dict[str, Any]]:
    """Return one row per territory and layer entered, permanences included, in the order of their names.

    Returns
    -------
    list of dict
        ``territory_code, territory_name, layer, entry_count, file_name, imported_at, origins``.
    """
    return [dict(row) for row in connection.execute(statement("166_territory_layers")).mappings()]
