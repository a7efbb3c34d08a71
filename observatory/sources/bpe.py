"""Equipments by commune (INSEE, BPE 2024): a commune that the file lacks has none."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.csv_file import read_csv
from observatory.sources.values import long_values

FILE: Final = "bpe2024_communes.csv"
SOURCE_ID: Final = "insee_bpe_2024"
PERIOD: Final = "2024"
EQUIPMENTS: Final = (
    "ecole_primaire",
    "boulangerie",
    "superette",
    "poste",
    "medecin_generaliste",
    "infirmier",
    "creche",
    "sport_terrain",
    "sport_piscine",
    "pharmacie",
    "college",
    "sport_salle",
    "grande_surface",
    "gare",
    "structure_sante",
    "lycee",
)


def read(path: Path) -> pd.DataFrame:
    """Read the file as text.

    Raises
    ------
    InputFileError
        If it is absent or is not what it should be.
    """
    return read_csv(path, ("commune_code", *EQUIPMENTS))


def normalise(frame: pd.DataFrame, *, communes: set[str]) -> Batch:
    """Count the equipments of every commune, zero where the file lacks it.

    Returns
    -------
    Batch
        Frame: one row for each of ``communes``.
    """
    sieve = Sieve(frame, SOURCE_ID, FILE, shown=("commune_code",))
    sieve.drop_duplicates(["commune_code"])
    sieve.number(list(EQUIPMENTS))
    sieve.reject(~sieve.frame["commune_code"].isin(communes), "commune absente des territoires de l'observatoire")
    counts = sieve.frame.set_index("commune_code")[list(EQUIPMENTS)]
    absent = pd.DataFrame(0.0, index=sorted(communes - set(counts.index)), columns=list(EQUIPMENTS))
    return sieve.batch(pd.concat([counts, absent]).sort_index().rename_axis("commune_code").reset_index())


def values(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the counts in long form, level ``commune``."""
    columns = {name: (f"bpe_{name}_count", PERIOD) for name in EQUIPMENTS}
    return long_values(frame, level="commune", code="commune_code", columns=columns, source_id=SOURCE_ID)
