"""The EPCI of each commune, from a producer's list: all communes of the region but a few merged since, or nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pandas as pd

from observatory.declared.region import home_region
from observatory.errors import InputFileError
from observatory.sources.batch import Batch, Sieve
from observatory.sources.formats import cell_text

MOST_ABSENT_SHARE: Final = 0.02
"""Communes of the region that a list of another year may lack, merged since; beyond, it is taken for truncated
(convention de l'observatoire)."""
SHOWN: Final = 3
COLUMNS: Final = ("commune_code", "epci_code", "epci_name", "is_partial")


def members(
    frame: pd.DataFrame, *, source_id: str, file_name: str, region_communes: set[str], departements: set[str]
) -> Batch:
    """Keep the communes of the region that the observatory knows; a commune that the list lacks keeps its EPCI.

    Parameters
    ----------
    frame
        Rows of the whole country as read: ``commune_code, commune_name, epci_code, epci_name, line``.
    source_id, file_name
        Where they come from.
    region_communes
        Communes of the region.
    departements
        Those of the region: elsewhere is out of the perimeter.

    Returns
    -------
    Batch
        Frame: ``commune_code, epci_code, epci_name, is_partial`` (the EPCI has communes out of the region), and what
        else the rows held.

    Raises
    ------
    InputFileError
        If the list lacks many communes of the region.
    """
    batch = kept(
        frame, source_id=source_id, file_name=file_name, region_communes=region_communes, departements=departements
    )
    absent = sorted(region_communes - set(batch.frame["commune_code"]))
    if len(absent) > MOST_ABSENT_SHARE * len(region_communes):
        raise InputFileError(
            f"« {file_name} » ne dit pas l’EPCI de {len(absent)} des {len(region_communes)} communes "
            f"{home_region().names.genitive} (par exemple {', '.join(absent[:SHOWN])}) : il est tronqué ou abîmé, "
            "téléchargez-le de nouveau. Rien n’est changé."
        )
    if not absent:
        return batch
    note = f"{len(absent)} communes absentes de la liste gardent leur EPCI : {', '.join(absent)}"
    return replace(batch, notes=(*batch.notes, note))


def kept(
    frame: pd.DataFrame, *, source_id: str, file_name: str, region_communes: set[str], departements: set[str]
) -> Batch:
    """Keep the communes of the region that the observatory knows, whatever the list lacks; see :func:`members`."""
    sieve = Sieve(frame, source_id, file_name, shown=("commune_code", "commune_name", "epci_code", "epci_name"))
    cell_text.reject_repeated_headers(sieve)
    cell_text.reject_codes(sieve, "commune_code")
    inside = sieve.frame["commune_code"].str[:2].isin(departements)
    beyond = set(sieve.frame.loc[~inside, "epci_code"].dropna())
    sieve.leave_outside(~inside)
    sieve.reject(~sieve.frame["epci_code"].fillna("").str.fullmatch(r"\d{9}"), "SIREN de l’EPCI absent ou illisible")
    sieve.reject(sieve.frame["epci_name"].isna(), "nom de l’EPCI absent")
    cell_text.reject_unknown_communes(sieve, region_communes)
    cell_text.reject_contradictions(sieve, ["commune_code"], ["epci_code"])
    name = sieve.frame.groupby("epci_code")["epci_name"].transform("first")
    return sieve.batch(
        sieve.frame.assign(epci_name=name, is_partial=sieve.frame["epci_code"].isin(beyond)).reset_index(drop=True)
    )


def rows(frame: pd.DataFrame, *, vintage: str, source_id: str) -> pd.DataFrame:
    """Return the rows of ``memberships``, from the frame of :func:`members`."""
    return frame[list(COLUMNS)].assign(vintage=vintage, source_id=source_id)
