"""Fabriques de territoire (ANCT)."""

from __future__ import annotations

from typing import Final

import pandas as pd

from observatory.sources.batch import Batch
from observatory.sources.structures import labelled_place
from observatory.sources.structures.labelled_place import read

__all__ = ["read"]

FILE: Final = "fabriques.csv"
SOURCE_ID: Final = "anct_fabriques_2024"


def normalise(frame: pd.DataFrame, *, communes: set[str], departements: set[str], file_name: str = FILE) -> Batch:
    """Keep the places in the communes of the observatory (see :func:`labelled_place.normalise`)."""
    return labelled_place.normalise(
        frame,
        communes=communes,
        departements=departements,
        file_name=file_name,
        source_id=SOURCE_ID,
        kind="FABRIQUE_DE_TERRITOIRE",
        period="2024",
    )
