"""Insertion structures by economic activity, from the API of the « Emplois de l'inclusion » (data-inclusion export)."""

from __future__ import annotations

from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.formats import cell_text
from observatory.sources.formats.tables import reader
from observatory.sources.registry import Source
from observatory.sources.structures import structure_file

FILE: Final = "emplois_inclusion.json"
SOURCE_ID: Final = "emplois_inclusion"
KINDS: Final = frozenset({"ACI", "AI", "EI", "ETTI", "GEIQ"})
"""Kinds that ``services.toml`` declares; the API lists others (adapted firms, EITI)."""
COLUMNS: Final = {
    "record_id": ("id",),
    "name": ("nom",),
    "kind": ("kind",),
    "siret": ("siret",),
    "address": ("adresse", "adresse_ligne_1"),
    "post_code": ("code_postal",),
    "city": ("commune",),
    "lat": ("latitude",),
    "lon": ("longitude",),
    "changed_date": ("date_maj",),
}

read: Final = reader(COLUMNS, as_list=True)
"""The structures as text; columns of contact are not even loaded."""


def normalise(frame: pd.DataFrame, *, departements: set[str], file_name: str = FILE) -> Batch:
    """Keep the structures of some départements, told by their postal code.

    Returns
    -------
    Batch
        Frame: the common columns of structures (see :mod:`observatory.sources.structures.structure_file`).
        ``period`` is the last day on which the file says that one of them was brought up to date.
    """
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=("record_id", "name", "kind", "post_code"))
    structure_file.keep_departements(sieve, departements, codes=["post_code"])
    sieve.reject(sieve.frame["name"].isna(), "nom absent")
    sieve.reject(~sieve.frame["kind"].isin(KINDS), "type de structure que l’observatoire ne suit pas")
    sieve.drop_duplicates(["record_id"])
    structure_file.repair_points(sieve)
    cell_text.sirets(sieve)
    dates = sieve.frame["changed_date"].dropna().str.slice(0, 10)
    period = max(dates, default="inconnue")
    return sieve.batch(structure_file.records(sieve.frame, source_id=SOURCE_ID, period=period))


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=structure_file.FILLED,
    needs={"departements": "all_departements"},
    read=read,
    normalise=normalise,
    tables=structure_file.placed,
)
