"""What territories enter from their own files: compared with what they entered before, kept, listed, taken out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import shapely
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from observatory.declared.services import offer
from observatory.errors import UsageError
from observatory.sources.directory.directory_entry import Change, shown
from observatory.sources.directory.directory_file import Refused
from observatory.sources.territories.entered_row import Entered, Given
from observatory.store import refusal
from observatory.store import tables as t
from observatory.store.directory import directory_edits, directory_store, directory_write
from observatory.store.read.search import require_territory
from observatory.store.statements import sql, statement
from observatory.words.numbers import decimal

if TYPE_CHECKING:
    from observatory.sources.directory.directory_entry import Entry

LAYERS: Final = (*t.ENTRY_LAYERS, "permanences")
ENTRIES: Final = "saisies en place"
"""What sentences call the things that a territory entered."""
MARKER: Final = "territoires:saisie"
KIND: Final = "SAISIE_TERRITOIRE"
ENTERED: Final = tuple(name for name in Entered.__dataclass_fields__ if name != "shape")
FIELDS: Final = {
    "name": "nom",
    "service": "service",
    "address": "adresse",
    "commune_code": "commune",
    "place_quality": "précision",
    "place_score": "score de l’adresse",
    "wkt": "lieu",
    "attributes": "autres colonnes",
    "origin": "source",
    "stated_date": "date",
}


@dataclass(frozen=True)
class Outcome:
    """What an import does, or would do."""

    changes: tuple[Change, ...]
    absent_count: int
    """Things entered before that the file doesn't name and that stay."""
    refused: tuple[Refused, ...]
    notes: tuple[str, ...]
    unchanged_count: int
    row_count: int
    """Rows of the file: each is in ``refused``, or in what was added, modified or left as it is."""


def require_layer(connection: sa.Connection, territory: str, layer: str) -> None:
    """Raise unless ``territory`` is an EPCI and ``layer`` one that a territory may enter.

    Raises
    ------
    UsageError
        If the layer is unknown.
    UnknownTerritoryError
        If no EPCI bears the code.
    """
    if layer not in LAYERS:
        raise UsageError(f"La couche « {layer} » n’existe pas : choisissez parmi {', '.join(LAYERS)}.")
    require_territory(connection, "epci", territory)


def measured(
    connection: sa.Connection, territory: str, given: Sequence[Given], *, allows_outside: bool
) -> tuple[list[Given], list[Refused]]:
    """Give each thing its commune and its distance from the territory; what lies outside is refused unless allowed."""
    shapes = [shapely.to_wkb(one.shape) for one in given]
    found = connection.execute(statement("042_measure_entries"), {"shapes": shapes, "territory": territory})
    kept, refused = [], []
    for one, row in zip(given, found, strict=True):
        if row.outside_m > 0 and not allows_outside:
            far = decimal(row.outside_m / 1000)
            reason = f"à {far} km du territoire : corrigez le lieu, ou ajoutez --allow-outside s’il est voulu"
            refused.append(Refused(one.line, one.name, reason))
            continue
        kept.append(
            replace(
                one,
                commune_code=row.commune_code,
                outside_m=row.outside_m,
                lon=round(row.lon, 6),
                lat=round(row.lat, 6),
            )
        )
    return kept, refused


def import_entries(
    connection: sa.Connection,
    territory: str,
    layer: str,
    given: Sequence[tuple[int, Entered]],
    *,
    file_name: str,
    removes_absent: bool,
    accepts_fewer: bool,
    refused: list[Refused],
) -> tuple[list[Change], int, int]:
    """Keep what a file says of a layer; return what changed, how many stay unnamed, how many are unchanged.

    Parameters
    ----------
    accepts_fewer
        Take out what the file doesn't name even where it names less than half of what is there.
    given
        Line of the file, and what it says.
    refused
        Rows that were: with any, nothing is removed. Those that the database can't hold are added to it.

    Raises
    ------
    InputFileError
        If the file would remove most of what is there.
    """
    held = entered(connection, territory, layer)
    named = {one.code for _, one in given}
    if removes_absent and not accepts_fewer:
        refusal.require_half(len(named & held.keys()), len(held), ENTRIES)
    changes = []
    unchanged_count = 0
    for line, one in given:
        after = one.over(held.get(one.code))
        change = _difference(held.get(one.code), after)
        if change is None:
            unchanged_count += 1
            continue
        try:
            with connection.begin_nested():
                _save(connection, territory, layer, after, file_name)
        except refusal.REFUSALS as error:
            refused.append(Refused(line, one.name, refusal.reason(error)))
            continue
        changes.append(change)
    absent = [one for code, one in held.items() if code not in named]
    if removes_absent and not refused:
        changes += [Change("supprimé", one.code, one.name) for one in absent]
        _delete(connection, territory, layer, [one.code for one in absent])
        absent = []
    if changes and layer == "structures":
        project(connection)
    return changes, len(absent), unchanged_count


