"""The schema, whole: its revision is that of the last of the eleven steps that it replaces."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects.postgresql import JSONB

revision: Final = "0011"
down_revision: Final = None
branch_labels: Final = None
depends_on: Final = None

SCHEMA: Final = "observatory"
QUEUE: Final = "observatory_jobs"
"""A schema of its own: another program of the same database may have a queue too."""
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
QUALITIES: Final = ("address", "commune_centre", "town_hall", "unknown")
TYPES: Final[dict[str, Any]] = {
    "integer": sa.Integer(),
    "number": sa.Double(),
    "boolean": sa.Boolean(),
    "time": sa.DateTime(timezone=True),
    "json": JSONB(),
    "texts": sa.ARRAY(sa.String()),
    "bytes": sa.LargeBinary(),
    **{name: Geometry(name.upper(), srid=2154, spatial_index=False) for name in ("point", "multipolygon", "geometry")},
}
MEMBERSHIP: Final = """
CREATE MATERIALIZED VIEW observatory.territory_commune AS
    SELECT level, code, code AS commune_code
    FROM observatory.territory
    WHERE level = 'commune'
UNION ALL
    SELECT parent_level, parent_code, child_code
    FROM observatory.territory_link
    WHERE child_level = 'commune'
UNION ALL
    SELECT child_level, child_code, parent_code
    FROM observatory.territory_link
    WHERE parent_level = 'commune'
UNION ALL
    SELECT region.parent_level, region.parent_code, commune.child_code
    FROM observatory.territory_link AS region
    JOIN observatory.territory_link AS commune
        ON commune.child_level = 'commune'
        AND commune.parent_level = 'departement'
        AND commune.parent_code = region.child_code
    WHERE region.child_level = 'departement' AND region.parent_level = 'region'
"""
"""Communes that a territory of any level contains, or that contain it (QPV, commune déléguée, IRIS): kept, and
refreshed by each load, since working it out at each question took 8 s for the region."""


def upgrade() -> None:
    """Create the schema."""
    _sources()
    _territories()
    _structures()
    _directory()
    _runs()
    op.execute(MEMBERSHIP)
    _index("territory_commune", "level", "code", "commune_code", unique=True)
    _index("territory_commune", "commune_code", "level")
    _queue()


def downgrade() -> None:
    """Drop all of it but Alembic's own table."""
    op.execute(f"DROP SCHEMA {QUEUE} CASCADE")
    op.execute(f"DROP MATERIALIZED VIEW {SCHEMA}.territory_commune")
    for name in sa.inspect(op.get_bind()).get_table_names(schema=SCHEMA):
        if name != "alembic_version":
            op.execute(f"DROP TABLE {SCHEMA}.{name} CASCADE")


def _table(name: str, key: str, columns: str, *constraints: sa.Constraint, **defaults: str) -> None:
    """Create a table; ``columns`` are ``name``, ``name:type`` (text where none is given), with ``?`` where null is."""
    op.create_table(
        name,
        *(_column(one, defaults) for one in columns.split()),
        sa.PrimaryKeyConstraint(*key.split()),
        *constraints,
        schema=SCHEMA,
    )


def _column(declared: str, defaults: dict[str, str]) -> sa.Column[Any]:
    name, _, kind = declared.removesuffix("?").partition(":")
    is_null = declared.endswith("?")
    if kind == "identity":
        return sa.Column(name, sa.BigInteger(), sa.Identity(always=False), nullable=False)
    default = sa.text(defaults[name]) if name in defaults else None
    type_ = sa.BigInteger() if kind == "bigint" else TYPES[kind] if kind else sa.String()
    return sa.Column(name, type_, nullable=is_null, server_default=default, autoincrement=False)


def _to(table: str, columns: str, target: str | None = None, **options: str) -> sa.ForeignKeyConstraint:
    """Refer to the columns of ``table``, named alike unless ``target`` names them."""
    referred = [f"{SCHEMA}.{table}.{one}" for one in (target or columns).split()]
    return sa.ForeignKeyConstraint(columns.split(), referred, **options)  # type: ignore[arg-type]


def _one_of(column: str, values: tuple[str, ...]) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} IN ({', '.join(map(repr, values))})", name=column)


def _placed() -> sa.CheckConstraint:
    return sa.CheckConstraint("(geom IS NULL) = (place_quality = 'unknown')", name="placed")


def _siret() -> sa.CheckConstraint:
    return sa.CheckConstraint(r"siret ~ '^\d{14}$'", name="siret")


def _index(table: str, *columns: str, **options: Any) -> None:  # noqa: ANN401  (of PostgreSQL)
    kind = "uq" if options.get("unique") else "ix"
    op.create_index(op.f(f"{kind}_{table}_{'_'.join(columns)}"), table, list(columns), schema=SCHEMA, **options)


