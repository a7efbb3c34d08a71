"""Questions that wait for their answer, and the queue (procrastinate) that hands them to whoever works."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects.postgresql import JSONB

revision: Final = "0008"
down_revision: Final = "0007"
branch_labels: Final = None
depends_on: Final = None

QUEUE: Final = "observatory_jobs"
"""A schema of its own: another program of the same database may have a queue too."""


def upgrade() -> None:
    """Add the table and the queue."""
    op.create_table(
        "job",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("question", JSONB(), nullable=False),
        sa.Column("label", sa.String(), server_default="En attente", nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("result", JSONB(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("error_kind", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint(
            "status IN ('todo', 'doing', 'succeeded', 'failed', 'cancelled')", name=op.f("ck_job_status")
        ),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_job")),
        schema="observatory",
    )
    connection = op.get_bind()
    before = connection.execute(sa.text("SHOW search_path")).scalar_one()
    op.execute(f"DROP SCHEMA IF EXISTS {QUEUE} CASCADE")  # left by a schema "observatory" dropped by hand
    op.execute(f"CREATE SCHEMA {QUEUE}")
    op.execute(f"SET LOCAL search_path TO {QUEUE}")
    connection.exec_driver_sql(SchemaManager.get_schema(), execution_options={"no_parameters": True})
    op.execute(f"SET LOCAL search_path TO {before}")


def downgrade() -> None:
    """Undo it."""
    op.execute(f"DROP SCHEMA {QUEUE} CASCADE")
    op.drop_table("job", schema="observatory")
