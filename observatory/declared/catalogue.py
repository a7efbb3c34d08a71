"""The declared sources and fields: what ``geodata/catalog.toml`` and ``geodata/fields.toml`` say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import BeforeValidator, ConfigDict, Field

from observatory.declared.reading import Declaration, Flag, OpenDeclaration, Whole, declaration, named_by

CATALOG: Final = "catalog.toml"
FIELDS: Final = "fields.toml"
LIVE_KINDS: Final = ("file", "zip", "pages", "search", "each_epci")


class LiveDeclaration(Declaration):
    """Where a source answers on the network, and how it is asked."""

    url: str
    kind: str = "file"
    """``file``; ``zip``, an archive that holds it; ``pages``, JSON pages that name the next one; ``search``, the
    API Recherche d'entreprises, asked by département; ``each_epci``, a list for each EPCI (``{siren}`` in the url)."""
    entry: str | None = None
    """What the file is called in the archive; ``*`` stands for anything."""
    per_minute: Whole | None = None
    """Requests that the producer allows in a minute."""
    token: str | None = None
    """Environment variable that holds the token that the producer asks for."""
    note: str | None = None
    """French: what nobody could verify yet."""


class LoadedSource(OpenDeclaration):
    """What a result must be able to say of a data set that it rests on; a snapshot's own catalogue says no less."""

    title: str
    producer: str
    licence: str
    url: str
    vintage: str
    coverage: str
    published_date: Annotated[str, BeforeValidator(str)] | None = None
    """A TOML date is shown as it is written: 2025-07-10."""
    rhythm: str | None = None
    expected_count: Whole | None = None
    expected_note: str | None = None
    counted: str | None = None
    """What ``expected_count`` counts: a level of territory, or ``inhabitants``."""
    checksum: str | None = None


class SourceDeclaration(LoadedSource):
    """A producer's data set, and how the observatory comes by it."""

    model_config = ConfigDict(extra="forbid")

    source_id: str
    format: str
    file: str
    aliases: tuple[str, ...] = ()
    """Short names that the command line accepts too."""
    reader: str | None = None
    """Module of :mod:`observatory.sources` that reads the producer's own file; None: only the snapshot holds it."""
    lost_share_max: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    """Share of the rows about the region that may be put aside; beyond, its file is not loaded (convention de
    l'observatoire: half of them, or more where the file lists what the observatory doesn't follow)."""
    in_snapshot: Flag = True
    """False: nothing of it is delivered with the observatory."""
    live: LiveDeclaration | None = None
    """None: the file is to be fetched by hand, or isn't published any more."""


class LoadedField(OpenDeclaration):
    """What a result must be able to say of an indicator."""

    label: str
    unit: str
    description: str
    denominator: str | None = None


class FieldDeclaration(LoadedField):
    """An indicator: what its figure means, at which levels, from which sources."""

    model_config = ConfigDict(extra="forbid")

    indicator: str
    levels: list[str]
    sources: list[str]


class _Catalogue(OpenDeclaration):
    sources: Annotated[Mapping[str, SourceDeclaration], named_by("source_id")]


class _Fields(OpenDeclaration):
    fields_: Annotated[Mapping[str, FieldDeclaration], named_by("indicator")] = Field(alias="fields")


class _LoadedSources(OpenDeclaration):
    sources: Mapping[str, LoadedSource]


class _LoadedFields(OpenDeclaration):
    fields_: Mapping[str, LoadedField] = Field(alias="fields")


def sources() -> tuple[SourceDeclaration, ...]:
    """Return the declared sources, in the order of the file."""
    return tuple(declaration(CATALOG, _Catalogue).sources.values())


def source(source_id: str) -> SourceDeclaration:
    """Return one declared source.

    Raises
    ------
    KeyError
        If the catalogue doesn't hold it.
    """
    return declaration(CATALOG, _Catalogue).sources[source_id]


def known_names() -> dict[str, str]:
    """Return the source of each name that a user may write: its identifier, or one of its aliases."""
    declared = sources()
    return {one.source_id: one.source_id for one in declared} | {
        alias: one.source_id for one in declared for alias in one.aliases
    }


def fields() -> tuple[FieldDeclaration, ...]:
    """Return the declared indicators, in the order of the file."""
    return tuple(declaration(FIELDS, _Fields).fields_.values())


def loaded_sources(directory: Path | None = None) -> Mapping[str, LoadedSource]:
    """Return the sources that the ``catalog.toml`` of a snapshot declares, by identifier.

    Raises
    ------
    InputFileError
        If the declaration is absent, can't be read or lacks a key.
    """
    return declaration(CATALOG, _LoadedSources, directory=directory).sources


def loaded_fields(directory: Path | None = None) -> Mapping[str, LoadedField]:
    """Return the indicators that the ``fields.toml`` of a snapshot declares, by name; as :func:`loaded_sources`."""
    return declaration(FIELDS, _LoadedFields, directory=directory).fields_
