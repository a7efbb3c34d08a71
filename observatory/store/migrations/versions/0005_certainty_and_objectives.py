"""How sure each row of a gap analysis is, stored with it; objectives of territories."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: Final = "0005"
down_revision: Final = "0004"
branch_labels: Final = None
depends_on: Final = None

SCHEMA: Final = "observatory"
RANKS: Final = ("rank_low", "rank_median", "rank_high")
SHARES: Final = ("verdict_share", "score_low", "score_high")
LEVELS: Final = "level IN ('region', 'departement', 'epci', 'commune', 'commune_deleguee', 'qpv')"


def upgrade() -> None:
    """Add the columns, empty for the runs already there, and the table."""
    for name in RANKS:
        op.add_column("gap_result", sa.Column(name, sa.Integer(), nullable=True), schema=SCHEMA)
    for name in SHARES:
        op.add_column("gap_result", sa.Column(name, sa.Float(), nullable=True), schema=SCHEMA)
    op.add_column("gap_result", sa.Column("verdict", sa.String(), nullable=True), schema=SCHEMA)
    op.add_column(
        "gap_result",
        sa.Column("flips", postgresql.JSONB(), nullable=False, server_default=sa.text("'[]'::jsonb")),
        schema=SCHEMA,
    )
    op.create_table(
        "objective",
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("defi", sa.String(), nullable=False),
        sa.Column("indicator", sa.String(), nullable=False),
        sa.Column("baseline_value", sa.Float(), nullable=False),
        sa.Column("baseline_period", sa.String(), nullable=False),
        sa.Column("target_value", sa.Float(), nullable=False),
        sa.Column("target_period", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint(LEVELS, name=op.f("ck_objective_level")),
        sa.CheckConstraint("baseline_value <> target_value", name=op.f("ck_objective_moves")),
        sa.CheckConstraint("baseline_period < target_period", name=op.f("ck_objective_forward")),
        sa.PrimaryKeyConstraint("level", "code", "defi", "indicator", name=op.f("pk_objective")),
        schema=SCHEMA,
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_table("objective", schema=SCHEMA)
    for name in (*RANKS, *SHARES, "verdict", "flips"):
        op.drop_column("gap_result", name, schema=SCHEMA)
