"""The tables, as GeoAlchemy2 models: what is known (sources, territories, figures, structures), what is worked out."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Final

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    DateTime,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from observatory import crs

SCHEMA: Final = "observatory"
LEVELS: Final = (
    "region",
    "departement",
    "epci",
    "commune",
    "commune_deleguee",
    "qpv",
    "bassin_vie",
    "zone_emploi",
    "iris",
)
STATUSES: Final = ("observed", "estimated", "suppressed", "missing")
PLACE_QUALITIES: Final = ("address", "commune_centre", "town_hall", "unknown")
STATES: Final = ("open", "announced", "closed", "unknown")
CONFIDENCES: Final = ("sure", "likely", "doubtful")
PLACE_KINDS: Final = ("siege", "lieu", "permanence")
ENTRY_LAYERS: Final = ("candidats", "friches", "structures")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class Base(DeclarativeBase):
    """Common metadata: one schema, every constraint named."""

    metadata = MetaData(
        schema=SCHEMA,
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        },
    )
    type_annotation_map: ClassVar = {
        dict[str, Any]: JSONB,
        list[str]: ARRAY(String),
        datetime: DateTime(timezone=True),
        int: Integer,
    }


class Source(Base):
    """A producer's data set, as declared in ``geodata/catalog.toml``."""

    __tablename__ = "source"
    source_id: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    producer: Mapped[str]
    licence: Mapped[str]
    url: Mapped[str]
    vintage: Mapped[str]
    """The date or period the figures speak of, as the producer words it."""
    published_date: Mapped[str | None]
    rhythm: Mapped[str | None]
    coverage: Mapped[str]
    """French sentence: what it holds and what it lacks ("205 SIAE ; …")."""
    expected_count: Mapped[int | None]
    expected_note: Mapped[str | None]
    row_count: Mapped[int | None]
    checksum: Mapped[str | None]


class IngestRun(Base):
    """One load of one source: rows read = kept + rejected + duplicate + outside."""

    __tablename__ = "ingest_run"
    __table_args__ = (
        CheckConstraint("rows_read = rows_kept + rows_rejected + rows_duplicate + rows_outside", name="adds_up"),
        CheckConstraint(_one_of("status", ("loaded", "unchanged", "failed")), name="status"),
        Index(None, "source_id", "finished_at"),
    )
    run_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    source_id: Mapped[str] = mapped_column(ForeignKey("source.source_id", ondelete="CASCADE"))
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]
    file_name: Mapped[str]
    checksum: Mapped[str]
    rows_read: Mapped[int]
    rows_kept: Mapped[int]
    rows_rejected: Mapped[int]
    rows_duplicate: Mapped[int]
    """Rows that repeat another one, of this source or of one that names the same structure."""
    rows_outside: Mapped[int] = mapped_column(server_default="0")
    """Rows about places that the observatory does not cover: nothing is wrong with them."""
    cells_rejected: Mapped[int] = mapped_column(server_default="0")
    """Figures put aside while their row was kept."""
    rows_repaired: Mapped[int | None]
    """Rows kept whose outline was made valid or whose point was put back in order; None where nobody counted them."""
    fetched_at: Mapped[datetime | None]
    """When the file was fetched from its producer; None for a file that was given, and for the snapshot."""
    status: Mapped[str]
    message: Mapped[str | None]


class RejectedRow(Base):
    """A row (or one figure of a row, ``scope = 'cell'``) that was not loaded, with its reason."""

    __tablename__ = "rejected_row"
    __table_args__ = (Index(None, "run_id"), CheckConstraint("scope IN ('row', 'cell')", name="scope"))
    rejected_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("ingest_run.run_id", ondelete="CASCADE"))
    file_name: Mapped[str]
    line: Mapped[int | None]
    scope: Mapped[str] = mapped_column(server_default="row")
    reason: Mapped[str]
    content: Mapped[str]


