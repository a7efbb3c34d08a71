"""Alembic's entry: runs the migrations on the connection that :mod:`observatory.store.migrate` hands over."""

from __future__ import annotations

from alembic import context

from observatory.store import migrate
from observatory.store.tables import SCHEMA, Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table_schema=SCHEMA,
    include_schemas=True,
    include_name=migrate.is_ours,
)
with context.begin_transaction():
    context.run_migrations()
