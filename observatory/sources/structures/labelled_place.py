"""Lists of labelled places that give a commune and no point: Fabriques de territoire, Manufactures de proximité."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.formats import cell_text
from observatory.sources.formats.tables import read_table
from observatory.sources.structures import structure_file

COLUMNS: Final = {
    "name": ("lib_fabt", "lib_manup", "lib_projet", "nom", "Nom de la Fabrique", "Nom de la Manufacture"),
    "commune_code": ("insee_com", "code_insee", "Code Insee"),
    "city": ("lib_com", "commune", "ville"),
    "address": ("adresse",),
    "post_code": ("code_postal",),
}


def read(path: Path) -> pd.DataFrame:
    """Read the places as text.

    Raises
    ------
    InputFileError
        If it is absent or is not what it should be.
    """
    return read_table(path, COLUMNS, optional=["city", "address", "post_code"])


def normalise(
    frame: pd.DataFrame,
    *,
    communes: set[str],
    departements: set[str],
    file_name: str,
    source_id: str,
    kind: str,
    period: str,
) -> Batch:
    """Keep the places in the communes of the observatory; they stand at the centre of their commune.

    Returns
    -------
    Batch
        Frame: the common columns of structures (see :mod:`observatory.sources.structures.structure_file`).
    """
    sieve = Sieve(frame, source_id, file_name, shown=("name", "commune_code", "city"))
    cell_text.reject_repeated_headers(sieve)
    cell_text.reject_codes(sieve, "commune_code")
    sieve.leave_outside(~sieve.frame["commune_code"].str[:2].isin(departements))
    sieve.reject(sieve.frame["name"].isna(), "nom absent")
    sieve.reject(~sieve.frame["commune_code"].isin(communes), "commune absente des territoires de l'observatoire")
    sieve.drop_duplicates(["name", "commune_code"])
    return sieve.batch(structure_file.records(sieve.frame.assign(kind=kind), source_id=source_id, period=period))
