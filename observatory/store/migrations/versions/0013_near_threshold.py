"""How many persons the error of the travel time decides for, beside each row of a gap analysis."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0013"
down_revision: Final = "0012"
branch_labels: Final = None
depends_on: Final = None

SCHEMA: Final = "observatory"


def upgrade() -> None:
    """Add the column."""
    op.add_column("gap_result", sa.Column("near_threshold_count", sa.Integer()), schema=SCHEMA)


def downgrade() -> None:
    """Remove it."""
    op.drop_column("gap_result", "near_threshold_count", schema=SCHEMA)