def entered(connection: sa.Connection, territory: str, layer: str) -> dict[str, Entered]:
    """Return what a territory entered in a layer, by code."""
    entry = t.TerritoryEntry
    columns = [getattr(entry, name) for name in ENTERED]
    query = sa.select(*columns, sa.func.ST_AsBinary(entry.geom).label("shape"))
    rows = connection.execute(query.where(entry.territory_code == territory, entry.layer == layer)).mappings()
    found = [Entered(**{**row, "shape": shapely.from_wkb(bytes(row["shape"]))}) for row in rows]
    return {one.code: one for one in sorted(found, key=lambda one: one.code)}


def remove(connection: sa.Connection, territory: str, layer: str, *, code: str | None = None) -> int:
    """Take out what a territory entered in a layer, or one thing of it; return how many were."""
    if layer == "permanences":
        return _remove_permanences(connection, territory, code)
    codes = [one for one in entered(connection, territory, layer) if code is None or one == code]
    _delete(connection, territory, layer, codes)
    if codes and layer == "structures":
        project(connection)
    return len(codes)


def project(connection: sa.Connection) -> None:
    """Put the local structures among the structures; without any, nothing is left of them."""
    entry = t.TerritoryEntry
    told = [getattr(entry, name) for name in ("territory_code", *ENTERED)]
    rows = connection.execute(
        sa.select(*told, sa.func.ST_AsText(entry.geom))
        .where(entry.layer == "structures")
        .order_by(entry.territory_code, entry.code)
    )
    kept = [list(row) for row in rows]
    if kept:
        directory_write.ensure_source(connection, directory_write.TYPED_SOURCE)
    connection.exec_driver_sql(sql("043_project_entries"))
    directory_write.count_records(connection)
    directory_store.write_marker(connection, MARKER, kept)


def services() -> dict[str, str]:
    """Return the services that a local structure may offer: name → label."""
    return offer().service_labels


def permanences_of(entries: Mapping[str, Entry], territory: str) -> dict[str, Entry]:
    """Return the entries of the directory of which a territory entered a permanence."""
    return {
        name: one for name, one in entries.items() if any(place.territory_code == territory for place in one.places)
    }


def _remove_permanences(connection: sa.Connection, territory: str, code: str | None) -> int:
    count = 0
    for name, one in permanences_of(directory_store.entries(connection), territory).items():
        if code is not None and code != name:
            continue
        places = tuple(place for place in one.places if place.territory_code != territory)
        count += len(one.places) - len(places)
        directory_edits.change(connection, one, replace(one, places=places), file_name="retrait", today=one.date)
    if count:
        directory_store.mark(connection)
    return count


def _difference(before: Entered | None, after: Entered) -> Change | None:
    if before is None:
        return Change("ajouté", after.code, after.name)
    fields = tuple(
        (label, _shown(getattr(before, name)), _shown(getattr(after, name)))
        for name, label in FIELDS.items()
        if getattr(before, name) != getattr(after, name)
    )
    return Change("modifié", after.code, after.name, fields) if fields else None


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return " ; ".join(f"{key} = {one}" for key, one in sorted(value.items())) or "vide"
    return shown(value)


def _save(connection: sa.Connection, territory: str, layer: str, one: Entered, file_name: str) -> None:
    row: dict[str, Any] = {name: getattr(one, name) for name in ENTERED}
    row |= {
        "territory_code": territory,
        "layer": layer,
        "file_name": file_name,
        "geom": sa.func.ST_SetSRID(sa.func.ST_GeomFromWKB(shapely.to_wkb(one.shape)), 2154),
    }
    query = insert(t.TerritoryEntry).values(**row)
    changed = {name: query.excluded[name] for name in row} | {"imported_at": sa.func.now()}
    keys = ["territory_code", "layer", "code"]
    connection.execute(query.on_conflict_do_update(index_elements=keys, set_=changed))


def _delete(connection: sa.Connection, territory: str, layer: str, codes: Sequence[str]) -> None:
    entry = t.TerritoryEntry
    connection.execute(
        sa.delete(entry).where(entry.territory_code == territory, entry.layer == layer, entry.code.in_(list(codes)))
    )
