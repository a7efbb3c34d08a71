"""Which EPCI each actor of SINOE is: a table that the territories keep, since ADEME publishes none."""

from __future__ import annotations

from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.formats import cell_text
from observatory.sources.formats.tables import reader
from observatory.sources.registry import Source, classes
from observatory.sources.territories.zoning import ZONING_COLUMNS

FILE: Final = "sinoe_epci.csv"
SOURCE_ID: Final = "sinoe_epci"
ZONING: Final = "sinoe_acteur"
VINTAGE: Final = "table fournie par l’utilisateur"
COLUMNS: Final = {
    "actor_code": ("c_acteur", "c_acteur_sinoe"),
    "epci_code": ("siren", "siren_epci", "epci_siren"),
    "name": ("nom", "epci_nom"),
}

read: Final = reader(COLUMNS, optional=["name"])


def normalise(frame: pd.DataFrame, *, epci: set[str], file_name: str = FILE) -> Batch:
    """Keep the pairs that lead to one EPCI of the region each; a code or an EPCI said twice is put aside.

    Returns
    -------
    Batch
        Frame: ``actor_code, epci_code, name``.
    """
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=tuple(COLUMNS))
    cell_text.reject_repeated_headers(sieve)
    sieve.reject(sieve.frame["actor_code"].isna(), "code SINOE absent")
    sieve.reject(~sieve.frame["epci_code"].isin(epci), "SIREN qui n’est pas celui d’un EPCI de la région")
    sieve.drop_duplicates(["actor_code", "epci_code"])
    for key, what in (("actor_code", "code SINOE"), ("epci_code", "EPCI")):
        sieve.reject(sieve.frame.duplicated(key, keep=False), f"{what} donné à plusieurs lignes qui se contredisent")
    return sieve.batch(sieve.frame[[*COLUMNS]].reset_index(drop=True))


def zonings(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs as the class of each EPCI, from a normalised frame."""
    return frame.assign(
        level="epci",
        code=frame["epci_code"],
        zoning=ZONING,
        value_code=frame["actor_code"],
        value_label=frame["name"].combine_first(frame["actor_code"]),
        vintage=VINTAGE,
        source_id=SOURCE_ID,
    )[list(ZONING_COLUMNS)]


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=("zonings",),
    needs={"epci": "epci"},
    read=read,
    normalise=normalise,
    tables=classes(zonings),
)