class SnapshotFile(Base):
    """A file of the snapshot as it was last loaded: the same checksum means nothing to do."""

    __tablename__ = "snapshot_file"
    file_name: Mapped[str] = mapped_column(primary_key=True)
    checksum: Mapped[str]
    """SHA-256 of the file."""
    row_count: Mapped[int]
    loaded_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Territory(Base):
    """A territory of any level, with its vintage and its population where it is known."""

    __tablename__ = "territory"
    __table_args__ = (
        CheckConstraint(_one_of("level", LEVELS), name="level"),
        CheckConstraint(_one_of("population_status", STATUSES), name="population_status"),
        CheckConstraint("population_count >= 0", name="population_count"),
        CheckConstraint("(population_count IS NULL) = (population_status IN ('missing', 'suppressed'))", name="known"),
        Index("ix_territory_geom", "geom", postgresql_using="gist"),
        Index("ix_territory_point", "point", postgresql_using="gist"),
        Index(None, "code"),
    )
    level: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    vintage: Mapped[str]
    population_count: Mapped[int | None]
    population_status: Mapped[str]
    population_source_id: Mapped[str | None] = mapped_column(ForeignKey("source.source_id"))
    population_method: Mapped[str | None]
    """How it was found: ``table_declarations.POPULATION_METHODS``."""
    population_period: Mapped[str | None]
    """Year of the census."""
    source_id: Mapped[str] = mapped_column(ForeignKey("source.source_id"))
    is_border: Mapped[bool]
    """True outside Normandy: takes part in access, never in a Normandy total."""
    is_partial: Mapped[bool]
    """True for an EPCI, bassin or zone that reaches beyond Normandy: its figures count the part inside."""
    commune_count: Mapped[int | None]
    """Communes inside Normandy (levels above the commune)."""
    geom: Mapped[WKBElement | None] = mapped_column(
        Geometry("MULTIPOLYGON", srid=crs.STORAGE, spatial_index=False), nullable=True
    )
    point: Mapped[WKBElement | None] = mapped_column(
        Geometry("POINT", srid=crs.STORAGE, spatial_index=False), nullable=True
    )
    """Town hall for a commune; a point on the surface elsewhere."""


class TerritoryLink(Base):
    """Parent of a territory; a QPV may have several communes, a commune several kinds of parent."""

    __tablename__ = "territory_link"
    __table_args__ = (
        ForeignKeyConstraint(["child_level", "child_code"], ["territory.level", "territory.code"]),
        ForeignKeyConstraint(["parent_level", "parent_code"], ["territory.level", "territory.code"]),
        Index(None, "parent_level", "parent_code"),
    )
    child_level: Mapped[str] = mapped_column(primary_key=True)
    child_code: Mapped[str] = mapped_column(primary_key=True)
    parent_level: Mapped[str] = mapped_column(primary_key=True)
    parent_code: Mapped[str] = mapped_column(primary_key=True)
    vintage: Mapped[str]
    source_id: Mapped[str] = mapped_column(ForeignKey("source.source_id"))


class Indicator(Base):
    """What a figure means, as declared in ``geodata/fields.toml``."""

    __tablename__ = "indicator"
    indicator: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str]
    unit: Mapped[str]
    denominator: Mapped[str | None]
    """Indicator that a share is a share of: the weight to aggregate it with."""
    description: Mapped[str]


class IndicatorValue(Base):
    """One figure: territory, indicator, period, value, status and source."""

    __tablename__ = "indicator_value"
    __table_args__ = (
        CheckConstraint(_one_of("status", STATUSES), name="status"),
        CheckConstraint("(value IS NULL) = (status IN ('missing', 'suppressed'))", name="known"),
        Index(None, "indicator", "level", "period"),
    )
    level: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    indicator: Mapped[str] = mapped_column(ForeignKey("indicator.indicator"), primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float | None] = mapped_column(Float)
    status: Mapped[str]
    source_id: Mapped[str] = mapped_column(ForeignKey("source.source_id"))


class Zoning(Base):
    """The class of a commune in a zoning (density grid, FRR, rurality, centrality, attraction area)."""

    __tablename__ = "zoning"
    __table_args__ = (
        ForeignKeyConstraint(["level", "code"], ["territory.level", "territory.code"]),
        Index(None, "zoning", "value_code"),
    )
    level: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    zoning: Mapped[str] = mapped_column(primary_key=True)
    value_code: Mapped[str]
    value_label: Mapped[str]
    vintage: Mapped[str]
    source_id: Mapped[str] = mapped_column(ForeignKey("source.source_id"))


