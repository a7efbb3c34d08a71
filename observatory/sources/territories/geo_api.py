"""Communes and their EPCI, from geo.api.gouv.fr (``/communes?fields=code,nom,departement,epci``)."""

from __future__ import annotations

from typing import Final

import pandas as pd

from observatory.sources.batch import Batch
from observatory.sources.formats.tables import reader
from observatory.sources.registry import Source
from observatory.sources.territories import epci_membership

FILE: Final = "communes.json"
SOURCE_ID: Final = "geo_api_communes"
VINTAGE: Final = "Code officiel géographique en vigueur au téléchargement"
COLUMNS: Final = {
    "commune_code": ("code",),
    "commune_name": ("nom",),
    "epci_code": ("epci.code", "codeEpci"),
    "epci_name": ("epci.nom",),
}

read: Final = reader(COLUMNS, as_list=True)
"""The answer of the API as text; ``epci`` must be among the fields that were asked for."""


def normalise(
    frame: pd.DataFrame, *, region_communes: set[str], departements: set[str], file_name: str = FILE
) -> Batch:
    """Keep the communes of the region, each with its EPCI.

    Returns
    -------
    Batch
        Frame: ``commune_code, epci_code, epci_name, is_partial``.

    Raises
    ------
    InputFileError
        If the list lacks many communes of the region.
    """
    return epci_membership.members(
        frame, source_id=SOURCE_ID, file_name=file_name, region_communes=region_communes, departements=departements
    )


def memberships(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows to load, from a normalised frame."""
    return epci_membership.rows(frame, vintage=VINTAGE, source_id=SOURCE_ID)


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=("memberships",),
    needs={"region_communes": "region_communes", "departements": "departements"},
    read=read,
    normalise=normalise,
    tables=lambda batch, _: {"memberships": memberships(batch.frame)},
)
