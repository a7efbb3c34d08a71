"""The accompaniment directory in the database: read as entries, changed by an import, put back after each load."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from observatory.declared.reference import directory_updates
from observatory.sources.directory import directory_file
from observatory.sources.directory.directory_cells import Known
from observatory.sources.directory.directory_entry import Change, Entry, Place, difference, merged
from observatory.sources.structures.establishments import slug
from observatory.store import read, refusal
from observatory.store import tables as t
from observatory.store.directory import directory_edits, directory_write
from observatory.store.ingest.context import Known as Territories
from observatory.store.migrate import LOCK_KEY
from observatory.store.read.search import SEARCH_ORDER

if TYPE_CHECKING:
    import pandas as pd

FILE: Final = "directory.toml"
MARKER: Final = "annuaire:saisie"
"""Name under which ``snapshot_file`` keeps the checksum of what was edited: results are named by it."""
FIELDS: Final = ("kind", "name", "address", "commune_code", "days", "territory_code", "origin")


@dataclass(frozen=True)
class Outcome:
    """What an import does, or would do."""

    changes: tuple[Change, ...]
    absent: tuple[Entry, ...]
    """Entries that the file doesn't name and that stay."""
    refused: tuple[directory_file.Refused, ...]
    notes: tuple[str, ...]
    row_count: int
    unchanged_count: int


def entries(connection: sa.Connection) -> dict[str, Entry]:
    """Return the directory by structure."""
    bodies = read.directory_structures(connection)
    zones = read.directory_zones(connection)
    places = read.directory_places(connection)
    at = t.AccompanimentPlace
    own = {
        (name, rank): phases
        for name, rank, phases in connection.execute(sa.select(at.structure_id, at.rank, at.phases))
    }
    by_zone = {str(key): rows for key, rows in zones.groupby("structure_id")}
    by_place = {str(key): rows for key, rows in places.groupby("structure_id")}
    found = {}
    for structure_id, row in _plain(bodies).items():
        zoned = by_zone.get(structure_id)
        first = None if zoned is None else zoned.iloc[0]
        placed = by_place.get(structure_id)
        found[structure_id] = Entry(
            structure_id=structure_id,
            name=row["name"],
            kind=row["kind"],
            siret=row["siret"],
            role=row["role"] or None,
            phases=tuple(row["phases"]),
            devices=tuple(row["devices"]),
            is_active=bool(row["is_active"]),
            website=row["website"],
            note=row["note"],
            origin=row["origin"] or "",
            date=row["stated_date"] or "",
            zones=() if zoned is None else tuple(zip(zoned["level"], zoned["code"], strict=True)),
            zones_origin="" if first is None else str(first["origin"]),
            zones_date="" if first is None else str(first["stated_date"]),
            places=() if placed is None else tuple(_place(one, own) for one in _records(placed)),
        )
    return found


def known(connection: sa.Connection) -> Known:
    """Return what the codes and names of a file may stand for."""
    current = entries(connection)
    territories = Territories(connection)
    by_siret = {one.siret: name for name, one in current.items() if one.siret}
    by_name = {slug(one.name): name for name, one in current.items()}
    removed = connection.execute(
        sa.select(t.DirectoryEdit.structure_id).where(t.DirectoryEdit.content.is_(sa.null()))
    ).scalars()
    return Known(
        levels=_levels(connection),
        identify=lambda name, siret: by_siret.get(siret or "") or by_name.get(slug(name)),
        entries=current,
        removed=frozenset(removed),
        successor=territories.successor,
        town_halls=_town_halls(connection),
    )


def import_rows(
    connection: sa.Connection,
    frame: pd.DataFrame,
    present: set[str],
    *,
    file_name: str,
    today: str,
    removes_absent: bool = False,
    accepts_fewer: bool = False,
    is_trial: bool = False,
) -> Outcome:
    """Change the directory by what a file says, or only tell what would change.

    Parameters
    ----------
    frame, present
        As :func:`observatory.sources.directory.directory_file.read` returns them.
    removes_absent
        Take out the structures and places that the file doesn't name, but those of which a row was refused.
    accepts_fewer
        Take them out even if the file names less than half of the directory.
    is_trial
        Everything is done, constraints of the database included, then undone.

    Raises
    ------
    InputFileError
        If the file names less than half of the directory, and what it doesn't name would be taken out.
    """
    context = known(connection)
    reading = directory_file.normalise(frame, present, context, today=today)
    given = _within_communes(connection, reading)
    with refusal.undone(connection, is_trial=is_trial):
        return apply(
            connection,
            given,
            context=context,
            reading=reading,
            file_name=file_name,
            today=today,
            removes_absent=removes_absent,
            accepts_fewer=accepts_fewer,
        )


