"""The accompaniment ecosystem as public pages describe it, read one by one: newer than the application file of 2018."""

from __future__ import annotations

import re
from typing import Final

import pandas as pd

from observatory.declared.region import home_region
from observatory.sources.batch import Batch, Sieve
from observatory.sources.directory.accompaniment import KINDS, listed
from observatory.sources.formats.tables import reader
from observatory.sources.structures import page_facts

FILE: Final = "accompagnement_normandie.csv"
SOURCE_ID: Final = "pages_accompagnement"
COLUMNS: Final = {
    **page_facts.COLUMNS,
    "role": ("role_or_type",),
    "phases": ("phases",),
    "zone": ("zone",),
    "days": ("presence",),
}
ALIASES: Final = {"tzcld": "experimentation"}
"""Kinds of the list that the file of 2018 calls otherwise."""
HOUSING: Final = "hebergement"
"""Kind of a place that only houses associations: no page says that it accompanies their projects."""
PLACES: Final = "lieux"
"""What the list calls the phase « lieu »."""
ONE_EPCI: Final = re.compile(r"\((\d{9})\)$")
ONE_DEPARTEMENT: Final = re.compile(r"département (\d{2})$")
COMMUNE: Final = "commune de "
ZONE_NOTE: Final = "Zone, selon la page : {zone}."

read: Final = reader(COLUMNS, optional=("address", "zone", "days", "state_date"))


def normalise(frame: pd.DataFrame, *, communes: set[str]) -> Batch:
    """Keep the bodies of the list, with their zone where its words name one territory for certain.

    Returns
    -------
    Batch
        Frame: the common columns of structures, those of :mod:`observatory.sources.structures.page_facts`, and what
        the ecosystem says of a body: ``role``, the lists ``phases`` and ``devices``, ``zone_level, zone_code,
        place_note, origin, stated_date``.
    """
    sieve = Sieve(frame, SOURCE_ID, FILE, shown=("record_id", "name", "kind", "state"))
    sieve.frame = sieve.frame.assign(
        state=sieve.frame["state"].map(page_facts.FRENCH_STATES),
        phases=sieve.frame["phases"].map(_phases),
        kind=sieve.frame["kind"].replace(ALIASES),
    )
    page_facts.sift(sieve)
    sieve.reject(~sieve.frame["kind"].isin(KINDS), "type de structure inconnu")
    page_facts.sift_places(sieve, communes)
    kept = sieve.frame
    houses = kept["kind"].eq("lieu") & kept["phases"].map(lambda one: one == ["lieu"])
    told = page_facts.records(kept.assign(kind=kept["kind"].mask(houses, HOUSING).map(KINDS)), source_id=SOURCE_ID)
    zones = [_zone(zone, code) for zone, code in zip(kept["zone"], kept["commune_code"], strict=True)]
    return sieve.batch(
        told.assign(
            role=kept["role"].fillna("").to_numpy(),
            phases=kept["phases"].to_numpy(),
            devices=pd.Series([[] for _ in zones], dtype=object),
            zone_level=pd.Series([level for level, _ in zones], dtype=object),
            zone_code=pd.Series([code for _, code in zones], dtype=object),
            place_note=pd.Series(
                [_note(*parts) for parts in zip(kept["zone"], kept["days"], zones, strict=True)], dtype=object
            ),
            origin=[one[0] for one in kept["urls"]],
            stated_date=told["period"].where(told["period"].ne(page_facts.UNDATED), ""),
        )
    )


def _phases(text: object) -> list[str]:
    return ["lieu" if phase == PLACES else phase for phase in listed(text)]


def _zone(text: str | None, commune_code: str | None) -> tuple[str | None, str | None]:
    """Return the level and the code of the territory that the words of a zone name; None where they don't."""
    if text is None:
        return None, None
    if text == "région":
        return "region", home_region().code
    epci, departement = ONE_EPCI.search(text), ONE_DEPARTEMENT.search(text)
    if epci:
        return "epci", epci[1]
    if departement:
        return "departement", departement[1]
    if text.startswith(COMMUNE) and commune_code is not None:
        return "commune", commune_code
    return None, None


def _note(zone: str | None, days: str | None, found: tuple[str | None, str | None]) -> str | None:
    """Return, in French, the words of a zone that no territory stands for, and when somebody is there."""
    said = [ZONE_NOTE.format(zone=zone)] if zone is not None and found[0] is None else []
    said += [f"Présence : {days}."] if days is not None else []
    return " ".join(said) or None
