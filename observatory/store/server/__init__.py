"""The private PostgreSQL cluster of this machine."""
