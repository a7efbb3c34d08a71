"""Lists of labelled places that give a commune and no point: Fabriques de territoire, Manufactures de proximité."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.formats import cell_text
from observatory.sources.formats.tables import read_table
from observatory.sources.registry import Source
from observatory.sources.structures import structure_file

COLUMNS: Final = {
    "name": ("lib_fabt", "lib_manup", "lib_projet", "nom", "Nom de la Fabrique", "Nom de la Manufacture"),
    "commune_code": ("insee_com", "code_insee", "Code Insee"),
    "city": ("lib_com", "commune", "ville"),
    "address": ("adresse",),
    "post_code": ("code_postal",),
}


@dataclass(frozen=True)
class LabelledPlaces:
    """The list of a label."""

    source_id: str
    file: str
    kind: str
    period: str

    def read(self, path: Path) -> pd.DataFrame:
        """Read the places as text.

        Raises
        ------
        InputFileError
            If it is absent or is not what it should be.
        """
        return read_table(path, COLUMNS, optional=["city", "address", "post_code"])

    def normalise(
        self, frame: pd.DataFrame, *, communes: set[str], departements: set[str], file_name: str | None = None
    ) -> Batch:
        """Keep the places in the communes of the observatory; they stand at the centre of their commune.

        Returns
        -------
        Batch
            Frame: the common columns of structures (see :mod:`observatory.sources.structures.structure_file`).
        """
        sieve = Sieve(frame, self.source_id, file_name or self.file, shown=("name", "commune_code", "city"))
        cell_text.keep_departements(sieve, departements)
        sieve.reject(sieve.frame["name"].isna(), "nom absent")
        cell_text.reject_unknown_communes(sieve, communes)
        sieve.drop_duplicates(["name", "commune_code"])
        named = sieve.frame.assign(kind=self.kind)
        return sieve.batch(structure_file.records(named, source_id=self.source_id, period=self.period))


FABRIQUES: Final = LabelledPlaces("anct_fabriques_2024", "fabriques.csv", "FABRIQUE_DE_TERRITOIRE", "2024")
"""Fabriques de territoire (ANCT)."""
MANUFACTURES: Final = LabelledPlaces("anct_manufactures_2024", "manufactures.csv", "MANUFACTURE_DE_PROXIMITE", "2024")
"""Manufactures de proximité (ANCT)."""

SOURCES: Final = tuple(
    Source(
        source_id=one.source_id,
        fills=structure_file.FILLED,
        needs={"communes": "communes", "departements": "all_departements"},
        read=one.read,
        normalise=one.normalise,
        tables=structure_file.placed,
    )
    for one in (FABRIQUES, MANUFACTURES)
)