def apply(
    connection: sa.Connection,
    given: Sequence[Entry],
    *,
    context: Known,
    reading: directory_file.Reading,
    file_name: str,
    today: str,
    removes_absent: bool,
    accepts_fewer: bool = False,
    removes_places: bool = False,
) -> Outcome:
    """Write the entries that differ from what is known; the same entries again change nothing.

    ``removes_places`` takes out the places that an entry no longer has, whatever becomes of the entries not given.
    What the database can't hold is refused, by the line of the file.
    """
    changes = []
    unchanged_count = 0
    safe = reading.touched
    if removes_absent and not accepts_fewer:
        named = {one.structure_id for one in given} & context.entries.keys()
        refusal.require_half(len(named), len(context.entries), "structures de l’annuaire")
    bases = directory_edits.bases(connection)
    for one in given:
        former = context.entries.get(one.structure_id)
        keeps = not (removes_absent or removes_places) or slug(one.name) in safe
        after = merged(former, one, keeps_places=keeps, today=today, base=bases.get(one.structure_id))
        change = difference(former, after)
        if change is None:
            unchanged_count += 1
            continue
        try:
            with connection.begin_nested():
                directory_edits.change(connection, former, after, file_name=file_name, today=today)
        except refusal.REFUSALS as error:
            line = reading.lines.get(one.structure_id, 0)
            reading.refused.append(directory_file.Refused(line, one.name, refusal.reason(error)))
            safe = reading.touched
            continue
        changes.append(change)
    named = {one.structure_id for one in given}
    absent = [one for name, one in context.entries.items() if name not in named and slug(one.name) not in safe]
    if removes_absent:
        for one in absent:
            changes.append(Change("supprimé", one.structure_id, one.name))
            directory_edits.change(connection, one, None, file_name=file_name)
    if changes:
        directory_write.count_records(connection)
        mark(connection)
    return Outcome(
        changes=tuple(changes),
        absent=() if removes_absent else tuple(absent),
        refused=tuple(reading.refused),
        notes=tuple(reading.notes),
        row_count=reading.row_count,
        unchanged_count=unchanged_count,
    )


def put_back(connection: sa.Connection) -> None:
    """Bring the directory up to date after a load: facts published since, then what its users entered."""
    current = entries(connection)
    halls = _town_halls(connection)
    for update in directory_updates():
        former = current.get(update.structure)
        if former is not None:
            current[former.structure_id] = directory_write.updated(former, update, halls)
            directory_write.write(connection, current[former.structure_id], source_id=directory_write.PUBLIC_SOURCE)
    directory_edits.renew(connection, entries(connection))
    directory_write.count_records(connection)
    mark(connection)


def mark(connection: sa.Connection) -> None:
    """Write the checksum of what was edited, so that results are worked out again from it."""
    edits = connection.execute(
        sa.select(t.DirectoryEdit.structure_id, t.DirectoryEdit.content).order_by(t.DirectoryEdit.structure_id)
    )
    write_marker(connection, MARKER, [[name, content] for name, content in edits])


def write_marker(connection: sa.Connection, name: str, rows: Sequence[Any]) -> None:
    """Keep the checksum of ``rows`` under ``name``; nothing is kept when there is none."""
    connection.execute(sa.delete(t.SnapshotFile).where(t.SnapshotFile.file_name == name))
    if rows:
        text = json.dumps(rows, ensure_ascii=False, sort_keys=True, default=str)
        connection.execute(
            insert(t.SnapshotFile),
            {"file_name": name, "checksum": hashlib.sha256(text.encode()).hexdigest(), "row_count": len(rows)},
        )


def take_turn(connection: sa.Connection) -> None:
    """Wait for whoever changes the reference data, so that an import is made on what it was compared with."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK_KEY)))


def commune_names(connection: sa.Connection) -> dict[str, str]:
    """Return the name of each commune."""
    query = sa.select(t.Territory.code, t.Territory.name).where(t.Territory.level == "commune")
    return {row.code: row.name for row in connection.execute(query)}


def departements(connection: sa.Connection) -> dict[str, list[str]]:
    """Return the départements of each region."""
    link = t.TerritoryLink
    query = sa.select(link.parent_code, link.child_code).where(
        link.parent_level == "region", link.child_level == "departement"
    )
    found: dict[str, list[str]] = {}
    for region, code in connection.execute(query.order_by(link.child_code)):
        found.setdefault(region, []).append(code)
    return found


def _within_communes(connection: sa.Connection, reading: directory_file.Reading) -> list[Entry]:
    """Give the places that say a point alone the commune that holds it."""
    given = []
    for one in reading.entries:
        places = tuple(
            place
            if place.commune_code or place.lon is None or place.lat is None
            else replace(place, commune_code=directory_write.commune_at(connection, place.lon, place.lat))
            for place in one.places
        )
        given.append(replace(one, places=places))
    return given


def _levels(connection: sa.Connection) -> dict[str, tuple[str, ...]]:
    rank = {level: position for position, level in enumerate(SEARCH_ORDER)}
    found: dict[str, list[str]] = {}
    query = sa.select(t.Territory.code, t.Territory.level).where(t.Territory.level != "iris")
    for code, level in connection.execute(query):
        found.setdefault(code, []).append(level)
    return {code: tuple(sorted(levels, key=rank.__getitem__)) for code, levels in found.items()}


def _town_halls(connection: sa.Connection) -> dict[str, tuple[float, float]]:
    point = sa.func.ST_Transform(t.Territory.point, 4326)
    query = sa.select(t.Territory.code, sa.func.ST_X(point), sa.func.ST_Y(point)).where(
        t.Territory.level == "commune", t.Territory.point.is_not(None)
    )
    return {code: (round(lon, 6), round(lat, 6)) for code, lon, lat in connection.execute(query)}


def _place(row: dict[str, Any], own: dict[tuple[str, int], list[str]]) -> Place:
    has_point = row["lon"] is not None
    return Place(
        rank=int(row["rank"]),
        lon=float(row["lon"]) if has_point else None,
        lat=float(row["lat"]) if has_point else None,
        phases=tuple(own[row["structure_id"], row["rank"]]),
        quality=row["place_quality"],
        note=row["place_note"],
        confidence=row["confidence"],
        date=row["stated_date"],
        **{name: row[name] for name in FIELDS},
    )


def _plain(frame: pd.DataFrame) -> dict[str, dict[str, Any]]:
    return {str(row.pop("structure_id")): row for row in _records(frame.reset_index())}


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(key): value for key, value in row.items()} for row in plain.to_dict("records")]
