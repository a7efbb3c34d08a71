"""Each transaction that changes what is published leaves a mark, so that kept answers are known to be stale."""

from __future__ import annotations

from typing import Final

from alembic import op

revision: Final = "0014"
down_revision: Final = "0013"
branch_labels: Final = None
depends_on: Final = None

WATCHED: Final = (
    "accompaniment",
    "accompaniment_place",
    "accompaniment_zone",
    "closure",
    "directory_edit",
    "indicator",
    "indicator_value",
    "ingest_run",
    "membership",
    "objective",
    "rejected_row",
    "snapshot_file",
    "source",
    "structure",
    "structure_decision",
    "structure_record",
    "structure_service",
    "structure_statement",
    "territory",
    "territory_entry",
    "territory_link",
    "zoning",
)
"""All that pages show but runs, which never change once stored, and what is kept of answers."""


def upgrade() -> None:
    """Create the marks, the function that leaves one and its triggers."""
    op.execute("""
        CREATE TABLE observatory.change (
            change_id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_change PRIMARY KEY,
            transaction_id bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint
                CONSTRAINT uq_change_transaction_id UNIQUE
        )
    """)
    op.execute("""
        CREATE FUNCTION observatory.note_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO observatory.change DEFAULT VALUES ON CONFLICT DO NOTHING;
            RETURN NULL;
        END $$
    """)
    for table in WATCHED:
        op.execute(f"""
            CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON observatory.{table}
            FOR EACH STATEMENT EXECUTE FUNCTION observatory.note_change()
        """)


def downgrade() -> None:
    """Remove them."""
    op.execute("DROP FUNCTION observatory.note_change() CASCADE")
    op.execute("DROP TABLE observatory.change")
