"""The accompaniment directory as a table that people edit: one row per structure and place, lists between « | »."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pandas as pd

from observatory.sources.batch import LINE, MALFORMED, NOTES, REPEATED_HEADER
from observatory.sources.directory import directory_cells
from observatory.sources.directory.directory_cells import CellError, Known, choice, require_no_error
from observatory.sources.directory.directory_entry import KINDS, PLACE_KINDS, Entry, Place
from observatory.sources.directory.directory_wording import as_known, worded
from observatory.sources.formats import dates
from observatory.sources.formats.cell_text import REPEATED_REASON, unquoted
from observatory.sources.formats.tables import columns_present, read_table
from observatory.sources.structures.establishments import CONTACT, slug
from observatory.sources.structures.structure_file import clean

COLUMNS: Final = {
    "identifiant": ("identifiant", "id"),
    "nom": ("nom", "structure"),
    "type": ("type", "type de structure"),
    "siret": ("siret",),
    "role": ("rôle", "role", "description"),
    "phases": ("phases",),
    "dispositifs": ("dispositifs",),
    "zones": ("zones", "zones d'intervention"),
    "etat": ("état", "etat"),
    "site_web": ("site web", "site_web"),
    "remarque": ("remarque",),
    "source": ("source",),
    "date": ("date",),
    "source_zones": ("source des zones", "source_zones"),
    "date_zones": ("date des zones", "date_zones"),
    "lieu_numero": ("numéro du lieu", "lieu_numero"),
    "lieu_type": ("type de lieu", "lieu_type"),
    "lieu_nom": ("nom du lieu", "lieu_nom"),
    "adresse": ("adresse",),
    "code_commune": ("code commune", "code_commune", "code insee"),
    "longitude": ("longitude", "lon"),
    "latitude": ("latitude", "lat"),
    "precision": ("précision", "precision"),
    "jours": ("jours",),
    "lieu_phases": ("phases du lieu", "lieu_phases"),
    "lieu_remarque": ("remarque du lieu", "lieu_remarque"),
    "territoire": ("territoire",),
    "lieu_source": ("source du lieu", "lieu_source"),
    "lieu_date": ("date du lieu", "lieu_date"),
}
"""Our name of a column → its headings; the first is the one that exports write."""
HEADINGS: Final = {name: headings[0] for name, headings in COLUMNS.items()}
"""Our name of a column → how exports and messages name it."""
EXAMPLE: Final = "EXEMPLE À REMPLACER"
DATES: Final = ("date", "date_zones", "lieu_date")
OF_PLACE: Final = tuple(COLUMNS)[list(COLUMNS).index("lieu_numero") :]


@dataclass(frozen=True)
class Refused:
    """A row that was not taken, and why, in French."""

    line: int
    name: str
    reason: str


@dataclass(frozen=True)
class _When:
    """How the dates of a file are read."""

    today: str
    is_month_first: bool

    def told(self, text: str | None, known: str) -> str:
        """Return the date of a cell; ``known`` is the one that the directory has there."""
        return directory_cells.date_told(text, self.today, known=known, is_month_first=self.is_month_first)


@dataclass(eq=False)
class Reading:
    """What a file says: entries, refused rows, and what was left out of rows that stay."""

    entries: list[Entry] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    row_count: int = 0
    lines: dict[str, int] = field(default_factory=dict)
    """Structure → the first line of the file that names it."""

    @property
    def touched(self) -> set[str]:
        """Names of the structures of which a row was refused: nothing of theirs is removed."""
        return {slug(one.name) for one in self.refused}


def read(path: Path) -> tuple[pd.DataFrame, set[str]]:
    """Read a CSV or XLSX as text; return its rows and the names of the columns that it has.

    Raises
    ------
    InputFileError
        If the file can't be read for certain, or has no column of names.
    """
    optional = [name for name in COLUMNS if name != "nom"]
    frame = read_table(path, COLUMNS, optional=optional, missing=frozenset({""}))
    said = {name: frame[name].map(unquoted, na_action="ignore") for name in COLUMNS}
    return frame.assign(**said), columns_present(path, COLUMNS)


def normalise(frame: pd.DataFrame, present: set[str], known: Known, *, today: str) -> Reading:
    """Turn rows into entries, one per structure, in the order of the file.

    Parameters
    ----------
    frame
        As :func:`read` returns it.
    present
        Columns of the file; for the others, what is known stays.
    today
        ISO date: no fact is of a later one.
    """
    reading = Reading(row_count=len(frame), notes=list(frame.attrs.get(NOTES, ())))
    when = _When(today, dates.has_month_first(text for name in DATES for text in frame[name] if isinstance(text, str)))
    found: dict[str, Entry] = {}
    lines = reading.lines
    for row in frame.to_dict("records"):
        plain = {str(name): value if isinstance(value, str) else None for name, value in row.items()}
        line = int(row[LINE])
        try:
            _require_whole(row)
            require_no_error(plain, HEADINGS)
            entry = _entry(plain, present, known, when=when)
            before = found.get(entry.structure_id)
            if before is not None:
                entry = _same(before, plain, present, known, when=when, line=lines[entry.structure_id])
        except CellError as refusal:
            reading.refused.append(Refused(line, plain.get("nom") or plain.get("identifiant") or "", str(refusal)))
            continue
        found[entry.structure_id] = entry
        lines.setdefault(entry.structure_id, line)
        hidden = [name for name, text in plain.items() if text and CONTACT.search(text)]
        if hidden:
            reading.notes.append(f"ligne {line} : coordonnées personnelles retirées ({', '.join(hidden)})")
    reading.entries = list(found.values())
    return reading


def _require_whole(row: Mapping[Any, Any]) -> None:
    """Refuse what a reader couldn't cut into columns, and a header that comes back."""
    if isinstance(row.get(MALFORMED), str):
        raise CellError(str(row[MALFORMED]))
    if row.get(REPEATED_HEADER) is True:
        raise CellError(REPEATED_REASON)


