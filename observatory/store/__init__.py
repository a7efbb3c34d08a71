"""PostGIS: the private cluster, the engine, the tables, loading and reading."""
