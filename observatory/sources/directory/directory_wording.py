"""Texts that a word processor or a spreadsheet retyped: other apostrophes and spaces, the same words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from observatory.sources.directory.directory_entry import Entry, Place

TYPOGRAPHY: Final = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "…": "..."}
)
"""What autocorrection changes: it says nothing of what is meant."""
OF_BODY: Final = ("name", "role", "note", "origin", "zones_origin")
OF_PLACE: Final = ("name", "address", "days", "note", "origin")


def worded(text: str | None, known: str | None) -> str | None:
    """Return ``known`` where ``text`` is the same but for its apostrophes and spaces, else ``text``."""
    if text is None or known is None or text == known:
        return text
    return known if _plain(text) == _plain(known) else text


def as_known(given: Entry, current: Entry | None) -> Entry:
    """Return an entry in the words of what the directory holds, where it says the same."""
    if current is None:
        return given
    devices = {_plain(one): one for one in current.devices}
    held = {one.rank: one for one in current.places}
    body: dict[str, Any] = {name: worded(getattr(given, name), getattr(current, name)) for name in OF_BODY}
    return replace(
        given,
        **body,
        devices=tuple(devices.get(_plain(one), one) for one in given.devices),
        places=tuple(_place(one, held.get(one.rank)) for one in given.places),
    )


def _place(given: Place, held: Place | None) -> Place:
    if held is None:
        return given
    said: dict[str, Any] = {name: worded(getattr(given, name), getattr(held, name)) for name in OF_PLACE}
    return replace(given, **said)


def _plain(text: str) -> str:
    return " ".join(text.translate(TYPOGRAPHY).split())
