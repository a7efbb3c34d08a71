"""Keep which communes a territory is made of, rather than work it out at each question (8 s for the region)."""

from __future__ import annotations

from typing import Final

from alembic import op

revision: Final = "0003"
down_revision: Final = "0002"
branch_labels: Final = None
depends_on: Final = None

MEMBERSHIP: Final = """
    SELECT level, code, code AS commune_code
    FROM observatory.territory
    WHERE level = 'commune'
UNION ALL
    SELECT parent_level, parent_code, child_code
    FROM observatory.territory_link
    WHERE child_level = 'commune'
UNION ALL
    SELECT child_level, child_code, parent_code
    FROM observatory.territory_link
    WHERE parent_level = 'commune'
UNION ALL
    SELECT region.parent_level, region.parent_code, commune.child_code
    FROM observatory.territory_link AS region
    JOIN observatory.territory_link AS commune
        ON commune.child_level = 'commune'
        AND commune.parent_level = 'departement'
        AND commune.parent_code = region.child_code
    WHERE region.child_level = 'departement' AND region.parent_level = 'region'
"""


def upgrade() -> None:
    """Make the view a table that is refreshed by each load."""
    op.execute("DROP VIEW observatory.territory_commune")
    op.execute(f"CREATE MATERIALIZED VIEW observatory.territory_commune AS {MEMBERSHIP}")
    op.execute(
        "CREATE UNIQUE INDEX uq_territory_commune_level_code_commune_code "
        "ON observatory.territory_commune (level, code, commune_code)"
    )
    op.execute(
        "CREATE INDEX ix_territory_commune_commune_code_level ON observatory.territory_commune (commune_code, level)"
    )


def downgrade() -> None:
    """Undo it."""
    op.execute("DROP MATERIALIZED VIEW observatory.territory_commune")
    op.execute(f"CREATE VIEW observatory.territory_commune AS {MEMBERSHIP}")
