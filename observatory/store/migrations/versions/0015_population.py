"""How the population of each territory was found, and its year."""

from __future__ import annotations

from typing import Final

from alembic import op

revision: Final = "0015"
down_revision: Final = "0014"
branch_labels: Final = None
depends_on: Final = None

COLUMNS: Final = ("population_method", "population_period")


def upgrade() -> None:
    """Add the columns; the next load of the snapshot fills them."""
    for name in COLUMNS:
        op.execute(f"ALTER TABLE observatory.territory ADD COLUMN IF NOT EXISTS {name} varchar")


def downgrade() -> None:
    """Remove them."""
    for name in COLUMNS:
        op.execute(f"ALTER TABLE observatory.territory DROP COLUMN {name}")
