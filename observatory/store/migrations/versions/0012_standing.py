"""What is known of a structure's existence: its state, how sure that is, and the pages that say so."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0012"
down_revision: Final = "0011"
branch_labels: Final = None
depends_on: Final = None

SCHEMA: Final = "observatory"
ALLOWED: Final = {
    "state": ("open", "announced", "closed", "unknown"),
    "confidence": ("sure", "likely", "doubtful"),
}


def upgrade() -> None:
    """Add the columns and the table; what is loaded is open or announced, as it was counted until now."""
    for name, values in ALLOWED.items():
        default = sa.text(f"'{values[0]}'")
        op.add_column("structure", sa.Column(name, sa.String(), nullable=False, server_default=default), schema=SCHEMA)
        op.add_column("structure_record", sa.Column(name, sa.String()), schema=SCHEMA)
        op.create_check_constraint(name, "structure", _one_of(name), schema=SCHEMA)
    for table in ("structure", "structure_record"):
        rows = sa.table(table, *map(sa.column, ("is_active", *ALLOWED)), schema=SCHEMA)
        state = sa.case((rows.c.is_active, "open"), else_="announced")
        op.execute(rows.update().values(state=state, confidence="sure").where(rows.c.is_active.is_not(None)))
    op.add_column(
        "accompaniment_place",
        sa.Column("confidence", sa.String(), nullable=False, server_default=sa.text("'sure'")),
        schema=SCHEMA,
    )
    op.create_check_constraint("confidence", "accompaniment_place", _one_of("confidence"), schema=SCHEMA)
    op.create_table(
        "structure_statement",
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("record_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("confidence", sa.String(), nullable=False),
        sa.Column("urls", sa.ARRAY(sa.String()), nullable=False),
        sa.Column("page_dates", sa.String()),
        sa.Column("state_date", sa.String()),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("judgement", sa.String()),
        sa.PrimaryKeyConstraint("source_id", "record_id"),
        sa.ForeignKeyConstraint(
            ["source_id", "record_id"],
            [f"{SCHEMA}.structure_record.source_id", f"{SCHEMA}.structure_record.record_id"],
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(_one_of("state"), name="state"),
        sa.CheckConstraint(_one_of("confidence"), name="confidence"),
        schema=SCHEMA,
    )


def downgrade() -> None:
    """Take them out."""
    op.drop_table("structure_statement", schema=SCHEMA)
    op.drop_column("accompaniment_place", "confidence", schema=SCHEMA)
    for name in ALLOWED:
        op.drop_column("structure", name, schema=SCHEMA)
        op.drop_column("structure_record", name, schema=SCHEMA)


def _one_of(name: str) -> str:
    return f"{name} IN ({', '.join(map(repr, ALLOWED[name]))})"
