"""An entry of the accompaniment directory: a structure, its zones and its places, each group with who says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from observatory.sources.directory.accompaniment import KINDS

TYPED: Final = "saisie du territoire"
"""Who says what a file gives without its source."""
BEFORE: Final = TYPED + " (avant : {origin}, {date})"
"""Who says what a file changes while it leaves the former source beside it."""
PLACE_KINDS: Final = ("siege", "lieu", "permanence")
BODY: Final = {
    "name": "nom",
    "kind": "type",
    "siret": "siret",
    "role": "rôle",
    "phases": "phases",
    "devices": "dispositifs",
    "is_active": "état",
    "website": "site web",
    "note": "remarque",
}
"""Facts of a structure → what the reader calls them."""
PLACE: Final = {
    "kind": "type de lieu",
    "name": "nom du lieu",
    "address": "adresse",
    "commune_code": "commune",
    "lon": "longitude",
    "lat": "latitude",
    "days": "jours",
    "phases": "phases du lieu",
    "quality": "précision",
    "note": "remarque du lieu",
    "territory_code": "territoire",
}


@dataclass(frozen=True)
class Place:
    """A seat, a place or a permanence; ``rank`` names it within its structure, 0 while it has no name yet."""

    rank: int
    kind: str
    name: str | None = None
    address: str | None = None
    commune_code: str | None = None
    lon: float | None = None
    lat: float | None = None
    days: str | None = None
    phases: tuple[str, ...] = ()
    quality: str = "unknown"
    note: str | None = None
    territory_code: str | None = None
    origin: str = ""
    date: str = ""
    confidence: str = "sure"
    """``likely`` or ``doubtful`` where no page says that somebody receives there; whoever changes it is sure."""

    @property
    def facts(self) -> dict[str, Any]:
        """What is said of the place, without who says it."""
        return {name: getattr(self, name) for name in PLACE}

    @property
    def label(self) -> str:
        """How to name it to a reader."""
        return " ".join(filter(None, (self.kind, self.name or self.address or self.commune_code)))


@dataclass(frozen=True)
class Entry:
    """A structure of the directory; what is not known is None or empty."""

    structure_id: str
    name: str
    kind: str
    siret: str | None = None
    role: str | None = None
    phases: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    is_active: bool = True
    website: str | None = None
    note: str | None = None
    origin: str = ""
    date: str = ""
    zones: tuple[tuple[str, str], ...] = ()
    """(level, code) of each territory."""
    zones_origin: str = ""
    zones_date: str = ""
    places: tuple[Place, ...] = field(default=())

    @property
    def facts(self) -> dict[str, Any]:
        """What is said of the structure itself."""
        return {name: getattr(self, name) for name in BODY}

    def as_content(self) -> dict[str, Any]:
        """Return the entry as JSON holds it."""
        return asdict(self)

    @staticmethod
    def of_content(content: Mapping[str, Any]) -> Entry:
        """Return the entry that :meth:`as_content` wrote."""
        places = tuple(Place(**{**one, "phases": tuple(one["phases"])}) for one in content["places"])
        lists = {name: tuple(content[name]) for name in ("phases", "devices")}
        zones = tuple((str(level), str(code)) for level, code in content["zones"])
        return Entry(**{**content, **lists, "zones": zones, "places": places})


@dataclass(frozen=True)
class Change:
    """What an import does to one thing: ``ajouté``, ``modifié`` or ``supprimé``, and field by field what differs."""

    what: str
    code: str
    name: str
    fields: tuple[tuple[str, str, str], ...] = ()
    """(field, before, after), as shown."""


def difference(before: Entry | None, after: Entry | None) -> Change | None:
    """Return what tells two states of an entry apart; None if nothing does."""
    if before is None or after is None:
        one = after or before
        if one is None:
            return None
        return Change("supprimé" if after is None else "ajouté", one.structure_id, one.name)
    fields = [
        (label, shown(before.facts[name]), shown(after.facts[name]))
        for name, label in BODY.items()
        if before.facts[name] != after.facts[name]
    ]
    fields += _told("source", (before.origin, before.date), (after.origin, after.date))
    if set(before.zones) != set(after.zones):
        fields.append(("zones", _zones(before), _zones(after)))
    fields += _told(
        "source des zones", (before.zones_origin, before.zones_date), (after.zones_origin, after.zones_date)
    )
    fields += _places(before, after)
    return Change("modifié", after.structure_id, after.name, tuple(fields)) if fields else None


def shown(value: object) -> str:
    """Return a value as the diff shows it."""
    if value is None or value in ((), ""):
        return "vide"
    if isinstance(value, bool):
        return "actif" if value else "projet"
    if isinstance(value, tuple):
        return " | ".join(str(one) for one in value)
    return str(value)


def _told(label: str, before: tuple[str, str], after: tuple[str, str]) -> list[tuple[str, str, str]]:
    if before == after:
        return []
    former, present = (", ".join(filter(None, one)) or "vide" for one in (before, after))
    return [(label, former, present)]


def _zones(entry: Entry) -> str:
    return shown(tuple(f"{level}:{code}" for level, code in entry.zones))


def _places(before: Entry, after: Entry) -> list[tuple[str, str, str]]:
    former, present = ({one.rank: one for one in entry.places} for entry in (before, after))
    fields = []
    for rank in sorted({*former, *present}):
        old, new = former.get(rank), present.get(rank)
        if old is None or new is None:
            fields.append((f"lieu {rank}", old.label if old else "vide", new.label if new else "vide"))
            continue
        fields += [
            (f"lieu {rank}, {label}", shown(old.facts[name]), shown(new.facts[name]))
            for name, label in PLACE.items()
            if old.facts[name] != new.facts[name]
        ]
        fields += _told(f"lieu {rank}, source", (old.origin, old.date), (new.origin, new.date))
    return fields


def merged(current: Entry | None, given: Entry, *, keeps_places: bool, today: str, base: Entry | None = None) -> Entry:
    """Return what an entry becomes when ``given`` says it anew.

    Who says a fact: the source that comes with it; else « saisie du territoire » and ``today``, where it differs from
    what was known. A fact that changes while its former source is left beside it is the territory's own, and says so.
    A fact that is again what it was before its first edit is said by who said it then.

    Parameters
    ----------
    current
        The entry as it is, if it is there.
    given
        What the file says; a place whose ``rank`` is 0 is matched by its kind and name, else added.
    keeps_places
        True: places that the file doesn't name stay.
    base
        The entry before its first edit, if it was edited.
    """
    old = current or replace(given, origin="", date="", zones_origin="", zones_date="", places=())
    body = _provenance(
        is_same=current is not None and current.facts == given.facts,
        former=(old.origin, old.date),
        told=(given.origin, given.date),
        today=today,
        first=(base.origin, base.date) if base and base.facts == given.facts else None,
    )
    zones = _provenance(
        is_same=current is not None and set(current.zones) == set(given.zones),
        former=(old.zones_origin, old.zones_date),
        told=(given.zones_origin, given.zones_date),
        today=today,
        first=(base.zones_origin, base.zones_date)
        if base is not None and set(base.zones) == set(given.zones)
        else None,
    )
    if not given.zones:
        zones = ("", "")
    return replace(
        given,
        zones=next((one.zones for one in (base, current) if one and set(one.zones) == set(given.zones)), given.zones),
        origin=body[0],
        date=body[1],
        zones_origin=zones[0],
        zones_date=zones[1],
        places=_merged_places(
            old.places, given.places, keeps=keeps_places, today=today, base=base.places if base else ()
        ),
    )


def _provenance(
    *,
    is_same: bool,
    former: tuple[str, str],
    told: tuple[str, str],
    today: str,
    first: tuple[str, str] | None,
) -> tuple[str, str]:
    """Return who says a group of facts, and when; ``first`` said the same before the first edit."""
    replaced = BEFORE.format(origin=told[0], date=told[1])
    is_own = told[0].startswith(TYPED) and told[0] == former[0]
    if first is not None and (not told[0] or is_own or told == first):
        return first
    if is_same and former[0]:
        is_kept = not told[0] or is_own or former[0] == replaced or told == former
        return former if is_kept else (told[0], told[1] or today)
    if not told[0] or is_own:
        return told[0] or TYPED, today
    if told == former or former[0] == replaced:
        return replaced, today
    return told[0], told[1] or today


def _merged_places(
    former: tuple[Place, ...], given: tuple[Place, ...], *, keeps: bool, today: str, base: tuple[Place, ...]
) -> tuple[Place, ...]:
    known = {one.rank: one for one in former}
    left = dict(known)
    first = {one.rank: one for one in base}
    result: dict[int, Place] = {}
    highest = max([0, *known, *(one.rank for one in given)])
    for one in given:
        rank = one.rank or _match(one, left)
        if not rank:
            highest += 1
            rank = highest
        old = left.pop(rank, None)
        was = first.get(rank)
        is_same = old is not None and old.facts == one.facts
        origin, date = _provenance(
            is_same=is_same,
            former=(old.origin, old.date) if old else ("", ""),
            told=(one.origin, one.date),
            today=today,
            first=(was.origin, was.date) if was and was.facts == one.facts else None,
        )
        confidence = old.confidence if old is not None and is_same else one.confidence
        result[rank] = replace(one, rank=rank, origin=origin, date=date, confidence=confidence)
    if keeps:
        result |= left
    return tuple(result[rank] for rank in sorted(result))


def _match(place: Place, left: Mapping[int, Place]) -> int:
    """Return the place that a place without number is: the seat, or the one of the same kind, name and commune."""
    for rank, one in left.items():
        is_seat = place.kind == one.kind == "siege"
        same = (place.kind, place.name, place.commune_code) == (one.kind, one.name, one.commune_code)
        if is_seat or same:
            return rank
    return 0


__all__ = ["BODY", "KINDS", "PLACE", "TYPED", "Change", "Entry", "Place", "difference", "merged", "shown"]
