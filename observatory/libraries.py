"""Where the libraries of the pages are: inside an installed package, or where ``npm ci`` puts them in a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Final

PACKAGED: Final = Path(__file__).resolve().parent / "libraries"
"""A built package holds them here (``hatch_build.py``)."""
CHECKOUT: Final = Path(__file__).resolve().parent.parent / "node_modules"


def library(name: str) -> Path:
    """Return the directory of a library's distributed files, whether or not it is there."""
    packaged = PACKAGED / name
    return packaged if packaged.is_dir() else CHECKOUT / name / "dist"


def how_to_install() -> str:
    """Return the French sentence that says how to get the libraries that are missing."""
    if (CHECKOUT.parent / "package.json").is_file():
        return f"lancez « npm ci » dans {CHECKOUT.parent}."
    return "ce paquet a été construit sans elle. Reconstruisez-le après « npm ci », ou partez du dépôt."
