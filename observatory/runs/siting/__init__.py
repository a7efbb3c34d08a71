"""Siting questions worked out and stored."""
