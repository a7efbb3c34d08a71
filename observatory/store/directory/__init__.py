"""The directory of accompaniment in the database: read, written, undone."""