def _gist(table: str, column: str = "geom") -> None:
    _index(table, column, postgresql_using="gist")


def _sources() -> None:
    _table(
        "source",
        "source_id",
        "source_id title producer licence url vintage published_date? rhythm? coverage expected_count:integer? "
        "expected_note? row_count:integer? checksum?",
    )
    _table(
        "ingest_run",
        "run_id",
        "run_id:identity source_id started_at:time finished_at:time? file_name checksum rows_read:integer "
        "rows_kept:integer rows_rejected:integer rows_duplicate:integer status message? rows_outside:integer "
        "cells_rejected:integer rows_repaired:integer? fetched_at:time?",
        _to("source", "source_id", ondelete="CASCADE"),
        _one_of("status", ("loaded", "unchanged", "failed")),
        sa.CheckConstraint("rows_read = rows_kept + rows_rejected + rows_duplicate + rows_outside", name="adds_up"),
        started_at="now()",
        rows_outside="0",
        cells_rejected="0",
    )
    _index("ingest_run", "source_id", "finished_at")
    _table(
        "rejected_row",
        "rejected_id",
        "rejected_id:identity run_id:bigint file_name line:integer? reason content scope",
        _to("ingest_run", "run_id", ondelete="CASCADE"),
        _one_of("scope", ("row", "cell")),
        scope="'row'",
    )
    _index("rejected_row", "run_id")
    _table("snapshot_file", "file_name", "file_name checksum row_count:integer loaded_at:time", loaded_at="now()")


def _territories() -> None:
    _table(
        "territory",
        "level code",
        "level code name vintage population_count:integer? population_status population_source_id? source_id "
        "is_border:boolean is_partial:boolean commune_count:integer? geom:multipolygon? point:point?",
        _to("source", "population_source_id", "source_id"),
        _to("source", "source_id"),
        _one_of("level", LEVELS),
        _one_of("population_status", STATUSES),
        sa.CheckConstraint("population_count >= 0", name="population_count"),
        sa.CheckConstraint(
            "(population_count IS NULL) = (population_status IN ('missing', 'suppressed'))", name="known"
        ),
    )
    _index("territory", "code")
    _gist("territory")
    _gist("territory", "point")
    _table(
        "territory_link",
        "child_level child_code parent_level parent_code",
        "child_level child_code parent_level parent_code vintage source_id",
        _to("territory", "child_level child_code", "level code"),
        _to("territory", "parent_level parent_code", "level code"),
        _to("source", "source_id"),
    )
    _index("territory_link", "parent_level", "parent_code")
    _table("indicator", "indicator", "indicator label unit denominator? description")
    _table(
        "indicator_value",
        "level code indicator period",
        "level code indicator period value:number? status source_id",
        _to("indicator", "indicator"),
        _to("source", "source_id"),
        _one_of("status", STATUSES),
        sa.CheckConstraint("(value IS NULL) = (status IN ('missing', 'suppressed'))", name="known"),
    )
    _index("indicator_value", "indicator", "level", "period")
    _table(
        "zoning",
        "level code zoning",
        "level code zoning value_code value_label vintage source_id",
        _to("territory", "level code"),
        _to("source", "source_id"),
    )
    _index("zoning", "zoning", "value_code")


def _structures() -> None:
    _table(
        "structure",
        "structure_id",
        "structure_id name kind siret? naf? address? post_code? city? commune_code? departement_code? place_quality "
        "place_note? capacity_count:number? label? is_active:boolean period source_id geom:point?",
        _to("source", "source_id"),
        _one_of("place_quality", QUALITIES),
        _placed(),
        _siret(),
    )
    _index("structure", "commune_code")
    _index("structure", "siret")
    _gist("structure")
    _table(
        "structure_service",
        "structure_id service",
        "structure_id service reason",
        _to("structure", "structure_id", ondelete="CASCADE"),
    )
    _index("structure_service", "service")
    _table(
        "structure_record",
        "source_id record_id",
        "source_id record_id structure_id rule name kind siret? naf? address? post_code? city? commune_code? "
        "departement_code? place_quality? place_note? label? period? score:number? capacity_count:number? "
        "is_active:boolean? services:json? geom:point?",
        _to("source", "source_id"),
        _to("structure", "structure_id", ondelete="CASCADE"),
    )
    _index("structure_record", "structure_id")
    _gist("structure_record")
    _table(
        "structure_decision",
        "first second",
        "first second is_same:boolean reason? decided_at:time",
        sa.CheckConstraint("first < second", name="ordered"),
        decided_at="now()",
    )
    _table(
        "closure",
        "siret",
        "siret closed_date? source_id file_name recorded_at:time",
        _to("source", "source_id", ondelete="CASCADE"),
        _siret(),
        recorded_at="now()",
    )


