"""Write an entry of the directory: its body, zones and places, the structure that bears it, and what it offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from observatory.declared import catalogue
from observatory.declared.reference import DirectoryUpdate
from observatory.declared.services import offer
from observatory.errors import InputFileError
from observatory.sources.directory import accompaniment, accompaniment_pages
from observatory.sources.directory.directory_entry import Entry, Place
from observatory.sources.structures import service_rules, standing
from observatory.store import tables as t
from observatory.store.statements import statement
from observatory.words.labels import PHASES

TYPED_SOURCE: Final = "saisie_territoire"
PUBLIC_SOURCE: Final = "annuaire_accompagnement"
OWNED: Final = (accompaniment.SOURCE_ID, accompaniment_pages.SOURCE_ID, TYPED_SOURCE, PUBLIC_SOURCE)
"""Sources of structures that the directory describes alone; another source's own facts are left as they are."""


def write(connection: sa.Connection, entry: Entry, *, source_id: str, today: str = "") -> None:
    """Put an entry in place of what the tables say of its structure."""
    ensure_source(connection, source_id)
    _structure(connection, entry, source_id=source_id, today=today)
    zone = entry.zones[0] if entry.zones else (None, None)
    body = {
        "structure_id": entry.structure_id,
        "role": entry.role or "",
        "phases": list(entry.phases),
        "devices": list(entry.devices),
        "zone_level": zone[0],
        "zone_code": zone[1],
        "note": entry.note,
        "website": entry.website,
        "origin": entry.origin,
        "stated_date": entry.date,
    }
    query = insert(t.Accompaniment).values(body)
    changed = {name: query.excluded[name] for name in body if name != "structure_id"}
    connection.execute(query.on_conflict_do_update(index_elements=["structure_id"], set_=changed))
    for table in (t.AccompanimentZone, t.AccompanimentPlace):
        connection.execute(sa.delete(table).where(table.structure_id == entry.structure_id))
    if entry.zones:
        told = {"structure_id": entry.structure_id, "origin": entry.zones_origin, "stated_date": entry.zones_date}
        connection.execute(
            sa.insert(t.AccompanimentZone), [{**told, "level": level, "code": code} for level, code in entry.zones]
        )
    if entry.places:
        connection.execute(
            sa.insert(t.AccompanimentPlace).values([_place_row(entry.structure_id, one) for one in entry.places])
        )
    _services(connection, entry)


def delete(connection: sa.Connection, structure_id: str) -> None:
    """Take a structure out of the directory; one that another source names too stays a structure."""
    found = connection.execute(
        sa.select(t.Structure.source_id).where(t.Structure.structure_id == structure_id)
    ).scalar()
    if found in OWNED:
        connection.execute(sa.delete(t.Structure).where(t.Structure.structure_id == structure_id))
        return
    for table in (t.AccompanimentPlace, t.AccompanimentZone, t.Accompaniment):
        connection.execute(sa.delete(table).where(table.structure_id == structure_id))
    offered = t.StructureService
    connection.execute(
        sa.delete(offered).where(offered.structure_id == structure_id, offered.service == "accompagnement")
    )


def updated(entry: Entry, update: DirectoryUpdate, halls: Mapping[str, tuple[float, float]]) -> Entry:
    """Return an entry with the facts that ``geodata/directory.toml`` states of it, their source and their date."""
    told: dict[str, Any] = {"origin": update.source, "date": update.date}
    changed = update.model_dump(include={"role", "website", "is_active", "phases", "devices"}, exclude_unset=True)
    if changed:
        changed |= told
    if update.note is not None:
        changed["note"] = update.note
    if update.zones:
        zones = tuple((level, code) for level, _, code in (one.partition(":") for one in update.zones))
        changed |= {"zones": zones, "zones_origin": told["origin"], "zones_date": told["date"]}
    if update.place is not None:
        place = update.place.model_dump(exclude_unset=True)
        hall = halls.get(update.place.commune_code)
        lon, lat = hall or (None, None)
        quality = "town_hall" if hall else "unknown"
        changed["places"] = (Place(rank=1, **place, lon=lon, lat=lat, quality=quality, **told),)
    return replace(entry, **changed)


def ensure_source(connection: sa.Connection, source_id: str) -> None:
    """Declare the source that users' own facts are filed under, if the loaded catalogue hasn't."""
    declared = catalogue.source(source_id)
    row = {name: getattr(declared, name) for name in ("title", "producer", "licence", "url", "vintage", "coverage")}
    connection.execute(insert(t.Source).values(source_id=source_id, **row).on_conflict_do_nothing())