class Structure(Base):
    """An establishment or a body, once, whatever the number of sources that name it."""

    __tablename__ = "structure"
    __table_args__ = (
        CheckConstraint(_one_of("place_quality", PLACE_QUALITIES), name="place_quality"),
        CheckConstraint("(geom IS NULL) = (place_quality = 'unknown')", name="placed"),
        CheckConstraint(r"siret ~ '^\d{14}$'", name="siret"),
        CheckConstraint(_one_of("state", STATES), name="state"),
        CheckConstraint(_one_of("confidence", CONFIDENCES), name="confidence"),
        Index("ix_structure_geom", "geom", postgresql_using="gist"),
        Index(None, "commune_code"),
        Index(None, "siret"),
    )
    structure_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    siret: Mapped[str | None]
    naf: Mapped[str | None]
    address: Mapped[str | None]
    post_code: Mapped[str | None]
    city: Mapped[str | None]
    commune_code: Mapped[str | None]
    departement_code: Mapped[str | None]
    place_quality: Mapped[str]
    place_note: Mapped[str | None]
    """French: how the point was found, or why there is none."""
    capacity_count: Mapped[float | None]
    label: Mapped[str | None]
    is_active: Mapped[bool]
    """False for what was only announced, or is closed: it is shown, and never counts as supply."""
    state: Mapped[str] = mapped_column(server_default="open")
    """``open``, ``announced``, ``closed`` or ``unknown``, as its sources say."""
    confidence: Mapped[str] = mapped_column(server_default="sure")
    """How sure its state is: one that is ``doubtful`` is shown, and is counted nowhere but in what might be."""
    period: Mapped[str]
    source_id: Mapped[str] = mapped_column(ForeignKey("source.source_id"))
    geom: Mapped[WKBElement | None] = mapped_column(
        Geometry("POINT", srid=crs.STORAGE, spatial_index=False), nullable=True
    )


class StructureService(Base):
    """A service that a structure offers, and why the observatory says so."""

    __tablename__ = "structure_service"
    __table_args__ = (Index(None, "service"),)
    structure_id: Mapped[str] = mapped_column(
        ForeignKey("structure.structure_id", ondelete="CASCADE"), primary_key=True
    )
    service: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]


class StructureRecord(Base):
    """A row of a source as it was read, and the structure it was resolved to."""

    __tablename__ = "structure_record"
    __table_args__ = (
        Index("ix_structure_record_geom", "geom", postgresql_using="gist"),
        Index(None, "structure_id"),
    )
    source_id: Mapped[str] = mapped_column(ForeignKey("source.source_id"), primary_key=True)
    record_id: Mapped[str] = mapped_column(primary_key=True)
    structure_id: Mapped[str] = mapped_column(ForeignKey("structure.structure_id", ondelete="CASCADE"))
    rule: Mapped[str]
    """What joined it to its structure: one of ``observatory.sources.structures.resolve.RULES``."""
    name: Mapped[str]
    kind: Mapped[str]
    siret: Mapped[str | None]
    naf: Mapped[str | None]
    """From here on, what the source itself says of it, so that a merge can be undone; all null: not known apart."""
    address: Mapped[str | None]
    post_code: Mapped[str | None]
    city: Mapped[str | None]
    commune_code: Mapped[str | None]
    departement_code: Mapped[str | None]
    place_quality: Mapped[str | None]
    place_note: Mapped[str | None]
    label: Mapped[str | None]
    period: Mapped[str | None]
    score: Mapped[float | None]
    """Likeness of name and address that joined it, 0-100; null where the rule needs none."""
    capacity_count: Mapped[float | None]
    is_active: Mapped[bool | None]
    state: Mapped[str | None]
    confidence: Mapped[str | None]
    services: Mapped[dict[str, Any] | None]
    """Services that this record offers, each with its reason."""
    geom: Mapped[WKBElement | None] = mapped_column(
        Geometry("POINT", srid=crs.STORAGE, spatial_index=False), nullable=True
    )


