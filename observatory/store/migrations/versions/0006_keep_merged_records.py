"""Records keep what their source says of them, so that a merge can be undone; merges that users decided."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision: Final = "0006"
down_revision: Final = "0005"
branch_labels: Final = None
depends_on: Final = None

SCHEMA: Final = "observatory"
TEXTS: Final = (
    "naf",
    "address",
    "post_code",
    "city",
    "commune_code",
    "departement_code",
    "place_quality",
    "place_note",
    "label",
    "period",
)


def upgrade() -> None:
    """Add what a record says, and the table of decisions."""
    for name in TEXTS:
        op.add_column("structure_record", sa.Column(name, sa.String(), nullable=True), schema=SCHEMA)
    others: tuple[sa.Column[Any], ...] = (
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("capacity_count", sa.Float(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=True),
        sa.Column("services", postgresql.JSONB(), nullable=True),
        sa.Column("geom", Geometry("POINT", srid=2154, spatial_index=False), nullable=True),
    )
    for column in others:
        op.add_column("structure_record", column, schema=SCHEMA)
    op.create_index("ix_structure_record_geom", "structure_record", ["geom"], schema=SCHEMA, postgresql_using="gist")
    op.create_table(
        "structure_decision",
        sa.Column("first", sa.String(), nullable=False),
        sa.Column("second", sa.String(), nullable=False),
        sa.Column("is_same", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("first < second", name=op.f("ck_structure_decision_ordered")),
        sa.PrimaryKeyConstraint("first", "second", name=op.f("pk_structure_decision")),
        schema=SCHEMA,
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_table("structure_decision", schema=SCHEMA)
    op.drop_index("ix_structure_record_geom", table_name="structure_record", schema=SCHEMA)
    for name in (*TEXTS, "score", "capacity_count", "is_active", "services", "geom"):
        op.drop_column("structure_record", name, schema=SCHEMA)
