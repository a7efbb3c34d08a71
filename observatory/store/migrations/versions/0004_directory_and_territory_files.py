"""Zones, places and permanences of the accompaniment directory; what territories enter from their own files."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision: Final = "0004"
down_revision: Final = "0003"
branch_labels: Final = None
depends_on: Final = None

SCHEMA: Final = "observatory"
TABLES: Final = ("territory_entry", "directory_edit", "accompaniment_place", "accompaniment_zone")
LEVELS: Final = (
    "level IN ('region', 'departement', 'epci', 'commune', 'commune_deleguee', 'qpv', 'bassin_vie', 'zone_emploi', "
    "'iris')"
)


def upgrade() -> None:
    """Add the tables, and what is already known of zones and seats."""
    for name in ("website", "origin", "stated_date"):
        op.add_column("accompaniment", sa.Column(name, sa.String(), nullable=True), schema=SCHEMA)
    _zones()
    _places()
    _edits()
    _entries()


def downgrade() -> None:
    """Undo it."""
    for name in TABLES:
        op.drop_table(name, schema=SCHEMA)
    for name in ("website", "origin", "stated_date"):
        op.drop_column("accompaniment", name, schema=SCHEMA)


def _of_structure(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["structure_id"],
        [f"{SCHEMA}.structure.structure_id"],
        name=op.f(f"fk_{table}_structure_id"),
        ondelete="CASCADE",
    )


def _zones() -> None:
    op.create_table(
        "accompaniment_zone",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("structure_id", "level", "code")),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("origin", "stated_date")),
        sa.CheckConstraint(LEVELS, name=op.f("ck_accompaniment_zone_level")),
        _of_structure("accompaniment_zone"),
        sa.PrimaryKeyConstraint("structure_id", "level", "code", name=op.f("pk_accompaniment_zone")),
        schema=SCHEMA,
    )
    op.create_index(op.f("ix_accompaniment_zone_level_code"), "accompaniment_zone", ["level", "code"], schema=SCHEMA)


def _places() -> None:
    op.create_table(
        "accompaniment_place",
        sa.Column("structure_id", sa.String(), nullable=False),
        sa.Column("rank", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=True) for name in ("name", "address", "commune_code", "days")),
        sa.Column("phases", sa.ARRAY(sa.String()), nullable=False),
        sa.Column("place_quality", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=True) for name in ("place_note", "territory_code")),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("origin", "stated_date")),
        sa.Column("geom", Geometry("POINT", srid=2154, spatial_index=False), nullable=True),
        sa.CheckConstraint("kind IN ('siege', 'lieu', 'permanence')", name=op.f("ck_accompaniment_place_kind")),
        sa.CheckConstraint(
            "place_quality IN ('address', 'commune_centre', 'town_hall', 'unknown')",
            name=op.f("ck_accompaniment_place_place_quality"),
        ),
        sa.CheckConstraint("(geom IS NULL) = (place_quality = 'unknown')", name=op.f("ck_accompaniment_place_placed")),
        _of_structure("accompaniment_place"),
        sa.PrimaryKeyConstraint("structure_id", "rank", name=op.f("pk_accompaniment_place")),
        schema=SCHEMA,
    )
    _gist("accompaniment_place")
    op.create_index(
        op.f("ix_accompaniment_place_territory_code"), "accompaniment_place", ["territory_code"], schema=SCHEMA
    )


def _edits() -> None:
    op.create_table(
        "directory_edit",
        sa.Column("structure_id", sa.String(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=True),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("structure_id", name=op.f("pk_directory_edit")),
        schema=SCHEMA,
    )


def _entries() -> None:
    op.create_table(
        "territory_entry",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("territory_code", "layer", "code", "name")),
        *(sa.Column(name, sa.String(), nullable=True) for name in ("service", "address", "commune_code")),
        sa.Column("place_quality", sa.String(), nullable=False),
        sa.Column("place_score", sa.Float(), nullable=True),
        sa.Column("place_note", sa.String(), nullable=True),
        sa.Column("outside_m", sa.Float(), nullable=False),
        sa.Column("attributes", postgresql.JSONB(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("origin", "stated_date", "file_name")),
        sa.Column("imported_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("geom", Geometry("GEOMETRY", srid=2154, spatial_index=False), nullable=False),
        sa.CheckConstraint("layer IN ('candidats', 'friches', 'structures')", name=op.f("ck_territory_entry_layer")),
        sa.CheckConstraint(
            "place_quality IN ('address', 'commune_centre', 'town_hall')",
            name=op.f("ck_territory_entry_place_quality"),
        ),
        sa.CheckConstraint("(layer = 'structures') = (service IS NOT NULL)", name=op.f("ck_territory_entry_service")),
        sa.PrimaryKeyConstraint("territory_code", "layer", "code", name=op.f("pk_territory_entry")),
        schema=SCHEMA,
    )
    _gist("territory_entry")


def _gist(table: str) -> None:
    op.create_index(f"ix_{table}_geom", table, ["geom"], schema=SCHEMA, postgresql_using="gist")