class StructureStatement(Base):
    """What public pages say of a record of a curated list, with who judged it how sure, and why."""

    __tablename__ = "structure_statement"
    __table_args__ = (
        ForeignKeyConstraint(
            ["source_id", "record_id"], ["structure_record.source_id", "structure_record.record_id"], ondelete="CASCADE"
        ),
        CheckConstraint(_one_of("state", STATES), name="state"),
        CheckConstraint(_one_of("confidence", CONFIDENCES), name="confidence"),
    )
    source_id: Mapped[str] = mapped_column(primary_key=True)
    record_id: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    confidence: Mapped[str]
    urls: Mapped[list[str]]
    """Addresses of the pages."""
    page_dates: Mapped[str | None]
    """Dates of the pages, as the list writes them."""
    state_date: Mapped[str | None]
    """Date that the state is of."""
    reason: Mapped[str]
    """French: what the pages say, and why it is held as sure as it is."""
    judgement: Mapped[str | None]
    """French: why it offers the service of its list, or doesn't."""


class StructureDecision(Base):
    """Two records that a user declared to be one structure, or two: it outlives the loads."""

    __tablename__ = "structure_decision"
    __table_args__ = (CheckConstraint("first < second", name="ordered"),)
    first: Mapped[str] = mapped_column(primary_key=True)
    """``source_id:record_id``, the lower of the two."""
    second: Mapped[str] = mapped_column(primary_key=True)
    is_same: Mapped[bool]
    reason: Mapped[str | None]
    decided_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Closure(Base):
    """An establishment that a register says closed: still shown, never counted as supply."""

    __tablename__ = "closure"
    __table_args__ = (CheckConstraint(r"siret ~ '^\d{14}$'", name="siret"),)
    siret: Mapped[str] = mapped_column(primary_key=True)
    closed_date: Mapped[str | None]
    """Day since which it is closed, as the register writes it; null where it doesn't say."""
    source_id: Mapped[str] = mapped_column(ForeignKey("source.source_id", ondelete="CASCADE"))
    file_name: Mapped[str]
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Accompaniment(Base):
    """What a structure of the accompaniment ecosystem does, for whom, where it intervenes."""

    __tablename__ = "accompaniment"
    structure_id: Mapped[str] = mapped_column(
        ForeignKey("structure.structure_id", ondelete="CASCADE"), primary_key=True
    )
    role: Mapped[str]
    phases: Mapped[list[str]]
    devices: Mapped[list[str]]
    zone_level: Mapped[str | None]
    """First of its zones; all of them are in ``accompaniment_zone``."""
    zone_code: Mapped[str | None]
    note: Mapped[str | None]
    website: Mapped[str | None]
    origin: Mapped[str | None]
    """Who says role, phases and devices, where it isn't the structure's source alone; ``stated_date``: when."""
    stated_date: Mapped[str | None]


class AccompanimentZone(Base):
    """A territory, of any level, where a structure of the directory intervenes."""

    __tablename__ = "accompaniment_zone"
    __table_args__ = (CheckConstraint(_one_of("level", LEVELS), name="level"), Index(None, "level", "code"))
    structure_id: Mapped[str] = mapped_column(
        ForeignKey("structure.structure_id", ondelete="CASCADE"), primary_key=True
    )
    level: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    origin: Mapped[str]
    """Who says so: the address of a public page, a document, or « saisie du territoire »."""
    stated_date: Mapped[str]


class AccompanimentPlace(Base):
    """A place where a structure of the directory receives: its seat, a place of its own, or a permanence."""

    __tablename__ = "accompaniment_place"
    __table_args__ = (
        CheckConstraint(_one_of("kind", PLACE_KINDS), name="kind"),
        CheckConstraint(_one_of("place_quality", PLACE_QUALITIES), name="place_quality"),
        CheckConstraint("(geom IS NULL) = (place_quality = 'unknown')", name="placed"),
        CheckConstraint(_one_of("confidence", CONFIDENCES), name="confidence"),
        Index("ix_accompaniment_place_geom", "geom", postgresql_using="gist"),
        Index(None, "territory_code"),
    )
    structure_id: Mapped[str] = mapped_column(
        ForeignKey("structure.structure_id", ondelete="CASCADE"), primary_key=True
    )
    rank: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    name: Mapped[str | None]
    address: Mapped[str | None]
    commune_code: Mapped[str | None]
    days: Mapped[str | None]
    """When somebody is there, as its source words it; None where it is not known."""
    phases: Mapped[list[str]]
    """Phases accompanied at this place; empty: those of the structure."""
    place_quality: Mapped[str]
    place_note: Mapped[str | None]
    territory_code: Mapped[str | None]
    """EPCI that entered the place, None where it comes with the directory."""
    confidence: Mapped[str] = mapped_column(server_default="sure")
    """``likely``: no page says that somebody receives there, a fact makes it plausible; ``doubtful``: none does."""
    origin: Mapped[str]
    stated_date: Mapped[str]
    geom: Mapped[WKBElement | None] = mapped_column(
        Geometry("POINT", srid=crs.STORAGE, spatial_index=False), nullable=True
    )


