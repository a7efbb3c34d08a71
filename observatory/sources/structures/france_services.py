"""France services: the ANCT's list of houses, antennas and buses. Opening hours and contact lines are not carried."""

from __future__ import annotations

from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.formats import cell_text
from observatory.sources.formats.tables import reader
from observatory.sources.registry import Source
from observatory.sources.structures import structure_file

FILE: Final = "anct_france_services_2024-08-01.csv"
SOURCE_ID: Final = "anct_france_services_2024"
PERIOD: Final = "2024-08-01"
KIND: Final = "FRANCE_SERVICES"
COLUMNS: Final = {
    "number": ("id_fs",),
    "name": ("lib_fs",),
    "address": ("adresse",),
    "commune_code": ("insee_com",),
    "post_code": ("code_postal",),
    "city": ("lib_com",),
    "lat": ("latitude",),
    "lon": ("longitude",),
    "label": ("format_fs",),
}

read: Final = reader(COLUMNS)
"""The places of the file as text; columns of contact are not even loaded."""


def normalise(frame: pd.DataFrame, *, communes: set[str], departements: set[str], file_name: str = FILE) -> Batch:
    """Keep the places in the communes of the observatory.

    Returns
    -------
    Batch
        Frame: the common columns of structures (see :mod:`observatory.sources.structures.structure_file`).
    """
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=("number", "name", "commune_code", "lat", "lon"))
    cell_text.keep_departements(sieve, departements)
    sieve.drop_duplicates([name for name in COLUMNS if name != "number"])
    sieve.reject(sieve.frame["name"].isna(), "nom absent")
    cell_text.reject_unknown_communes(sieve, communes)
    structure_file.repair_points(sieve)
    kept = sieve.frame.assign(kind=KIND)
    return sieve.batch(structure_file.records(kept, source_id=SOURCE_ID, period=PERIOD))


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=structure_file.FILLED,
    needs={"communes": "communes", "departements": "all_departements"},
    read=read,
    normalise=normalise,
    tables=structure_file.placed,
)