def _directory() -> None:
    _table(
        "accompaniment",
        "structure_id",
        "structure_id role phases:texts devices:texts zone_level? zone_code? note? website? origin? stated_date?",
        _to("structure", "structure_id", ondelete="CASCADE"),
    )
    _table(
        "accompaniment_zone",
        "structure_id level code",
        "structure_id level code origin stated_date",
        _to("structure", "structure_id", ondelete="CASCADE"),
        _one_of("level", LEVELS),
    )
    _index("accompaniment_zone", "level", "code")
    _table(
        "accompaniment_place",
        "structure_id rank",
        "structure_id rank:integer kind name? address? commune_code? days? phases:texts place_quality place_note? "
        "territory_code? origin stated_date geom:point?",
        _to("structure", "structure_id", ondelete="CASCADE"),
        _one_of("kind", ("siege", "lieu", "permanence")),
        _one_of("place_quality", QUALITIES),
        _placed(),
    )
    _index("accompaniment_place", "territory_code")
    _gist("accompaniment_place")
    _table(
        "directory_edit",
        "structure_id",
        "structure_id content:json? file_name edited_at:time base:json?",
        edited_at="now()",
    )
    _table(
        "territory_entry",
        "territory_code layer code",
        "territory_code layer code name service? address? commune_code? place_quality place_score:number? place_note? "
        "outside_m:number attributes:json origin stated_date file_name imported_at:time geom:geometry",
        _one_of("layer", ("candidats", "friches", "structures")),
        _one_of("place_quality", QUALITIES[:-1]),
        sa.CheckConstraint("(layer = 'structures') = (service IS NOT NULL)", name="service"),
        imported_at="now()",
    )
    _gist("territory_entry")
    _table(
        "objective",
        "level code defi indicator",
        "level code defi indicator baseline_value:number baseline_period target_value:number target_period origin "
        "updated_at:time",
        _one_of("level", LEVELS[:6]),
        sa.CheckConstraint("baseline_value <> target_value", name="moves"),
        sa.CheckConstraint("baseline_period < target_period", name="forward"),
        updated_at="now()",
    )


def _runs() -> None:
    _table(
        "run",
        "run_hash",
        "run_hash kind defi? service? is_default:boolean parameters:json inputs:json source_ids:texts created_at:time",
        _one_of("kind", ("need", "access", "gap", "siting")),
        created_at="now()",
    )
    _index("run", "kind", "defi", "service")
    of_run = {"ondelete": "CASCADE"}
    _table(
        "access_result",
        "run_hash level code",
        "run_hash level code nearest_min:number? nearest_structure_id? reachable_supply:number access_index:number "
        "satisfied_share:number",
        _to("run", "run_hash", **of_run),
    )
    _table(
        "gap_result",
        "run_hash level code",
        "run_hash level code name population_count:integer? need_score:number? need_volume_count:integer? "
        "access_score:number? nearest_min:number? served_count:integer? reachable_full_count:integer? "
        "out_of_reach_count:integer? in_need_out_of_reach_count:integer? priority_score:number? typology status "
        "is_partial:boolean note? rank_low:integer? rank_median:integer? rank_high:integer? verdict_share:number? "
        "score_low:number? score_high:number? verdict? flips:json",
        _to("run", "run_hash", **of_run),
        _one_of("status", STATUSES),
        sa.CheckConstraint(
            "population_count = served_count + reachable_full_count + out_of_reach_count", name="adds_up"
        ),
        flips="'[]'::jsonb",
    )
    _index("gap_result", "level", "code")
    _table(
        "need_result",
        "run_hash level code",
        "run_hash level code score:number? weight_share:number volume:number? status components:json",
        _to("run", "run_hash", **of_run),
        _one_of("status", STATUSES),
    )
    _table("membership", "digest", "digest members:json")
    _table(
        "tile",
        "layer zoom column row",
        "layer zoom:integer column:integer row:integer etag content:bytes",
    )
    _table(
        "job",
        "job_id",
        "job_id status question:json label done:integer total:integer result:json? error? error_kind? "
        "created_at:time updated_at:time",
        _one_of("status", ("todo", "doing", "succeeded", "failed", "cancelled")),
        label="'En attente'",
        done="0",
        total="0",
        created_at="now()",
        updated_at="now()",
    )


def _queue() -> None:
    """Create the tables of the queue (procrastinate) that hands questions to whoever works on them."""
    connection = op.get_bind()
    before = connection.execute(sa.text("SHOW search_path")).scalar_one()
    op.execute(f"DROP SCHEMA IF EXISTS {QUEUE} CASCADE")  # left by a schema "observatory" dropped by hand
    op.execute(f"CREATE SCHEMA {QUEUE}")
    op.execute(f"SET LOCAL search_path TO {QUEUE}")
    connection.exec_driver_sql(SchemaManager.get_schema(), execution_options={"no_parameters": True})
    op.execute(f"SET LOCAL search_path TO {before}")