class DirectoryEdit(Base):
    """A structure of the directory as its users entered it: it outlives the loads of the snapshot."""

    __tablename__ = "directory_edit"
    structure_id: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any] | None]
    """The whole entry; None: taken out of the directory."""
    base: Mapped[dict[str, Any] | None]
    """The entry before its first edit, and the rows that held it; None: added by its users, or not known."""
    file_name: Mapped[str]
    edited_at: Mapped[datetime] = mapped_column(server_default=func.now())


class TerritoryEntry(Base):
    """A thing that a territory entered from a file of its own: candidate site, friche, local structure."""

    __tablename__ = "territory_entry"
    __table_args__ = (
        CheckConstraint(_one_of("layer", ENTRY_LAYERS), name="layer"),
        CheckConstraint(_one_of("place_quality", PLACE_QUALITIES[:-1]), name="place_quality"),
        CheckConstraint("(layer = 'structures') = (service IS NOT NULL)", name="service"),
        Index("ix_territory_entry_geom", "geom", postgresql_using="gist"),
    )
    territory_code: Mapped[str] = mapped_column(primary_key=True)
    layer: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    service: Mapped[str | None]
    address: Mapped[str | None]
    commune_code: Mapped[str | None]
    place_quality: Mapped[str]
    place_score: Mapped[float | None]
    """Score of the address geocoder, 0 to 1; None where the file gave the point."""
    place_note: Mapped[str | None]
    outside_m: Mapped[float]
    """Metres from the territory; 0 inside."""
    attributes: Mapped[dict[str, Any]]
    """The other columns of the file, as text."""
    origin: Mapped[str]
    stated_date: Mapped[str]
    file_name: Mapped[str]
    imported_at: Mapped[datetime] = mapped_column(server_default=func.now())
    geom: Mapped[WKBElement] = mapped_column(Geometry("GEOMETRY", srid=crs.STORAGE, spatial_index=False))


class Run(Base):
    """A computation, named by the hash of its inputs and parameters."""

    __tablename__ = "run"
    __table_args__ = (
        CheckConstraint(_one_of("kind", ("need", "access", "gap", "siting")), name="kind"),
        Index(None, "kind", "defi", "service"),
    )
    run_hash: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    defi: Mapped[str | None]
    service: Mapped[str | None]
    is_default: Mapped[bool]
    """True for the study's own threshold: what the pages and tiles show."""
    parameters: Mapped[dict[str, Any]]
    inputs: Mapped[dict[str, Any]]
    source_ids: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class GapResult(Base):
    """One row of a gap analysis, for one territory: the contract's columns, in its order."""

    __tablename__ = "gap_result"
    __table_args__ = (
        CheckConstraint("population_count = served_count + reachable_full_count + out_of_reach_count", name="adds_up"),
        CheckConstraint(_one_of("status", STATUSES), name="status"),
        Index(None, "level", "code"),
    )
    run_hash: Mapped[str] = mapped_column(ForeignKey("run.run_hash", ondelete="CASCADE"), primary_key=True)
    level: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    population_count: Mapped[int | None]
    need_score: Mapped[float | None]
    need_volume_count: Mapped[int | None]
    access_score: Mapped[float | None]
    nearest_min: Mapped[float | None]
    served_count: Mapped[int | None]
    reachable_full_count: Mapped[int | None]
    out_of_reach_count: Mapped[int | None]
    in_need_out_of_reach_count: Mapped[int | None]
    priority_score: Mapped[float | None]
    typology: Mapped[str]
    status: Mapped[str]
    is_partial: Mapped[bool]
    note: Mapped[str | None]
    rank_low: Mapped[int | None]
    """5-95 % interval of the rank of the need at this level, 1 the greatest; none where only one is ranked."""
    rank_median: Mapped[int | None]
    rank_high: Mapped[int | None]
    verdict_share: Mapped[float | None]
    """Share of the defensible choices of method under which the territory is under-served, 0 to 1."""
    verdict: Mapped[str | None]
    score_low: Mapped[float | None]
    """5-95 % interval of the need's score."""
    score_high: Mapped[float | None]
    flips: Mapped[list[str]] = mapped_column(JSONB, server_default="[]")
    """Choices which, made alone, change the answer, in French."""
    near_threshold_count: Mapped[int | None]
    """Persons for whom the error of the travel time decides; none where that error is unknown."""