def count_records(connection: sa.Connection) -> None:
    """Say how much the sources of the directory hold."""
    record = t.StructureRecord
    held = sa.select(sa.func.count()).where(record.source_id == t.Source.source_id).scalar_subquery()
    sources = (TYPED_SOURCE, PUBLIC_SOURCE)
    connection.execute(sa.update(t.Source).where(t.Source.source_id.in_(sources)).values(row_count=held))


def commune_at(connection: sa.Connection, lon: float, lat: float) -> str | None:
    """Return the commune that holds a point; beyond the outlines known, the one whose town hall is the nearest."""
    found = connection.execute(statement("041_commune_at"), {"lon": lon, "lat": lat}).scalar()
    return None if found is None else str(found)


def point_of(lon: float | None, lat: float | None) -> sa.ColumnElement[Any] | None:
    """Return the point of (lon, lat) as the tables hold it."""
    if lon is None or lat is None:
        return None
    point = sa.func.ST_SetSRID(sa.func.ST_MakePoint(lon, lat), 4326)
    return sa.func.ST_Transform(point, 2154)


def _structure(connection: sa.Connection, entry: Entry, *, source_id: str, today: str) -> None:
    """Write the structure itself, unless another source describes it: that one's own facts stay."""
    table = t.Structure
    held = connection.execute(
        sa.select(table.source_id, table.state).where(table.structure_id == entry.structure_id)
    ).one_or_none()
    if held is not None and held.source_id not in OWNED:
        return
    is_said = held is not None and (held.state in standing.ACTIVE) == entry.is_active
    seat = _seat(entry)
    commune = seat.commune_code if seat else None
    row: dict[str, Any] = {
        "name": entry.name,
        "kind": entry.kind,
        "siret": entry.siret,
        "address": seat.address if seat else None,
        "commune_code": commune,
        "departement_code": commune[:2] if commune else None,
        "place_quality": seat.quality if seat else "unknown",
        "place_note": seat.note if seat else None,
        "is_active": entry.is_active,
        "state": held.state if held is not None and is_said else "open" if entry.is_active else "announced",
        "period": max(entry.date, entry.zones_date, *(one.date for one in entry.places)) or today,
        "source_id": source_id,
        "geom": point_of(seat.lon, seat.lat) if seat else None,
    }
    query = insert(table).values(structure_id=entry.structure_id, **row)
    connection.execute(query.on_conflict_do_update(index_elements=["structure_id"], set_=row))
    record = {"structure_id": entry.structure_id, "name": entry.name, "kind": entry.kind, "siret": entry.siret}
    named = insert(t.StructureRecord).values(source_id=source_id, record_id=entry.structure_id, rule="unique", **record)
    connection.execute(named.on_conflict_do_update(index_elements=["source_id", "record_id"], set_=record))


def _seat(entry: Entry) -> Place | None:
    """Return the place that stands for the structure: its seat, else its first place of its own."""
    for kind in ("siege", "lieu"):
        for one in entry.places:
            if one.kind == kind:
                return one
    return None


def _place_row(structure_id: str, place: Place) -> dict[str, Any]:
    return {
        "structure_id": structure_id,
        "rank": place.rank,
        "kind": place.kind,
        "name": place.name,
        "address": place.address,
        "commune_code": place.commune_code,
        "days": place.days,
        "phases": list(place.phases),
        "place_quality": place.quality,
        "place_note": place.note,
        "confidence": place.confidence,
        "territory_code": place.territory_code,
        "origin": place.origin,
        "stated_date": place.date,
        "geom": point_of(place.lon, place.lat),
    }


def _services(connection: sa.Connection, entry: Entry) -> None:
    """Write the services of the entry's kind and phases, each with its reason."""
    declared = offer()
    offered = t.StructureService
    connection.execute(
        sa.delete(offered).where(offered.structure_id == entry.structure_id, offered.service == "accompagnement")
    )
    if entry.kind not in declared.kinds:
        raise InputFileError(f"Le type « {entry.kind} » n’est pas déclaré dans geodata/services.toml.")
    rows = service_rules.of_kind(entry.kind, declared)
    accompanies = declared.services["accompagnement"]
    told = [PHASES[one] for one in accompanies.phases if one in entry.phases]
    if told and entry.kind not in accompanies.never:
        said = f"Phases accompagnées selon « {entry.origin} » ({entry.date}) : {', '.join(told)}."
        rows["accompagnement"] = said
    for service, reason in rows.items():
        query = insert(offered).values(structure_id=entry.structure_id, service=service, reason=reason)
        connection.execute(query.on_conflict_do_nothing())
