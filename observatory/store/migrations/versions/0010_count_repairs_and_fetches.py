"""Loads count the rows that were repaired, and keep the moment when their file was fetched."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0010"
down_revision: Final = "0009"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    """Add both columns; what earlier loads repaired is not known."""
    op.add_column("ingest_run", sa.Column("rows_repaired", sa.Integer(), nullable=True), schema="observatory")
    op.add_column(
        "ingest_run", sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=True), schema="observatory"
    )


def downgrade() -> None:
    """Take them off."""
    op.drop_column("ingest_run", "fetched_at", schema="observatory")
    op.drop_column("ingest_run", "rows_repaired", schema="observatory")
