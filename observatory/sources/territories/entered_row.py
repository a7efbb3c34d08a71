"""Things that a territory enters: what each row of its file says, before and after it is placed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pandas as pd
import shapely

from observatory.sources.batch import LINE
from observatory.sources.directory.directory_cells import CellError, date_told, phases, require_no_error
from observatory.sources.directory.directory_entry import TYPED
from observatory.sources.directory.directory_file import Refused
from observatory.sources.fetch.geocode import Address, Located
from observatory.sources.formats.cell_text import unquoted
from observatory.sources.formats.dates import has_month_first, is_less_told
from observatory.sources.structures.establishments import CONTACT, slug
from observatory.sources.structures.structure_file import clean
from observatory.sources.territories.entered_file import PROBLEM, SHAPE
from observatory.words import place_notes
from observatory.words.numbers import decimal

NO_PLACE: Final = "ni coordonnées ni adresse"
NOT_ASKED: Final = (
    "adresse sans coordonnées : ajoutez --geocode (elle est alors envoyée au service de l’IGN), ou le point"
)
EXACT_M: Final = 0.1
"""Coordinates closer than this, in metres, are the same place."""


@dataclass(frozen=True)
class Given:
    """One row of a file, with its place."""

    line: int
    code: str
    name: str
    shape: Any
    """EPSG:2154."""
    service: str | None = None
    structure: str | None = None
    days: str | None = None
    phases: tuple[str, ...] = ()
    address: str | None = None
    commune_code: str | None = None
    quality: str = "address"
    score: float | None = None
    note: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    origin: str = ""
    date: str = ""
    outside_m: float = 0.0
    lon: float | None = None
    lat: float | None = None


@dataclass(frozen=True)
class Entered:
    """A thing as the database keeps it."""

    code: str
    name: str
    service: str | None
    address: str | None
    commune_code: str | None
    place_quality: str
    place_score: float | None
    place_note: str | None
    outside_m: float
    attributes: dict[str, str]
    origin: str
    stated_date: str
    shape: Any

    @property
    def wkt(self) -> str:
        """The shape to the decimetre, to compare and to show."""
        return str(shapely.to_wkt(shapely.normalize(shapely.set_precision(self.shape, EXACT_M)), rounding_precision=1))

    def over(self, before: Entered | None) -> Entered:
        """Return the entry, said by whom said it before where it says the same and names nobody."""
        if before is not None and is_less_told(self.stated_date, before.stated_date):
            return replace(self, stated_date=before.stated_date).over(before)
        if before is None or self.origin != TYPED:
            return self
        same = replace(self, origin=before.origin, stated_date=before.stated_date, shape=before.shape)
        is_same = self.wkt == before.wkt and same == before
        return before if is_same else self


def entered(one: Given, *, today: str) -> Entered:
    """Return what is kept of a row; what names no source is the territory's own, of today."""
    note = one.note
    if one.outside_m:
        far = f"À {one.outside_m / 1000:.1f} km du territoire.".replace(".", ",", 1)
        note = " ".join(filter(None, (note, far)))
    return Entered(
        code=one.code,
        name=one.name,
        service=one.service,
        address=one.address,
        commune_code=one.commune_code,
        place_quality=one.quality,
        place_score=one.score,
        place_note=note,
        outside_m=one.outside_m,
        attributes=one.attributes,
        origin=one.origin or TYPED,
        stated_date=one.date or today,
        shape=one.shape,
    )


def to_ask(frame: pd.DataFrame) -> tuple[list[int], list[Address]]:
    """Return the positions of the rows that have an address and no coordinates, and their addresses."""
    found = []
    addresses = []
    for position, row in enumerate(frame.to_dict("records")):
        if row[SHAPE] is None and row[PROBLEM] is None and _text(row["adresse"]):
            words = [_text(row[name]) for name in ("adresse", "code_postal", "commune")]
            found.append(position)
            addresses.append(
                Address(" ".join(filter(None, words)), _text(row["code_postal"]), _text(row["code_commune"]))
            )
    return found, addresses


