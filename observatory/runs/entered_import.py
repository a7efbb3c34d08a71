"""A territory's file brought into the database: rows placed, compared, kept; permanences go to the directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from observatory.sources.directory.directory_entry import Change, Entry, Place
from observatory.sources.directory.directory_file import Reading, Refused
from observatory.sources.structures.establishments import slug
from observatory.sources.territories.entered_row import Given, entered, normalise
from observatory.store import entered_files, refusal
from observatory.store.directory import directory_store

if TYPE_CHECKING:
    import pandas as pd

    from observatory.sources.fetch.geocode import Located


def import_layer(
    connection: Connection,
    frame: pd.DataFrame,
    *,
    territory: str,
    layer: str,
    located: Mapping[int, Located],
    file_name: str,
    today: str,
    allows_outside: bool = False,
    removes_absent: bool = False,
    accepts_fewer: bool = False,
    is_trial: bool = False,
) -> entered_files.Outcome:
    """Keep what a territory's file says of a layer, or only tell what would change.

    Parameters
    ----------
    frame
        As :func:`observatory.sources.territories.entered_file.read` returns it.
    located
        What the geocoder said of rows without coordinates, by position.
    allows_outside
        Keep what lies outside the territory, with its distance.
    removes_absent
        Take out what the file doesn't name, unless a row of it was refused.
    accepts_fewer
        Take them out even where the file names less than half of them.
    is_trial
        Everything is done, constraints of the database included, then undone.

    Raises
    ------
    InputFileError
        If the file names so little that ``removes_absent`` would take out most of what is there.
    """
    with refusal.undone(connection, is_trial=is_trial):
        services = list(entered_files.services()) if layer == "structures" else None
        given, refused, notes = normalise(frame, dict(located), today=today, services=services)
        given, outside = entered_files.measured(connection, territory, given, allows_outside=allows_outside)
        refused += outside
        if layer == "permanences":
            changes, absent, unchanged = _permanences(
                connection, given, refused, territory=territory, file_name=file_name, today=today,
                removes_absent=removes_absent,
                accepts_fewer=accepts_fewer,
            )  # fmt: skip
        else:
            changes, absent, unchanged = entered_files.import_entries(
                connection,
                territory,
                layer,
                [(one.line, entered(one, today=today)) for one in given],
                file_name=file_name,
                removes_absent=removes_absent,
                accepts_fewer=accepts_fewer,
                refused=refused,
            )
            saved = sum(one.what != "supprimé" for one in changes)
            if len(frame) != saved + unchanged + len(refused):
                raise ValueError(f"{file_name}: {len(frame)} rows, {saved} + {unchanged} + {len(refused)} told")
        ordered = sorted(refused, key=lambda one: one.line)
        return entered_files.Outcome(tuple(changes), absent, tuple(ordered), tuple(notes), unchanged, len(frame))


def _permanences(
    connection: Connection,
    given: Sequence[Given],
    refused: list[Refused],
    *,
    territory: str,
    file_name: str,
    today: str,
    removes_absent: bool,
    accepts_fewer: bool,
) -> tuple[list[Change], int, int]:
    """Give each structure of the directory its permanences in the territory."""
    context = directory_store.known(connection)
    wanted: dict[str, list[Place]] = {}
    lines: dict[str, int] = {}
    for one in given:
        name = context.identify(one.structure or one.name, None) or one.structure or ""
        if name not in context.entries:
            said = one.structure or one.name
            refused.append(
                Refused(
                    one.line, said, f"structure « {said} » absente de l’annuaire : ajoutez-la par « directory import »"
                )
            )
            continue
        wanted.setdefault(name, []).append(_place(one, territory))
        lines.setdefault(name, one.line)
    former = entered_files.permanences_of(context.entries, territory)
    if removes_absent and not accepts_fewer:
        refusal.require_half(len(wanted.keys() & former.keys()), len(former), entered_files.ENTRIES)
    removes = removes_absent and not refused
    reading = Reading(lines={context.entries[name].structure_id: lines[name] for name in wanted})
    touched = {**{name: context.entries[name] for name in wanted}, **(former if removes else {})}
    entries = [_with(one, wanted.get(name, []), territory, removes=removes) for name, one in touched.items()]
    outcome = directory_store.apply(
        connection,
        entries,
        context=context,
        reading=reading,
        file_name=file_name,
        today=today,
        removes_absent=False,
        removes_places=True,
    )
    refused += reading.refused
    absent = 0 if removes else sum(name not in wanted for name in former)
    return list(outcome.changes), absent, outcome.unchanged_count


def _with(entry: Entry, wanted: Sequence[Place], territory: str, *, removes: bool) -> Entry:
    """Return an entry with the permanences of a territory beside its other places."""
    own = [place for place in entry.places if place.territory_code == territory]
    others = [place for place in entry.places if place.territory_code != territory]
    left = {_named(place): place for place in own}
    kept = []
    for one in wanted:
        held = left.pop(_named(one), None)
        kept.append(replace(one, rank=held.rank if held else 0))
    return replace(entry, places=(*others, *([] if removes else left.values()), *kept))


def _named(place: Place) -> str:
    return slug(place.name, place.commune_code)


def _place(one: Given, territory: str) -> Place:
    return Place(
        rank=0,
        kind="permanence",
        name=one.name,
        address=one.address,
        commune_code=one.commune_code,
        lon=one.lon,
        lat=one.lat,
        days=one.days,
        phases=one.phases,
        quality=one.quality,
        note=one.note,
        territory_code=territory,
        origin=one.origin,
        date=one.date,
    )
