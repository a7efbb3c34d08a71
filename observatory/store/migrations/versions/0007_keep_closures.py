"""Establishments that closed, by SIRET: kept apart, so that no reload of a source brings them back."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0007"
down_revision: Final = "0006"
branch_labels: Final = None
depends_on: Final = None

SCHEMA: Final = "observatory"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "closure",
        sa.Column("siret", sa.String(), nullable=False),
        sa.Column("closed_date", sa.String(), nullable=True),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint(r"siret ~ '^\d{14}$'", name=op.f("ck_closure_siret")),
        sa.ForeignKeyConstraint(
            ["source_id"], [f"{SCHEMA}.source.source_id"], name=op.f("fk_closure_source_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("siret", name=op.f("pk_closure")),
        schema=SCHEMA,
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_table("closure", schema=SCHEMA)
