"""A need keeps the communes that each territory was summed from."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: Final = "0011"
down_revision: Final = "0010"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    """Add the table; the members that earlier needs were summed from are not known."""
    op.create_table(
        "membership",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("members", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_membership")),
        schema="observatory",
    )


def downgrade() -> None:
    """Take it off."""
    op.drop_table("membership", schema="observatory")
