"""Residual and organic waste of the collecting authorities (ADEME, SINOE): tonnes by EPCI, through a crosswalk."""

from __future__ import annotations

from typing import Final

import pandas as pd

from observatory.declared.region import home_region
from observatory.errors import InputFileError
from observatory.sources.batch import Batch, Sieve
from observatory.sources.figures.long_form import valued
from observatory.sources.formats import cell_text
from observatory.sources.formats.tables import reader
from observatory.sources.registry import Source, figures

FILE: Final = "sinoe59-indic-synth-acteur.json"
SOURCE_ID: Final = "ademe_sinoe_acteurs"
COLUMNS: Final = {
    "period": ("annee",),
    "region": ("l_region",),
    "actor_code": ("c_acteur",),
    "residual_waste_t": ("tonnage_omr",),
    "organic_waste_t": ("tonnage_bio",),
}
FIGURES: Final = ("residual_waste_t", "organic_waste_t")
NO_MATCH: Final = (
    "code SINOE sans correspondance : ce n’est pas un SIREN, ajoutez-le à la table chargée par "
    "« observatory ingest sinoe_epci --from-file TABLE »"
)

read: Final = reader(COLUMNS, as_list=True)
"""Lines of Data Fair, or their CSV export, as text."""


def normalise(frame: pd.DataFrame, *, actors: dict[str, str], file_name: str = FILE) -> Batch:
    """Give the tonnages of Normandy's actors to the EPCI that the crosswalk says they are; the others are put aside.

    Parameters
    ----------
    frame
        As read.
    actors
        SINOE's code of an actor → SIREN of the EPCI that it is.

    Returns
    -------
    Batch
        Frame: ``epci_code, period`` and the figures (tonnes).

    Raises
    ------
    InputFileError
        If no crosswalk is loaded.
    """
    if not actors:
        raise InputFileError(
            "Aucune correspondance entre codes SINOE et EPCI n’est chargée, et rien ne permet de la deviner : chargez "
            "d’abord une table (colonnes c_acteur et siren) par « observatory ingest sinoe_epci --from-file TABLE »."
        )
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=tuple(COLUMNS))
    cell_text.reject_repeated_headers(sieve)
    sieve.leave_outside(sieve.frame["region"].ne(home_region().names.name))
    sieve.reject(~sieve.frame["period"].fillna("").str.fullmatch(r"\d{4}"), "année illisible")
    cell_text.numbers(sieve, list(FIGURES))
    epci = sieve.frame["actor_code"].map(actors)
    sieve.reject(epci.isna(), NO_MATCH)
    sieve.frame = sieve.frame.assign(epci_code=epci.loc[sieve.frame.index])
    cell_text.reject_contradictions(sieve, ["epci_code", "period"], list(FIGURES))
    return sieve.batch(sieve.frame[["epci_code", "period", *FIGURES]].reset_index(drop=True))


def values(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the tonnages in long form, level ``epci``."""
    long = frame.melt(id_vars=["epci_code", "period"], value_vars=list(FIGURES), var_name="indicator")
    return valued(long.assign(level="epci", code=long["epci_code"]), SOURCE_ID)


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=("values",),
    needs={"actors": "actors"},
    read=read,
    normalise=normalise,
    tables=figures(values),
)
