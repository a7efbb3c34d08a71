"""The declared sources and fields, typed: what ``geodata/catalog.toml`` and ``geodata/fields.toml`` say."""

from __future__ import annotations

from dataclasses import dataclass

import geodata


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
    return tuple(SourceDeclaration(source_id=source_id, **one) for source_id, one in declared.items())


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