def _entry(row: Mapping[str, str | None], present: set[str], known: Known, *, when: _When) -> Entry:
    name = clean(row["nom"])
    if name is None:
        raise CellError("nom absent")
    if name.startswith(EXAMPLE):
        raise CellError("ligne d’exemple du modèle : remplacez-la ou supprimez-la")
    named = known.entries.get(row["identifiant"] or known.identify(name, None) or "")
    siret = directory_cells.siret(row["siret"], named.siret if named else None)
    identifier = row["identifiant"] or known.identify(name, siret)
    current = known.entries.get(identifier or "")
    own = f"saisie_territoire:{slug(name)}"
    if row["identifiant"] and current is None and row["identifiant"] not in {*known.removed, own}:
        raise CellError(f"identifiant « {row['identifiant']} » inconnu : laissez-le vide pour une structure nouvelle")
    given = _facts(row, present, known, current, siret=siret)
    if given["kind"] is None:
        raise CellError(f"type de structure absent : écrivez {', '.join(KINDS)}")
    place = _place(row, known, when=when, current=current)
    source = worded(clean(row["source"]), current.origin if current else None) or ""
    told = when.told(row["date"], current.date if current else "")
    said = "" if current is not None and source == current.origin else source  # that one spoke of the zones on its own
    entry = Entry(
        structure_id=identifier or own,
        name=name,
        origin=source,
        date=told,
        zones_origin=clean(row["source_zones"]) or said,
        zones_date=when.told(row["date_zones"], current.zones_date if current else "") or (told if said else ""),
        places=(place,) if place else (),
        **given,
    )
    return as_known(entry, current)


def _facts(
    row: Mapping[str, str | None], present: set[str], known: Known, current: Entry | None, *, siret: str | None
) -> dict[str, Any]:
    """Return what a row says of its structure; where the file has no such column, what is known stays."""
    given: dict[str, Any] = {
        "kind": choice(row["type"], KINDS, "type de structure"),
        "siret": siret,
        "role": clean(row["role"]),
        "phases": directory_cells.phases(row["phases"]),
        "devices": tuple(filter(None, (clean(one) for one in directory_cells.listed(row["dispositifs"])))),
        "zones": directory_cells.zones(row["zones"], known),
        "is_active": choice(row["etat"], directory_cells.STATES, "état", default=True),
        "website": directory_cells.website(row["site_web"]),
        "note": clean(row["remarque"]),
    }
    columns = {"kind": "type", "devices": "dispositifs", "is_active": "etat", "website": "site_web", "note": "remarque"}
    if current is not None:
        for key in given:
            column = columns.get(key, key)
            if column not in present or (key == "kind" and row["type"] is None):
                given[key] = getattr(current, key)
    return given


def _same(
    before: Entry,
    row: Mapping[str, str | None],
    present: set[str],
    known: Known,
    *,
    when: _When,
    line: int,
) -> Entry:
    """Return ``before`` with the place of a further row, whose facts of the structure are the same or left empty."""
    again = _entry(row, present, known, when=when)
    checks = {"type": "kind", "role": "role", "phases": "phases", "dispositifs": "devices", "zones": "zones",
              "etat": "is_active", "siret": "siret"}  # fmt: skip
    for column, attribute in checks.items():
        if row[column] is not None and getattr(again, attribute) != getattr(before, attribute):
            raise CellError(f"contredit la ligne {line} sur « {COLUMNS[column][0]} » : écrivez la même chose, ou rien")
    taken = {one.rank for one in before.places if one.rank}
    if any(one.rank in taken for one in again.places):
        raise CellError("numéro de lieu déjà pris par une autre ligne de la structure : laissez-le vide")
    return replace(before, places=before.places + again.places)


def _place(row: Mapping[str, str | None], known: Known, *, when: _When, current: Entry | None) -> Place | None:
    if not any(row[name] for name in OF_PLACE if name != "lieu_numero"):
        return None
    number = row["lieu_numero"] or "0"
    ranks = {one.rank: one.date for one in current.places} if current else {}
    if not number.isdigit() or (current and int(number) and int(number) not in ranks):
        raise CellError(f"numéro de lieu « {number} » inconnu : laissez-le vide pour un lieu nouveau")
    kind = choice(row["lieu_type"], {name: name for name in PLACE_KINDS}, "type de lieu")
    if kind is None:
        raise CellError(f"type de lieu absent : écrivez {', '.join(PLACE_KINDS)}")
    commune = directory_cells.commune_code(row["code_commune"], known)
    lon, lat, quality = directory_cells.point(row, commune, known)
    territory = row["territoire"]
    if territory is not None and "epci" not in known.levels.get(territory, ()):
        raise CellError(f"territoire « {territory} » inconnu : écrivez le SIREN d’une intercommunalité")
    return Place(
        rank=int(number),
        kind=kind,
        name=clean(row["lieu_nom"]),
        address=clean(row["adresse"]),
        commune_code=commune,
        lon=lon,
        lat=lat,
        days=clean(row["jours"]),
        phases=directory_cells.phases(row["lieu_phases"]),
        quality=quality,
        note=clean(row["lieu_remarque"]),
        territory_code=territory,
        origin=clean(row["lieu_source"]) or clean(row["source"]) or "",
        date=when.told(row["lieu_date"], ranks.get(int(number), ""))
        or when.told(row["date"], current.date if current else ""),
    )
