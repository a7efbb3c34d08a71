"""What the directory said of a structure before its users edited it, so that an edit can be undone."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: Final = "0009"
down_revision: Final = "0008"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    """Add the column; what was edited before gets its own with the next load."""
    op.add_column("directory_edit", sa.Column("base", JSONB(), nullable=True), schema="observatory")


def downgrade() -> None:
    """Undo it."""
    op.drop_column("directory_edit", "base", schema="observatory")
