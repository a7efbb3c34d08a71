"""France ruralités revitalisation: the DGCL's list of communes, or the Observatoire des territoires' download."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.formats.tables import read_table
from observatory.sources.territories.commune_class import classified, zoning_rows
from observatory.sources.territories.zoning import FRR

FILE: Final = "dgcl_frr_2025-07.csv"
SOURCE_ID: Final = "dgcl_frr_2025"
COLUMNS: Final = {
    "commune_code": ("Code_insee", "codgeo", "Code INSEE"),
    "label": ("Classement FRR et FRR+*", "codefrr"),
}
NOT_CLASSIFIED: Final = "Non classée"
MARK: Final = "-9999"
"""What the Observatoire des territoires writes for a commune that isn't classified."""


def read(path: Path) -> pd.DataFrame:
    """Read the file as text.

    Raises
    ------
    InputFileError
        If it is absent or is not what it should be.
    """
    return read_table(path, COLUMNS, missing=frozenset())


def normalise(
    frame: pd.DataFrame,
    *,
    communes: set[str],
    region_communes: set[str],
    departements: set[str],
    file_name: str = FILE,
) -> Batch:
    """Keep the communes that the observatory knows, with the code of their class.

    Returns
    -------
    Batch
        Frame: ``commune_code, label, value_code``.

    Raises
    ------
    InputFileError
        If a commune of the region has no class.
    """
    labelled = frame.assign(label=frame["label"].replace(MARK, NOT_CLASSIFIED))
    sieve = Sieve(labelled, SOURCE_ID, file_name, shown=("commune_code", "label"))
    return classified(sieve, codes=FRR, communes=communes, region_communes=region_communes, departements=departements)


def zonings(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the class of each commune, from a normalised frame."""
    return zoning_rows(frame, "frr_status")
