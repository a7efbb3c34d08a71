"""What is known: declarations (catalogue, fields, services, studies) and the bundled snapshot."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
SNAPSHOT = ROOT / "snapshot"
STUDIES = ROOT / "studies"


@cache
def declarations(name: str) -> dict[str, Any]:
    """Return the TOML declaration ``geodata/<name>.toml`` as a mapping.

    Parameters
    ----------
    name
        ``"catalog"``, ``"fields"``, ``"services"`` or ``"secrecy"``.

    Raises
    ------
    FileNotFoundError
        If there is no such declaration.
    """
    with (ROOT / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)
