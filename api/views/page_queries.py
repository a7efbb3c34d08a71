"""What the pages ask the database beside what ``observatory.store.read`` answers to every channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from observatory.errors import UsageError
from observatory.publish.known_of_expected import with_freshness
from observatory.store import read
from observatory.store.statements import statement
from observatory.store.tables import (
    CONFIDENCES,
    Accompaniment,
    Closure,
    GapResult,
    Indicator,
    NeedResult,
    Run,
    Structure,
    StructureRecord,
    StructureService,
    Territory,
    TerritoryLink,
)

Row = dict[str, Any]
BBOX_SIZE: Final = 4
CHILD_LEVELS: Final = ("departement", "epci", "commune", "commune_deleguee", "qpv")
"""Levels listed on the page of a larger territory."""


def sources(connection: Connection) -> dict[str, Row]:
    """Return the catalogue by identifier."""
    return by_identifier(read.sources(connection))


def by_identifier(catalogue: Sequence[Row]) -> dict[str, Row]:
    """Return the rows of the catalogue by identifier, each with its age."""
    return {row["source_id"]: with_freshness(row) for row in catalogue}


def children(connection: Connection, territory: Row) -> dict[str, list[Row]]:
    """Return what a territory holds, by level; units of figures (IRIS) and study areas left out."""
    return {
        level: read.children(connection, territory["level"], territory["code"], level)
        for level in CHILD_LEVELS
        if territory["child_counts"].get(level)
    }


def rural_zones(connection: Connection, zoning: str) -> list[Row]:
    """Return the communes and inhabitants of Normandy by class of a zoning."""
    return [dict(row) for row in connection.execute(statement("161_rural_zones"), {"zoning": zoning}).mappings()]


def needs(connection: Connection, level: str, code: str) -> dict[str, Row]:
    """Return, by défi, the need of a territory with its components, from the default runs."""
    query = (
        sa.select(Run.defi, *NeedResult.__table__.columns)
        .join(NeedResult, NeedResult.run_hash == Run.run_hash)
        .where(Run.kind == "need", Run.is_default, NeedResult.level == level, NeedResult.code == code)
    )
    return {row["defi"]: dict(row) for row in connection.execute(query).mappings()}


def gaps_of(connection: Connection, level: str, code: str) -> dict[tuple[str, str], Row]:
    """Return, by défi and service, the row of a territory in the default runs."""
    rows = connection.execute(statement("162_gaps_of_territory"), {"level": level, "code": code}).mappings()
    return {(row["defi"], row["service"]): dict(row) for row in rows}


def place(connection: Connection, code: str) -> Row:
    """Return the territory that bears ``code``, the largest if several do.

    Raises
    ------
    UnknownTerritoryError
        If none does.
    """
    wanted = code.strip().upper()
    return read.territory(connection, read.territory_level(connection, wanted), wanted)


def bounds(text: str | None) -> tuple[float, float, float, float] | None:
    """Return the four numbers of ``ouest,sud,est,nord``; their range is checked where they are used.

    Raises
    ------
    UsageError
        If the text is not four numbers.
    """
    if not text:
        return None
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != BBOX_SIZE:
        raise UsageError("L’emprise doit être « ouest,sud,est,nord », en degrés (par exemple -1.5,48.5,0.5,49.5).")
    west, south, east, north = values
    return west, south, east, north


def communes_of_districts(connection: Connection) -> dict[str, list[Row]]:
    """Return, by QPV code, the communes it lies in."""
    query = (
        sa.select(TerritoryLink.child_code, Territory.level, Territory.code, Territory.name, Territory.is_partial)
        .join(
            Territory,
            sa.and_(Territory.level == TerritoryLink.parent_level, Territory.code == TerritoryLink.parent_code),
        )
        .where(TerritoryLink.child_level == "qpv", Territory.level == "commune")
        .order_by(Territory.name)
    )
    found: dict[str, list[Row]] = {}
    for row in connection.execute(query).mappings():
        found.setdefault(row["child_code"], []).append(dict(row))
    return found


def service_counts(connection: Connection) -> dict[str, Row]:
    """Return, by service, how many structures of Normandy are known, placed, active, and from which sources."""
    in_region = Structure.departement_code.in_(
        sa.select(Territory.code).where(Territory.level == "departement", sa.not_(Territory.is_border))
    )
    query = (
        sa.select(
            StructureService.service,
            sa.func.count().label("known_count"),
            sa.func.count(Structure.geom).label("placed_count"),
            sa.func.count()
            .filter(Structure.is_active, _confidence() != "doubtful", Closure.siret.is_(None))
            .label("active_count"),
            sa.func.count(Closure.siret).label("closed_count"),
            sa.func.array_agg(sa.distinct(Structure.source_id)).label("source_ids"),
        )
        .join(Structure, Structure.structure_id == StructureService.structure_id)
        .outerjoin(Closure, Closure.siret == Structure.siret)
        .where(in_region | Structure.departement_code.is_(None))
        .group_by(StructureService.service)
    )
    return {row["service"]: dict(row) for row in connection.execute(query).mappings()}


def _confidence() -> sa.ColumnElement[str]:
    """Return how sure it is that a structure offers a service: as the surest of its records that says so."""
    record = StructureRecord
    rank = sa.func.array_position(sa.literal(list(CONFIDENCES), sa.ARRAY(sa.Text)), sa.cast(record.confidence, sa.Text))
    surest = (
        sa.select(record.confidence)
        .where(
            record.structure_id == Structure.structure_id,
            sa.func.jsonb_exists(record.services, StructureService.service),
        )
        .order_by(rank)
        .limit(1)
        .scalar_subquery()
    )
    return sa.func.coalesce(surest, Structure.confidence)


def level_counts(connection: Connection) -> dict[str, int]:
    """Return how many territories of Normandy each level has."""
    query = sa.select(Territory.level, sa.func.count().label("territory_count"))
    query = query.where(sa.not_(Territory.is_border)).group_by(Territory.level)
    return {row.level: row.territory_count for row in connection.execute(query)}


def level_source(connection: Connection, level: str) -> str | None:
    """Return the source of the territories of a level."""
    query = sa.select(Territory.source_id).where(Territory.level == level, sa.not_(Territory.is_border)).limit(1)
    return connection.execute(query).scalar_one_or_none()


def towns(connection: Connection, *, limit: int) -> list[Row]:
    """Return the most populated communes of Normandy with their point in EPSG:4326."""
    point = sa.func.ST_Transform(Territory.point, 4326)
    query = (
        sa.select(Territory.name, sa.func.ST_X(point).label("lon"), sa.func.ST_Y(point).label("lat"))
        .where(Territory.level == "commune", sa.not_(Territory.is_border), Territory.point.is_not(None))
        .order_by(Territory.population_count.desc().nulls_last(), Territory.code)
        .limit(limit)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def accompaniment(connection: Connection) -> list[Row]:
    """Return the bodies that accompany projects: role, phases, devices, zone, place."""
    query = (
        sa.select(
            Structure.name,
            (Structure.is_active & Closure.siret.is_(None)).label("is_active"),
            Structure.state,
            Structure.confidence,
            Closure.siret.is_not(None).label("is_closed"),
            Closure.closed_date,
            Closure.source_id.label("closed_by"),
            Structure.place_quality,
            Structure.place_note,
            Structure.period,
            Structure.source_id,
            *Accompaniment.__table__.columns,
        )
        .join(Accompaniment, Accompaniment.structure_id == Structure.structure_id)
        .outerjoin(Closure, Closure.siret == Structure.siret)
        .order_by(Structure.name)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def indicators(connection: Connection) -> list[Row]:
    """Return what each figure means."""
    query = sa.select(*Indicator.__table__.columns).order_by(Indicator.label)
    return [dict(row) for row in connection.execute(query).mappings()]


def missing_step(connection: Connection) -> str | None:
    """Return what still lacks before the pages can be shown, in a French sentence; None when all is there."""
    if connection.execute(sa.text("SELECT to_regclass('observatory.territory')")).scalar_one() is None:
        return "Le schéma n’est pas créé : lancez « observatory ingest »."
    if connection.execute(sa.select(Territory.code).limit(1)).scalar_one_or_none() is None:
        return "L’instantané n’est pas chargé : lancez « observatory ingest »."
    computed = sa.select(GapResult.code).join(Run, Run.run_hash == GapResult.run_hash).where(Run.is_default).limit(1)
    if connection.execute(computed).scalar_one_or_none() is None:
        return "Les analyses ne sont pas calculées : lancez « observatory compute »."
    return None
