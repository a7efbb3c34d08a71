"""The région of the observatory: ``geodata/region.toml``, the only declaration that names it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import geodata
from observatory.declared.reading import Declaration, Names, declaration
from observatory.errors import InputFileError
from observatory.words.grammar import RegionNames

FILE = "region.toml"


class Pilot(Declaration):
    """A territory of project, shown first."""

    level: str
    code: str
    study: str | None = None
    """Siting study that it comes with: ``studies/<study>.toml``; None: none is declared."""


class Region(Declaration):
    """Which région, what surrounds it, how it is named, and who its territories of project are."""

    code: str
    departements: Names
    """Codes of the départements that make it."""
    border: Names
    """Codes of those that touch it: they take part in access, never in a total."""
    identifier: str
    """Name that servers and directories are given, without space."""
    names: RegionNames
    pilots: tuple[Pilot, ...] = ()

    @property
    def perimeter(self) -> Sequence[str]:
        """Return the codes of all départements that the observatory holds."""
        return (*self.departements, *self.border)

    @property
    def studies(self) -> Sequence[str]:
        """Return the names of the siting studies delivered with the observatory."""
        return [one.study for one in self.pilots if one.study is not None]


def home_region() -> Region:
    """Return the région.

    Raises
    ------
    InputFileError
        If its declaration is absent or wrong.
    """
    return declaration(FILE, Region)


def use_region(directory: Path | None) -> None:
    """Serve the région whose declarations and snapshot a directory holds; None: the one delivered with the code.

    Raises
    ------
    InputFileError
        If the directory doesn't declare a région.
    """
    if directory is not None and not (directory / FILE).is_file():
        raise InputFileError(
            f"Le dossier « {directory} » ne contient pas « {FILE} » : indiquez dans OBS_GEODATA_DIR celui d’une région."
        )
    geodata.use(directory)
