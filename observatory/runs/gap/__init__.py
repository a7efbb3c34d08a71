"""Gaps worked out and stored, and what is told of them."""
