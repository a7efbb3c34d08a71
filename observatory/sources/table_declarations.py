"""The tables that sources fill: columns, key, what they refer to, what a new file replaces in them.

Contracts, staging, checks, comparison and replacement derive from these declarations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

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
STATES: Final = ("open", "announced", "closed", "unknown")
"""What is known of a structure; from here, one that is open, or that nobody knows to be, is active."""
CONFIDENCES: Final = ("sure", "likely", "doubtful")
"""How sure that is, from the surest."""
POPULATION_METHODS: Final = ("published", "iris_sum", "epci_remainder", "commune_sum")
"""How the population of a territory was found: as its producer gives it, from its IRIS, from what its EPCI leaves, or
from its communes."""
PLACE_QUALITIES: Final = ("address", "commune_centre", "town_hall", "unknown")
PERIOD: Final = r"^\d{4}(-(\d{2}|T[1-4]))?$"
ONE_LINE: Final = r"^\S(.*\S)?$"
SIRET: Final = r"^\d{14}$"
STORED_OUTLINE: Final = "ST_Multi(ST_SetSRID(geometry, 2154))"
STORED_POINT: Final = "ST_SetSRID(ST_MakePoint(point_x_m, point_y_m), 2154)"
HAS_REDRAWN: Final = (
    "ST_Area(ST_SymDifference(held.geom, ST_SetSRID(staged.geometry, 2154))) > 0.01 * ST_Area(held.geom)"
)
"""An outline that is off by less than one percent of its area is the same, drawn with other roundings (convention de
l'observatoire)."""
NO_SURFACE: Final = "geometry IS NULL OR NOT ST_IsValid(geometry) OR ST_Area(geometry) = 0"


@dataclass(frozen=True)
class Column:
    """What a column holds: a PostgreSQL type, and the values that it may have."""

    kind: str = "text"
    is_optional: bool = False
    allowed: tuple[str, ...] = ()
    """The only ones; any if empty."""
    pattern: str | None = None
    least: int | None = None


@dataclass(frozen=True)
class Reference:
    """What each row of a table names in another table (of the snapshot, or of the database)."""

    table: str
    columns: Mapping[str, str]
    """Column of the other table → SQL expression over the row."""
    problem: str
    """French: what is wrong where the other table doesn't hold it."""
    is_optional: bool = False
    only: str = "true"
    """SQL condition on the row of the other table, ``held``."""
    shown: tuple[str, ...] = ()
    """Those of ``columns`` that an example gives; all if empty."""


@dataclass(frozen=True)
class Table:
    """A table that a source fills, and how it takes the place of what is loaded."""

    name: str
    columns: Mapping[str, Column]
    key: tuple[str, ...] = ()
    is_required: bool = True
    """Whether a snapshot must hold it, not empty."""
    target: str | None = None
    """Table of the database whose rows these become; None: it is written by SQL of its own."""
    computed: Mapping[str, str] = field(default_factory=dict)
    """Column of ``target`` → SQL over the row, for those that aren't a column of the same name."""
    references: tuple[Reference, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    """French problem → SQL condition on a row that has it."""
    check: str | None = None
    """SQL of what else is checked of a file."""
    scope: tuple[str, ...] = ()
    """Columns whose staged values say which loaded rows a file replaces; empty: all of them."""
    replacement: str | None = None
    """SQL that puts a file's rows in place, where deleting those of its scope isn't enough."""
    is_main: bool = False
    """Whether a file becomes this table; the others go with one that it becomes."""
    is_kept_as_is: bool = False
    """Whether only the rows that differ are written when the snapshot is loaded: they are by far the most numerous."""
    held: str | None = None
    """SQL of the rows that are loaded, in these columns; ``target`` if None."""
    differs: str | None = None
    """SQL condition: whether a staged row says otherwise than the loaded one, ``held``; None: not compared."""
    counted: str | None = None
    """French: what is counted to see that a file isn't truncated; None: nothing."""
    counted_where: str | None = None
    """Column that must be said for a row to count."""
    only_moves: bool = False
    """Whether its rows say otherwise what other sources said, and withdraw nothing."""

    @property
    def file_name(self) -> str:
        """Name of the file in a snapshot's directory."""
        return f"{self.name}.parquet"

    @property
    def stage(self) -> str:
        """Name of the temporary table."""
        return f"stage_{self.name}"

    @property
    def stored(self) -> dict[str, str]:
        """Column of ``target`` → SQL over a staged row."""
        placed = {"geometry", "point_x_m", "point_y_m"}
        return {name: name for name in self.columns if name not in placed} | dict(self.computed)


def _columns(names: str = "", optional: str = "", **others: Column) -> dict[str, Column]:
    """Return columns of text, and others."""
    said = {name: Column() for name in names.split()} | {name: Column(is_optional=True) for name in optional.split()}
    return said | others


def _number() -> Column:
    return Column("double precision", is_optional=True)


def _source(column: str = "source_id", *, is_optional: bool = False) -> Reference:
    return Reference("source", {"source_id": column}, "source non déclarée au catalogue", is_optional=is_optional)


def _territory(level: str, code: str, *, is_optional: bool = False) -> Reference:
    return Reference("territory", {"level": level, "code": code}, "territoire inconnu", is_optional=is_optional)


_STRUCTURE: Final = Reference("structure", {"structure_id": "structure_id"}, "structure inconnue")


def _commune_of_region(code: str) -> Reference:
    named = {"level": "'commune'", "code": code}
    return Reference("territory", named, "commune inconnue", only="NOT held.is_border", shown=("code",))


_LEVEL: Final = Column(allowed=LEVELS)
_PLACE: Final = {
    **_columns(optional="naf address post_code city commune_code departement_code"),
    "place_quality": Column(allowed=PLACE_QUALITIES),
    "place_note": Column(is_optional=True),
}
_STANDING: Final = {
    "is_active": Column("boolean"),
    "state": Column(allowed=STATES),
    "confidence": Column(allowed=CONFIDENCES),
}

TERRITORIES: Final = Table(
    "territories",
    {
        "level": _LEVEL,
        "code": Column(),
        "name": Column(pattern=r"(?s)."),
        "vintage": Column(),
        "population_count": Column("bigint", is_optional=True, least=0),
        "population_status": Column(allowed=STATUSES),
        "population_source_id": Column(is_optional=True),
        "population_method": Column(is_optional=True, allowed=POPULATION_METHODS),
        "population_period": Column(is_optional=True, pattern=PERIOD),
        "source_id": Column(),
        "is_border": Column("boolean"),
        "is_partial": Column("boolean"),
        "commune_count": Column("bigint", is_optional=True, least=1),
        "point_x_m": _number(),
        "point_y_m": _number(),
        "geometry": Column("geometry", is_optional=True),
    },
    key=("level", "code"),
    target="territory",
    computed={"geom": STORED_OUTLINE, "point": STORED_POINT},
    references=(_source(), _source("population_source_id", is_optional=True)),
    refused={
        "population et statut se contredisent": (
            "(population_count IS NULL) <> (population_status IN ('missing', 'suppressed'))"
        )
    },
    differs=(
        "(held.name, held.population_count) IS DISTINCT FROM (staged.name, staged.population_count)"
        " OR NOT ST_Multi(ST_SetSRID(staged.geometry, 2154)) ~= held.geom"
    ),
)
TERRITORY_LINKS: Final = Table(
    "territory_links",
    {
        "child_level": _LEVEL,
        "child_code": Column(),
        "parent_level": _LEVEL,
        **_columns("parent_code vintage source_id"),
    },
    key=("child_level", "child_code", "parent_level", "parent_code"),
    target="territory_link",
    references=(_source(), _territory("child_level", "child_code"), _territory("parent_level", "parent_code")),
)
VALUES: Final = Table(
    "values",
    {
        "level": _LEVEL,
        **_columns("code indicator"),
        "period": Column(pattern=PERIOD),
        "value": _number(),
        "status": Column(allowed=STATUSES),
        "source_id": Column(),
    },
    key=("level", "code", "indicator", "period"),
    target="indicator_value",
    references=(
        _source(),
        _territory("level", "code"),
        Reference("indicator", {"indicator": "indicator"}, "indicateur non déclaré"),
    ),
    refused={
        "valeur et statut se contredisent": (
            "(value IS NULL) <> (status IN ('missing', 'suppressed')) OR value IN ('NaN', 'Infinity', '-Infinity')"
        )
    },
    check="036_check_rivals",
    scope=("source_id", "level"),
    is_main=True,
    is_kept_as_is=True,
    differs="(held.value, held.status) IS DISTINCT FROM (staged.value, staged.status)",
    counted="chiffres",
    counted_where="value",
)
ZONINGS: Final = Table(
    "zonings",
    _columns("level code zoning value_code value_label vintage source_id"),
    key=("level", "code", "zoning"),
    target="zoning",
    references=(_source(), _territory("level", "code")),
    scope=("zoning",),
    is_main=True,
    differs="held.value_code <> staged.value_code",
    counted="classes",
)
STRUCTURES: Final = Table(
    "structures",
    {
        "structure_id": Column(),
        "name": Column(pattern=ONE_LINE),
        "kind": Column(),
        "siret": Column(is_optional=True, pattern=SIRET),
        **_PLACE,
        "capacity_count": _number(),
        "label": Column(is_optional=True),
        **_STANDING,
        **_columns("period source_id"),
        "point_x_m": _number(),
        "point_y_m": _number(),
    },
    key=("structure_id",),
    target="structure",
    computed={"geom": STORED_POINT},
    references=(_source(), _territory("'commune'", "commune_code", is_optional=True)),
    refused={
        "état et activité se contredisent": "is_active <> (state IN ('open', 'unknown'))",
        "point et qualité du lieu se contredisent": (
            "(point_x_m IS NULL OR point_y_m IS NULL) <> (place_quality = 'unknown')"
        ),
        # Mainland France and Corsica, onshore, in EPSG:2154, metres: projected bounds at https://epsg.io/2154.
        "point hors du domaine du Lambert-93": (
            "point_x_m NOT BETWEEN 40047.98 AND 1256237.17 OR point_y_m NOT BETWEEN 6023107.63 AND 7143566.38"
        ),
    },
    replacement="035_replace_structures",
    is_main=True,
)
STRUCTURE_SERVICES: Final = Table(
    "structure_services",
    _columns("structure_id service reason"),
    key=("structure_id", "service"),
    target="structure_service",
    references=(_STRUCTURE,),
)
STRUCTURE_RECORDS: Final = Table(
    "structure_records",
    {**_columns("source_id record_id structure_id rule name kind"), "siret": Column(is_optional=True)},
    key=("source_id", "record_id"),
    target="structure_record",
    references=(_source(), _STRUCTURE),
    scope=("source_id",),
    differs="(held.name, held.kind, held.siret) IS DISTINCT FROM (staged.name, staged.kind, staged.siret)",
    counted="structures",
)
STRUCTURE_MEMBERS: Final = Table(
    "structure_members",
    {
        **_columns("source_id record_id"),
        "score": _number(),
        **_PLACE,
        "capacity_count": _number(),
        "label": Column(is_optional=True),
        **_STANDING,
        "period": Column(),
        "point_x_m": _number(),
        "point_y_m": _number(),
        "services": Column("text[]"),
        "reasons": Column("text[]"),
    },
    key=("source_id", "record_id"),
    is_required=False,
)
STRUCTURE_STATEMENTS: Final = Table(
    "structure_statements",
    {
        **_columns("source_id record_id"),
        "state": Column(allowed=STATES),
        "confidence": Column(allowed=CONFIDENCES),
        "urls": Column("text[]"),
        **_columns("reason", optional="page_dates state_date judgement"),
    },
    key=("source_id", "record_id"),
    is_required=False,
    target="structure_statement",
    references=(_source(),),
    scope=("source_id",),
)
ACCOMPANIMENT: Final = Table(
    "accompaniment",
    {
        **_columns("structure_id role"),
        "phases": Column("text[]"),
        "devices": Column("text[]"),
        **_columns(optional="zone_level zone_code note origin stated_date"),
    },
    key=("structure_id",),
    target="accompaniment",
    references=(_STRUCTURE, _territory("zone_level", "zone_code", is_optional=True)),
)
OF_SNAPSHOT: Final = (
    TERRITORIES,
    TERRITORY_LINKS,
    VALUES,
    ZONINGS,
    STRUCTURES,
    STRUCTURE_SERVICES,
    STRUCTURE_RECORDS,
    STRUCTURE_MEMBERS,
    STRUCTURE_STATEMENTS,
    ACCOMPANIMENT,
)
"""What a snapshot says, in the order in which the tables depend on each other."""

REJECTED: Final = Table(
    "rejected",
    _columns("source_id file_name", line=Column("bigint", is_optional=True)) | _columns("reason content scope"),
    is_required=False,
    references=(_source(),),
)
RUNS: Final = Table(
    "runs",
    _columns("source_id file_name checksum")
    | dict.fromkeys(
        ("rows_read", "rows_kept", "rows_rejected", "rows_duplicate", "rows_outside", "cells_rejected"),
        Column("bigint"),
    ),
    is_required=False,
    references=(_source(),),
)
SNAPSHOT: Final = (*OF_SNAPSHOT, REJECTED, RUNS)
"""Every file of a snapshot: what it says, and the account of its making."""

MEMBERSHIPS: Final = Table(
    "memberships",
    _columns("commune_code epci_code epci_name vintage source_id", is_partial=Column("boolean")),
    key=("commune_code",),
    references=(_source(), _commune_of_region("commune_code")),
    check="040_check_memberships",
    replacement="041_replace_memberships",
    is_main=True,
    held=(
        "(SELECT child_code AS commune_code, parent_code AS epci_code, source_id FROM observatory.territory_link"
        " WHERE child_level = 'commune' AND parent_level = 'epci')"
    ),
    differs="held.epci_code <> staged.epci_code",
    only_moves=True,
)
QUARTERS: Final = Table(
    "quarters",
    _columns("code name vintage source_id", commune_codes=Column("text[]"), geometry=Column("geometry")),
    key=("code",),
    references=(_source(),),
    refused={"contour absent ou invalide": NO_SURFACE},
    check="043_check_quarters",
    replacement="044_replace_quarters",
    is_main=True,
    held="(SELECT code, name, geom, source_id FROM observatory.territory WHERE level = 'qpv')",
    differs=f"held.name <> staged.name OR {HAS_REDRAWN}",
    counted="quartiers",
)
OUTLINES: Final = Table(
    "outlines",
    _columns("code source_id", geometry=Column("geometry")),
    key=("code",),
    references=(_source(), _commune_of_region("code")),
    refused={"contour absent ou invalide": NO_SURFACE},
    check="046_check_outlines",
    replacement="047_replace_outlines",
    is_main=True,
    held="(SELECT code, geom, source_id FROM observatory.territory WHERE level = 'commune')",
    differs=HAS_REDRAWN,
    only_moves=True,
)
FILLED: Final = (*OF_SNAPSHOT, MEMBERSHIPS, QUARTERS, OUTLINES)
"""Every table that a producer's file may become; the last three are in no snapshot."""
