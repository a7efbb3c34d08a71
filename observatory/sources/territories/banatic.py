"""Communes of each EPCI and their populations in force (DGCL, BANATIC)."""

from __future__ import annotations

from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.figures.long_form import long_values
from observatory.sources.formats import cell_text
from observatory.sources.formats.tables import reader
from observatory.sources.registry import Source
from observatory.sources.territories import epci_membership

FILE: Final = "dgcl_banatic_epci_2025.csv"
SOURCE_ID: Final = "dgcl_banatic_2025"
COLUMNS: Final = {
    "epci_code": ("siren",),
    "epci_name": ("raison_sociale",),
    "kind": ("nature_juridique",),
    "member_count": ("nb_membres",),
    "epci_population_count": ("total_pop_mun",),
    "commune_code": ("insee",),
    "commune_name": ("nom_membre",),
    "population_count": ("pmun_*",),
}
FIGURES: Final = ("member_count", "epci_population_count", "population_count")
VINTAGE: Final = "DGCL, BANATIC 2025"
PERIOD: Final = "2025"
INDICATOR: Final = "population_in_force_count"

read: Final = reader(COLUMNS)
"""The file (Windows-1252, thousands separated by spaces) as text."""


def normalise(frame: pd.DataFrame, *, communes: set[str], departements: set[str], file_name: str = FILE) -> Batch:
    """Keep the communes that the observatory knows.

    An EPCI whose rows are not as many as its announced members is told in the notes of the batch.

    Returns
    -------
    Batch
        Frame: the columns of ``COLUMNS``, populations (persons) and number of members as floats.
    """
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=("commune_code", "commune_name", "epci_name"))
    cell_text.reject_repeated_headers(sieve)
    cell_text.reject_codes(sieve, "commune_code")
    cell_text.numbers(sieve, list(FIGURES))
    sieve.notes.extend(_incomplete(sieve.frame))
    sieve.leave_outside(~sieve.frame["commune_code"].str[:2].isin(departements))
    sieve.reject(~sieve.frame["epci_code"].fillna("").str.fullmatch(r"\d{9}"), "SIREN de l’EPCI illisible")
    cell_text.reject_unknown_communes(sieve, communes)
    cell_text.reject_contradictions(sieve, ["commune_code"], ["epci_code", "population_count"])
    return sieve.batch(sieve.frame[[*COLUMNS]].reset_index(drop=True))


def memberships(frame: pd.DataFrame, *, region_communes: set[str]) -> pd.DataFrame:
    """Return the EPCI of each commune of the region, from a normalised frame; its neighbours' are not loaded.

    An EPCI is partial if it has a commune out of the region.

    Raises
    ------
    InputFileError
        If the file lacks many communes of the region.
    """
    kept = epci_membership.members(
        frame.assign(line=range(len(frame))),
        source_id=SOURCE_ID,
        file_name=FILE,
        region_communes=region_communes,
        departements={code[:2] for code in region_communes},
    )
    return epci_membership.rows(kept.frame, vintage=VINTAGE, source_id=SOURCE_ID)


def values(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the populations in force in long form, level ``commune``, from a normalised frame."""
    columns = {"population_count": (INDICATOR, PERIOD)}
    return long_values(frame, level="commune", code="commune_code", columns=columns, source_id=SOURCE_ID)


def members(frame: pd.DataFrame) -> pd.Series:
    """Return the EPCI of each commune (index: commune), from a normalised frame."""
    return frame.set_index("commune_code")["epci_code"]


def _incomplete(frame: pd.DataFrame) -> list[str]:
    counted = frame.groupby("epci_code").agg(rows=("commune_code", "nunique"), announced=("member_count", "max"))
    short = counted[counted["rows"].ne(counted["announced"])]
    return [
        f"EPCI {code} : {row.rows} communes dans le fichier, {row.announced:.0f} membres annoncés"
        for code, row in zip(short.index, short.itertuples(), strict=True)
    ]


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=("memberships", "values"),
    needs={"communes": "communes", "departements": "all_departements"},
    read=read,
    normalise=normalise,
    tables=lambda batch, context: {
        "memberships": memberships(batch.frame, region_communes=context.region_communes),
        "values": values(batch.frame),
    },
)
