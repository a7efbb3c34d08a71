"""The accompaniment directory as it stands: who accompanies which phases, in which zones, at which places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from observatory.store.read.rows import frame
from observatory.store.statements import statement
from observatory.store.tables import Accompaniment, AccompanimentZone, Structure

if TYPE_CHECKING:
    import pandas as pd


def directory_structures(connection: sa.Connection) -> pd.DataFrame:
    """Return the structures of the directory.

    Returns
    -------
    pandas.DataFrame
        Index: structure. ``name, kind, siret, role, phases`` and ``devices`` (lists), ``note, website, is_active``
        (False: only announced, or closed, never counts), ``state, confidence, origin, stated_date`` (who says role,
        phases and devices, and when), ``source_id``.
    """
    body = Accompaniment
    query = (
        sa.select(
            Structure.structure_id,
            Structure.name,
            Structure.kind,
            Structure.siret,
            body.role,
            body.phases,
            body.devices,
            body.note,
            body.website,
            Structure.is_active,
            Structure.state,
            Structure.confidence,
            body.origin,
            body.stated_date,
            Structure.source_id,
        )
        .join(body, body.structure_id == Structure.structure_id)
        .order_by(Structure.structure_id)
    )
    return frame(connection, query).set_index("structure_id")


def directory_zones(connection: sa.Connection) -> pd.DataFrame:
    """Return the zones of intervention: ``structure_id, level, code, origin, stated_date``.

    A structure without any row has no known zone.
    """
    zone = AccompanimentZone
    query = sa.select(zone.structure_id, zone.level, zone.code, zone.origin, zone.stated_date)
    return frame(connection, query.order_by(zone.structure_id, zone.level, zone.code))


def directory_places(connection: sa.Connection) -> pd.DataFrame:
    """Return the places of the directory, those of projects included.

    Returns
    -------
    pandas.DataFrame
        ``structure_id, rank, kind`` (``siege``, ``lieu`` or ``permanence``), ``name, address, commune_code, days,
        phases`` (list: those of the place, else of the structure), ``x_m, y_m`` (EPSG:2154, NaN where unknown),
        ``lon, lat``, ``density_level`` (1–7), ``is_border, is_active, place_quality, place_note, confidence``
        (``likely``: plausible, no page says it; ``doubtful``: a guess), ``structure_confidence, territory_code``
        (EPCI that entered it), ``origin, stated_date``.
    """
    found = frame(connection, statement("164_directory_places"))
    return found.astype({"density_level": "Int64", **dict.fromkeys(("x_m", "y_m", "lon", "lat"), float)})
