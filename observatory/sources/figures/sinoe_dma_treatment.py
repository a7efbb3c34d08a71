"""Where collected household waste goes, by département, year and treatment (ADEME, SINOE, « destination des DMA »)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.figures import tonnage
from observatory.sources.formats.tables import read_table

FILE: Final = "sinoe-destination-des-dma-collectes-par-type-de-traitement.json"
SOURCE_ID: Final = "ademe_sinoe_dma_traitement"
COLUMNS: Final = {
    "year": ("ANNEE",),
    "departement_code": ("C_DEPT",),
    "waste": ("L_TYP_REG_DECHET",),
    "class": ("L_TYP_REG_SERVICE",),
    "tonnes": ("TONNAGE_DMA", "TONNAGE_DMA_T", "TONNAGE_T"),
}
KEYS: Final = ("year", "departement_code", "waste", "class")
TREATMENTS: Final = {
    "Valorisation matière": "dma_valorisation_matiere_t",
    "Valorisation organique": "dma_valorisation_organique_t",
    "Incinération avec récupération d'énergie": "dma_incineration_energie_t",
    "Incinération sans récupération d'énergie": "dma_incineration_sans_energie_t",
    "Stockage": "dma_stockage_t",
    "Stockage pour inertes": "dma_stockage_inertes_t",
    "Non précisé": "dma_traitement_non_precise_t",
}
"""SINOE's treatment (``L_TYP_REG_SERVICE``) → indicator."""


def read(path: Path) -> pd.DataFrame:
    """Read the lines of Data Fair, or their CSV export (decimal comma), as text.

    Raises
    ------
    InputFileError
        If it is absent or is not what it should be.
    """
    return read_table(path, COLUMNS)


def normalise(frame: pd.DataFrame, *, departements: set[str], file_name: str = FILE) -> Batch:
    """Add up the types of waste: tonnes of some départements by year and treatment.

    Returns
    -------
    Batch
        Frame: ``code, period, indicator, value`` (tonnes).
    """
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=tuple(COLUMNS))
    return tonnage.by_class(sieve, keys=KEYS, classes=TREATMENTS, departements=departements, total=None)


def values(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the tonnages in long form, level ``departement``."""
    return tonnage.values(frame, SOURCE_ID)
