"""The layers that can be taken away: what is known and what is worked out, each with its sources."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from observatory import crs
from observatory.errors import UsageError
from observatory.gap.columns import COLUMNS, COUNTS
from observatory.publish import gap_rows
from observatory.runs.need import small_counts
from observatory.store import read, tables

TERRITORY_LAYERS: Final = (
    "region",
    "departement",
    "epci",
    "commune",
    "commune_deleguee",
    "qpv",
    "bassin_vie",
    "zone_emploi",
)
COORDINATE_DECIMALS: Final = 6
"""About ten centimetres (RFC 7946, section 11.2)."""
GAP_PREFIX: Final = "gaps"


@dataclass(frozen=True)
class Layer:
    """Rows of one subject, with the sources of every figure in them."""

    name: str
    frame: pd.DataFrame
    """A ``GeoDataFrame`` in EPSG:4326 where the subject has a place; a plain frame otherwise."""
    sources: pd.DataFrame
    description: str
    """One French sentence."""


def read_layer(connection: Connection, name: str, *, study_path: Path | None = None) -> Layer:
    """Read a layer by name: a level, ``structures``, ``services``, ``zonings``, ``values``, ``sources``, ``gaps-…``.

    Parameters
    ----------
    study_path
        Study of a ``gaps-…`` layer; None: the observatory's.

    Raises
    ------
    UsageError
        If there is no such layer; the sentence lists them.
    """
    if name in TERRITORY_LAYERS:
        return _layer(connection, name, _territories(connection, name), f"Territoires de niveau {name}.")
    if name in READERS:
        reader, description = READERS[name]
        return _layer(connection, name, reader(connection), description)
    parts = name.split("-")
    if parts[0] == GAP_PREFIX and len(parts) == 4:  # noqa: PLR2004  (gaps, défi, service, level)
        return _gaps(connection, name, study_path)
    known = ", ".join([*TERRITORY_LAYERS, *READERS])
    raise UsageError(f"La couche « {name} » n’existe pas : choisissez parmi {known}, ou « gaps-défi-service-niveau ».")


def territory_shapes(connection: Connection, level: str, *, with_border: bool = False) -> gpd.GeoDataFrame:
    """Return the territories of a level with their polygon.

    Returns
    -------
    geopandas.GeoDataFrame
        Index: code. EPSG:2154; columns of ``tables.Territory`` but the point; geometry null where there is no polygon.
    """
    table = tables.Territory
    columns = [column for column in table.__table__.columns if column.name not in {"geom", "point"}]
    query = sa.select(*columns, sa.func.ST_AsBinary(table.geom).label("geometry")).where(table.level == level)
    if not with_border:
        query = query.where(table.is_border.is_(False))
    frame = _geographic(connection, query.order_by(table.code))
    return frame.set_index("code", drop=False).rename_axis(None)


def structure_points(connection: Connection, service: str | None = None) -> gpd.GeoDataFrame:
    """Return the structures, in EPSG:2154, with a null geometry where the place is unknown.

    ``is_active`` is false for those that a register says closed: ``is_closed``, with ``closed_date`` and ``closed_by``.

    Parameters
    ----------
    service
        Only those that offer it. None: all.
    """
    table, closure = tables.Structure, tables.Closure
    columns = [column for column in table.__table__.columns if column.name not in {"geom", "is_active"}]
    query = sa.select(*columns, *_state(), sa.func.ST_AsBinary(table.geom).label("geometry"))
    query = query.outerjoin(closure, closure.siret == table.siret)
    if service is not None:
        offers = tables.StructureService
        query = query.join(offers, offers.structure_id == table.structure_id).where(offers.service == service)
    return _geographic(connection, query.order_by(table.structure_id))


def _state() -> list[sa.Label[Any]]:
    """Return what is said of a structure's activity, over an outer join with what is closed."""
    structure, closure = tables.Structure, tables.Closure
    is_closed = closure.siret.is_not(None)
    return [
        sa.and_(structure.is_active, ~is_closed).label("is_active"),
        is_closed.label("is_closed"),
        closure.closed_date.label("closed_date"),
        closure.source_id.label("closed_by"),
    ]


