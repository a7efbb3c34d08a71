"""Count the rows about places that are not covered, and tell a rejected row from a rejected figure."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"
branch_labels: Final = None
depends_on: Final = None

SCHEMA: Final = "observatory"


def upgrade() -> None:
    """Add the two counts and the scope."""
    op.add_column(
        "ingest_run", sa.Column("rows_outside", sa.Integer(), nullable=False, server_default="0"), schema=SCHEMA
    )
    op.add_column(
        "ingest_run", sa.Column("cells_rejected", sa.Integer(), nullable=False, server_default="0"), schema=SCHEMA
    )
    op.drop_constraint(op.f("ck_ingest_run_adds_up"), "ingest_run", schema=SCHEMA)
    op.create_check_constraint(
        op.f("ck_ingest_run_adds_up"),
        "ingest_run",
        "rows_read = rows_kept + rows_rejected + rows_duplicate + rows_outside",
        schema=SCHEMA,
    )
    op.add_column("rejected_row", sa.Column("scope", sa.String(), nullable=False, server_default="row"), schema=SCHEMA)
    op.create_check_constraint(op.f("ck_rejected_row_scope"), "rejected_row", "scope IN ('row', 'cell')", schema=SCHEMA)


def downgrade() -> None:
    """Undo it."""
    op.drop_column("rejected_row", "scope", schema=SCHEMA)
    op.drop_constraint(op.f("ck_ingest_run_adds_up"), "ingest_run", schema=SCHEMA)
    op.drop_column("ingest_run", "cells_rejected", schema=SCHEMA)
    op.drop_column("ingest_run", "rows_outside", schema=SCHEMA)
    op.create_check_constraint(
        op.f("ck_ingest_run_adds_up"),
        "ingest_run",
        "rows_read = rows_kept + rows_rejected + rows_duplicate",
        schema=SCHEMA,
    )
