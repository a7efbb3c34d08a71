"""INSEE's grid of density in seven levels: the 2025 file (labels or levels, CSV or XLSX) and the 2024 workbook."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.formats.tables import read_table
from observatory.sources.territories.commune_class import classified, zoning_rows
from observatory.sources.territories.zoning import DENSITY

FILE: Final = "insee_densite_2025.csv"
SOURCE_ID: Final = "insee_densite_2025"
COLUMNS: Final = {"commune_code": ("insee_com", "CODGEO"), "label": ("niveau_densite", "DENS")}
LEVEL_LABELS: Final = {code: label for label, code in DENSITY.items()}


def read(path: Path) -> pd.DataFrame:
    """Read the file as text; in the 2024 workbook the header is on the fifth row.

    Raises
    ------
    InputFileError
        If it is absent or is not what it should be.
    """
    return read_table(path, COLUMNS)


def normalise(
    frame: pd.DataFrame,
    *,
    communes: set[str],
    region_communes: set[str],
    departements: set[str],
    file_name: str = FILE,
) -> Batch:
    """Keep the communes that the observatory knows, with their level, 1 (densest) to 7.

    Returns
    -------
    Batch
        Frame: ``commune_code, label, value_code``.

    Raises
    ------
    InputFileError
        If a commune of the region has no level.
    """
    labelled = frame.assign(label=frame["label"].replace(LEVEL_LABELS))
    sieve = Sieve(labelled, SOURCE_ID, file_name, shown=("commune_code", "label"))
    return classified(
        sieve, codes=DENSITY, communes=communes, region_communes=region_communes, departements=departements
    )


def zonings(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the level of each commune, from a normalised frame."""
    return zoning_rows(frame, "density_level")
