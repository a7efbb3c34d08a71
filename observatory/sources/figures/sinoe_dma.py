"""Household and similar waste collected, by département, year and type (ADEME, SINOE, « DMA par type de déchet »)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.figures import tonnage
from observatory.sources.formats.tables import read_table

FILE: Final = "sinoe-tonnage-dma-par-type-de-dechet.json"
SOURCE_ID: Final = "ademe_sinoe_dma"
COLUMNS: Final = {
    "year": ("ANNEE",),
    "departement_code": ("C_DEPT",),
    "class": ("L_TYP_REG_DECHET",),
    "tonnes": ("TONNAGE_DMA_T", "TONNAGE_T", "TONNAGE_DMA"),
}
KEYS: Final = ("year", "departement_code", "class")
TOTAL: Final = "dma_total_t"
TYPES: Final = {
    "Ordures ménagères résiduelles": "dma_residuelles_t",
    "Déblais et gravats": "dma_gravats_t",
    "Encombrants": "dma_encombrants_t",
    "Déchets dangereux (y.c. DEEE)": "dma_dangereux_t",
    "Matériaux recyclables": "dma_recyclables_t",
    "Déchets verts et biodéchets": "dma_biodechets_t",
    "Autres": "dma_autres_t",
}
"""SINOE's type of waste (``L_TYP_REG_DECHET``) → indicator."""


def read(path: Path) -> pd.DataFrame:
    """Read the lines of Data Fair, or their CSV export (decimal comma), as text.

    Raises
    ------
    InputFileError
        If it is absent or is not what it should be.
    """
    return read_table(path, COLUMNS)


def normalise(frame: pd.DataFrame, *, departements: set[str], file_name: str = FILE) -> Batch:
    """Keep the tonnes of some départements by year and type of waste, and all types together.

    Returns
    -------
    Batch
        Frame: ``code, period, indicator, value`` (tonnes).
    """
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=tuple(COLUMNS))
    return tonnage.by_class(sieve, keys=KEYS, classes=TYPES, departements=departements, total=TOTAL)


def values(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the tonnages in long form, level ``departement``."""
    return tonnage.values(frame, SOURCE_ID)
