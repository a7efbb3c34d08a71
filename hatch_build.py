"""Puts the libraries of the pages inside a built package; an editable installation reads them from ``node_modules``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WANTED = {
    "leaflet": ("leaflet.js", "leaflet.css", "images"),
    "maplibre-gl": ("maplibre-gl-csp.js", "maplibre-gl-csp-worker.js", "maplibre-gl.css"),
}
"""Library → what the pages and the maps read of it."""


class Libraries(BuildHookInterface[Any]):
    """Adds the files to the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Say where each file goes; a library that isn't installed stops the build."""
        if version == "editable":
            return
        for library, names in WANTED.items():
            for name in names:
                path = Path(self.root) / "node_modules" / library / "dist" / name
                if not path.exists():
                    raise FileNotFoundError(f"{path} est absent : lancez « npm ci » avant de construire le paquet.")
                build_data["force_include"][str(path)] = f"observatory/libraries/{library}/{name}"
