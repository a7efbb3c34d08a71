"""The declared sources and fields, typed: what ``geodata/catalog.toml`` and ``geodata/fields.toml`` say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import geodata

LIVE_KINDS: Final = ("file", "zip", "pages", "search", "each_epci")


@dataclass(frozen=True)
class LiveDeclaration:
    """Where a source answers on the network, and how it is asked."""

    url: str
    kind: str = "file"
    """``file``; ``zip``, an archive that holds it; ``pages``, JSON pages that name the next one; ``search``, the
    API Recherche d'entreprises, asked by département; ``each_epci``, a list for each EPCI (``{siren}`` in the url)."""
    entry: str | None = None
    """What the file is called in the archive; ``*`` stands for anything."""
    per_minute: int | None = None
    """Requests that the producer allows in a minute."""
    token: str | None = None
    """Environment variable that holds the token that the producer asks for."""
    note: str | None = None
    """French: what nobody could verify yet."""


@dataclass(frozen=True)
class SourceDeclaration:
    """A producer's data set."""

    source_id: str
    title: str
    producer: str
    licence: str
    url: str
    vintage: str
    coverage: str
    format: str
    file: str
    published_date: str | None = None
    rhythm: str | None = None
    expected_count: int | None = None
    expected_note: str | None = None
    counted: str | None = None
    """What ``expected_count`` counts: a level of territory, or ``inhabitants``."""
    aliases: tuple[str, ...] = ()
    """Short names that the command line accepts too."""
    reader: str | None = None
    """Module of :mod:`observatory.sources` that reads the producer's own file; None: only the snapshot holds it."""
    in_snapshot: bool = True
    """False: nothing of it is delivered with the observatory."""
    live: LiveDeclaration | None = None
    """None: the file is to be fetched by hand, or isn't published any more."""


@dataclass(frozen=True)
class FieldDeclaration:
    """An indicator: what its figure means, at which levels, from which sources."""

    indicator: str
    label: str
    unit: str
    description: str
    levels: list[str]
    sources: list[str]
    denominator: str | None = None


def sources() -> tuple[SourceDeclaration, ...]:
    """Return the declared sources, in the order of the file."""
    declared = geodata.declarations("catalog")["sources"]
    return tuple(_source(source_id, one) for source_id, one in declared.items())


def source(source_id: str) -> SourceDeclaration:
    """Return one declared source.

    Raises
    ------
    KeyError
        If the catalogue doesn't hold it.
    """
    return _source(source_id, geodata.declarations("catalog")["sources"][source_id])


def known_names() -> dict[str, str]:
    """Return the source of each name that a user may write: its identifier, or one of its aliases."""
    declared = sources()
    return {one.source_id: one.source_id for one in declared} | {
        alias: one.source_id for one in declared for alias in one.aliases
    }


def fields() -> tuple[FieldDeclaration, ...]:
    """Return the declared indicators, in the order of the file."""
    declared = geodata.declarations("fields")["fields"]
    return tuple(FieldDeclaration(indicator=indicator, **one) for indicator, one in declared.items())


def _source(source_id: str, declared: dict[str, Any]) -> SourceDeclaration:
    live = declared.get("live")
    rest = {name: value for name, value in declared.items() if name != "live"}
    return SourceDeclaration(source_id=source_id, live=LiveDeclaration(**live) if live else None, **rest)
