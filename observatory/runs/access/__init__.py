"""Accesses worked out and stored."""
