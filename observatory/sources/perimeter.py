"""Normandy and the départements that touch it."""

from __future__ import annotations

from typing import Final

REGION: Final = "28"
NORMANDY: Final = ("14", "27", "50", "61", "76")
BORDER: Final = ("28", "35", "53", "60", "72", "78", "80", "95")
"""Départements that share a border with Normandy."""
DEPARTEMENTS: Final = (*NORMANDY, *BORDER)
