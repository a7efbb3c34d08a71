"""What is known: declarations (catalogue, fields, services, studies) and the bundled snapshot."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent
SNAPSHOT = ROOT / "snapshot"
STUDIES = ROOT / "studies"
