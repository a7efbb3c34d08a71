"""Vector tiles of the map: what each layer holds, worked out in PostGIS, kept in advance where that pays."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from observatory.errors import UsageError
from observatory.store.statements import statement
from observatory.store.tables import IngestRun, Tile

TERRITORY_LAYERS: Final = {
    "communes": "commune",
    "epci": "epci",
    "departements": "departement",
    "qpv": "qpv",
    "communes-deleguees": "commune_deleguee",
}
"""Layers of plain territories, with their level; density and FRR class are properties of the communes."""
GAP_LAYER: Final = "lacunes"
STRUCTURE_LAYER: Final = "structures"
LAYERS: Final = (*TERRITORY_LAYERS, GAP_LAYER, STRUCTURE_LAYER)

ZOOM_MAX: Final = 14
KEPT_ZOOMS: Final = range(5, 10)
"""Zooms whose tiles hold many polygons and are few: they are kept once worked out."""
COARSE_ZOOM_MAX: Final = 8
COARSE_EXTENT: Final = 2048
FINE_EXTENT: Final = 4096
"""Grid of a tile: 2048 cells up to zoom 8 (at most a third of a pixel), the format's usual 4096 above."""


@dataclass(frozen=True)
class TileRequest:
    """One tile of one layer; ``level`` and ``run_hash`` where the layer shows a gap analysis."""

    layer: str
    zoom: int
    column: int
    row: int
    level: str | None = None
    run_hash: str | None = None

    @property
    def extent(self) -> int:
        """Cells on a side of the tile's grid."""
        return COARSE_EXTENT if self.zoom <= COARSE_ZOOM_MAX else FINE_EXTENT


def require_tile(layer: str, zoom: int, column: int, row: int) -> None:
    """Check the address of a tile.

    Raises
    ------
    UsageError
        If the layer is unknown, the zoom out of bounds, or the tile off the world.
    """
    if layer not in LAYERS:
        raise UsageError(f"La couche « {layer} » n’existe pas : choisissez parmi {', '.join(LAYERS)}.")
    if not 0 <= zoom <= ZOOM_MAX:
        raise UsageError(f"Le zoom {zoom} n’existe pas : choisissez de 0 à {ZOOM_MAX}.")
    if not (0 <= column < 2**zoom and 0 <= row < 2**zoom):
        raise UsageError(f"La tuile {column}, {row} est hors du monde : au zoom {zoom}, de 0 à {2**zoom - 1}.")


def data_version(connection: Connection) -> str:
    """Return a short mark of what is loaded: it changes with each load, and with it the tiles kept."""
    last = connection.execute(
        sa.select(sa.func.max(IngestRun.run_id)).where(IngestRun.status == "loaded")
    ).scalar_one_or_none()
    return hashlib.sha256(str(last).encode()).hexdigest()[:8]


def tile(connection: Connection, request: TileRequest) -> bytes:
    """Return a tile: the one kept if there is one, else worked out, and kept if its zoom is worth it.

    Parameters
    ----------
    connection
        The caller owns the transaction, which must be able to write.

    Returns
    -------
    bytes
        Mapbox Vector Tile; empty where the layer has nothing there.
    """
    if request.zoom not in KEPT_ZOOMS:
        return _worked_out(connection, request)
    key = {
        "layer": ":".join(
            part for part in (request.layer, request.level, request.run_hash, data_version(connection)) if part
        ),
        "zoom": request.zoom,
        "column": request.column,
        "row": request.row,
    }
    kept = connection.execute(sa.select(Tile.content).filter_by(**key)).scalar_one_or_none()
    if kept is not None:
        return bytes(kept)
    content = _worked_out(connection, request)
    etag = hashlib.sha256(content).hexdigest()[:24]
    connection.execute(insert(Tile).values(**key, etag=etag, content=content).on_conflict_do_nothing())
    return content


def _worked_out(connection: Connection, request: TileRequest) -> bytes:
    place = {"zoom": request.zoom, "column": request.column, "row": request.row}
    if request.layer == STRUCTURE_LAYER:
        content = connection.execute(statement("152_tile_structures"), place).scalar_one_or_none()
    elif request.layer == GAP_LAYER:
        content = connection.execute(
            statement("151_tile_gaps"),
            place
            | {
                "layer": GAP_LAYER,
                "level": request.level,
                "run_hash": request.run_hash,
                "extent": request.extent,
            },
        ).scalar_one_or_none()
    else:
        content = connection.execute(
            statement("150_tile_territories"),
            place | {"layer": request.layer, "level": TERRITORY_LAYERS[request.layer], "extent": request.extent},
        ).scalar_one_or_none()
    return bytes(content or b"")