def _territories(connection: Connection, level: str) -> gpd.GeoDataFrame:
    return territory_shapes(connection, level, with_border=True).to_crs(crs.EXCHANGE)


def _structures(connection: Connection) -> gpd.GeoDataFrame:
    return structure_points(connection).to_crs(crs.EXCHANGE)


def _services(connection: Connection) -> pd.DataFrame:
    offers, structure = tables.StructureService, tables.Structure
    query = (
        sa.select(offers.service, structure.structure_id, structure.name, structure.kind, offers.reason)
        .add_columns(*_state(), structure.commune_code, structure.source_id)
        .join(structure, structure.structure_id == offers.structure_id)
        .outerjoin(tables.Closure, tables.Closure.siret == structure.siret)
        .order_by(offers.service, structure.structure_id)
    )
    return pd.read_sql(query, connection)


def _zonings(connection: Connection) -> pd.DataFrame:
    return _plain(connection, tables.Zoning)


def _values(connection: Connection) -> pd.DataFrame:
    return small_counts.published(connection, _plain(connection, tables.IndicatorValue))


def _catalogue(connection: Connection) -> pd.DataFrame:
    return _sources(connection, None)


def _plain(connection: Connection, table: type[Any]) -> pd.DataFrame:
    return pd.read_sql(sa.select(table.__table__).order_by(*table.__table__.primary_key.columns), connection)


def _gaps(connection: Connection, name: str, study_path: Path | None) -> Layer:
    _, defi, service, level = name.split("-")
    report = gap_rows.gap_report(connection, defi=defi, service=service, level=level, study_path=study_path)
    rows = pd.DataFrame(report.rows, columns=list(COLUMNS))
    rows = rows.astype(dict.fromkeys(COUNTS, "Int64"))
    rows["run"] = report.run_hash
    shapes = territory_shapes(connection, level).geometry.to_crs(crs.EXCHANGE)
    frame = gpd.GeoDataFrame(rows, geometry=shapes.reindex(rows["code"]).array, crs=crs.EXCHANGE)
    return Layer(
        name=name,
        frame=frame,
        sources=pd.DataFrame(report.sources),
        description=f"Lacunes du service {service} pour le défi {defi}, calcul {report.run_hash}.",
    )


def _layer(connection: Connection, name: str, frame: pd.DataFrame, description: str) -> Layer:
    columns = [column for column in frame.columns if column.endswith("source_id")]
    used = {str(value) for column in columns for value in frame[column].dropna().unique()}
    return Layer(name=name, frame=frame, sources=_sources(connection, used), description=description)


def _sources(connection: Connection, used: Iterable[str] | None) -> pd.DataFrame:
    wanted = None if used is None else set(used)
    rows = [row for row in read.sources(connection) if wanted is None or row["source_id"] in wanted]
    return pd.DataFrame(rows)


def _geographic(connection: Connection, query: sa.Select[Any]) -> gpd.GeoDataFrame:
    frame = pd.DataFrame(connection.execute(query).mappings().all(), columns=[c.name for c in query.selected_columns])
    shapes = gpd.GeoSeries.from_wkb(frame.pop("geometry").map(_bytes), crs=crs.STORAGE)
    for column in frame.columns:
        if column.endswith("_count"):
            frame[column] = frame[column].astype("Float64" if column == "capacity_count" else "Int64")
    return gpd.GeoDataFrame(frame, geometry=shapes.to_numpy(), crs=crs.STORAGE)


def _bytes(value: object) -> bytes | None:
    return bytes(value) if isinstance(value, bytes | memoryview) else None


READERS: Final[dict[str, tuple[Callable[[Connection], pd.DataFrame], str]]] = {
    "structures": (_structures, "Structures recensées, une fois chacune."),
    "services": (_services, "Services offerts par chaque structure, et pourquoi."),
    "zonings": (_zonings, "Classement des communes par zonage."),
    "values": (
        _values,
        "Chiffres, un par ligne, avec leur période, leur statut et leur source ; petits comptes sous secret.",
    ),
    "sources": (_catalogue, "Catalogue des sources."),
}