class Objective(Base):
    """What a territory has set itself for a défi; ``indicator`` is a figure, so that its series says the progress."""

    __tablename__ = "objective"
    __table_args__ = (
        CheckConstraint(_one_of("level", LEVELS[:6]), name="level"),
        CheckConstraint("baseline_value <> target_value", name="moves"),
        CheckConstraint("baseline_period < target_period", name="forward"),
    )
    level: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    defi: Mapped[str] = mapped_column(primary_key=True)
    indicator: Mapped[str] = mapped_column(primary_key=True)
    baseline_value: Mapped[float] = mapped_column(Float)
    baseline_period: Mapped[str]
    """``2024``, ``2024-06`` or ``2024-T2``, as the periods of figures."""
    target_value: Mapped[float] = mapped_column(Float)
    target_period: Mapped[str]
    origin: Mapped[str]
    """Who decided it and where it is written, in French."""
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class NeedResult(Base):
    """The need of a territory for a défi, with the normalised indicators it comes from."""

    __tablename__ = "need_result"
    __table_args__ = (CheckConstraint(_one_of("status", STATUSES), name="status"),)
    run_hash: Mapped[str] = mapped_column(ForeignKey("run.run_hash", ondelete="CASCADE"), primary_key=True)
    level: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    score: Mapped[float | None]
    weight_share: Mapped[float]
    """Share of the nominal weight that is present; under 0.6 there is no score."""
    volume: Mapped[float | None]
    status: Mapped[str]
    components: Mapped[dict[str, Any]]
    """Per indicator: ``{"value", "normalised", "weight", "contribution", "period", "status", "source_id"}``."""


class Membership(Base):
    """The communes that territories were summed from in a need; the same ones are kept once, under their digest."""

    __tablename__ = "membership"
    digest: Mapped[str] = mapped_column(primary_key=True)
    members: Mapped[dict[str, Any]]
    """Level → commune → territory of that level."""


class AccessResult(Base):
    """Access of a commune, commune déléguée or QPV to a service."""

    __tablename__ = "access_result"
    run_hash: Mapped[str] = mapped_column(ForeignKey("run.run_hash", ondelete="CASCADE"), primary_key=True)
    level: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    nearest_min: Mapped[float | None]
    nearest_structure_id: Mapped[str | None]
    reachable_supply: Mapped[float]
    """Supply within the threshold."""
    access_index: Mapped[float]
    """E2SFCA: supply per inhabitant."""
    satisfied_share: Mapped[float]
    """``min(1, access_index / norm)``."""


class Change(Base):
    """One row a transaction that changed what is published (written by triggers)."""

    __tablename__ = "change"

    change_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    transaction_id: Mapped[int] = mapped_column(
        BigInteger, unique=True, server_default=text("pg_current_xact_id()::text::bigint")
    )


class Tile(Base):
    """A vector tile worked out in advance."""

    __tablename__ = "tile"
    layer: Mapped[str] = mapped_column(primary_key=True)
    zoom: Mapped[int] = mapped_column(primary_key=True)
    column: Mapped[int] = mapped_column(primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True)
    etag: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)


class Job(Base):
    """A question that takes time: asked, waiting, worked on, answered, for some days."""

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint(_one_of("status", ("todo", "doing", "succeeded", "failed", "cancelled")), name="status"),
    )
    job_id: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    question: Mapped[dict[str, Any]]
    label: Mapped[str] = mapped_column(server_default="En attente")
    """French: the step that it is at."""
    done: Mapped[int] = mapped_column(server_default="0")
    total: Mapped[int] = mapped_column(server_default="0")
    result: Mapped[dict[str, Any] | None]
    error: Mapped[str | None]
    """French sentence, where there is no answer."""
    error_kind: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
