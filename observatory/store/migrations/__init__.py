"""Alembic migrations of the schema, run from Python by :mod:`observatory.store.migrate`."""
