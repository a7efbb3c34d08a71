"""Needs worked out and stored."""