def normalise(
    frame: pd.DataFrame, located: dict[int, Located], *, today: str, services: Sequence[str] | None
) -> tuple[list[Given], list[Refused], list[str]]:
    """Turn rows into things with a place; the others are refused with a reason.

    Parameters
    ----------
    frame
        As :func:`observatory.sources.territories.entered_file.read` returns it.
    located
        What the geocoder said, by position of the row.
    services
        Services that a row has to name one of; None: the layer has none.
    """
    given: list[Given] = []
    refused: list[Refused] = []
    notes: list[str] = []
    lines: dict[str, int] = {}
    is_month_first = has_month_first(map(_text, frame["date"]))
    for position, row in enumerate(frame.to_dict("records")):
        line = int(row[LINE])
        name = clean(_text(row["nom"])) or clean(_text(row["adresse"])) or _text(row["code"]) or ""
        try:
            one = _given(
                row, located.get(position), name=name, today=today, services=services, is_month_first=is_month_first
            )
        except CellError as error:
            refused.append(Refused(line, name, str(error)))
            continue
        if one.code in lines:
            refused.append(Refused(line, name, f"code « {one.code} » déjà donné à la ligne {lines[one.code]}"))
            continue
        lines[one.code] = line
        given.append(one)
        if any(CONTACT.search(text) for text in (*row["attributes"].values(), *filter(None, map(_text, row.values())))):
            notes.append(f"ligne {line} : coordonnées personnelles retirées")
    return given, refused, notes


def _given(
    row: dict[Any, Any],
    located: Located | None,
    *,
    name: str,
    today: str,
    services: Sequence[str] | None,
    is_month_first: bool,
) -> Given:
    if row[PROBLEM] is not None:
        raise CellError(str(row[PROBLEM]))
    require_no_error({str(key): _text(value) for key, value in row.items()} | row["attributes"], {})
    if not name:
        raise CellError("nom absent")
    shape, quality, score, note = row[SHAPE], "address", None, None
    if shape is None:
        shape, quality, score, note = _from_address(row, located)
    attributes = {key: clean(unquoted(text)) or "" for key, text in row["attributes"].items()}
    return Given(
        line=int(row[LINE]),
        code=_text(row["code"]) or slug(name, _text(row["commune"]) or _text(row["code_commune"])),
        name=name,
        shape=shape,
        service=_service(_text(row["service"]), services),
        structure=clean(_text(row["structure"])),
        days=clean(_text(row["jours"])),
        phases=phases(_text(row["phases"])),
        address=clean(_text(row["adresse"])),
        quality=quality,
        score=score,
        note=note,
        attributes={key: text for key, text in attributes.items() if text},
        origin=clean(_text(row["source"])) or "",
        date=date_told(_text(row["date"]), today, is_month_first=is_month_first),
    )


def _from_address(row: dict[Any, Any], located: Located | None) -> tuple[Any, str, float, str]:
    if located is None:
        raise CellError(NOT_ASKED if _text(row["adresse"]) else NO_PLACE)
    if located.reason:
        raise CellError(located.reason)
    from pyproj import Transformer

    turn = Transformer.from_crs(4326, 2154, always_xy=True)
    score = decimal(located.score, digits=2)
    note = place_notes.GEOCODED_BY_IGN.format(label=located.label, score=score)
    quality = "address" if located.is_precise else "commune_centre"
    return shapely.Point(turn.transform(located.lon, located.lat)), quality, round(located.score, 3), note


def _service(text: str | None, services: Sequence[str] | None) -> str | None:
    if services is None:
        return None
    wanted = slug(text or "").replace("-", "_")
    if wanted not in services:
        told = f"service « {text} » inconnu" if text else "service absent"
        raise CellError(f"{told} : écrivez l’un de {', '.join(services)}")
    return wanted


def _text(value: object) -> str | None:
    return unquoted(value.strip()) or None if isinstance(value, str) else None
