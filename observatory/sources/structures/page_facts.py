"""Facts read on public pages, one by one: addresses of the pages, date, confidence and reason, on each record."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pandas as pd

from observatory.sources.batch import Sieve
from observatory.sources.structures import structure_file
from observatory.sources.table_declarations import CONFIDENCES, STATES, STRUCTURE_STATEMENTS

TOLD: Final = ("urls", "reason", "page_dates", "state_date", "judgement")
"""Columns that a curated record has beside those of :func:`observatory.sources.structures.structure_file.records`."""
COLUMNS: Final = {
    "record_id": ("id",),
    "name": ("name",),
    "kind": ("kind",),
    "city": ("commune",),
    "commune_code": ("insee",),
    "post_code": ("departement",),
    "address": ("address",),
    "state": ("state_at_page_date",),
    "state_date": ("page_date",),
    "urls": ("urls",),
    "confidence": ("confidence",),
    "reason": ("reason",),
}
"""Columns that the lists of tiers-lieux and of bodies of accompaniment share."""
FRENCH_STATES: Final = {"ouvert": "open", "annonce": "announced", "ferme": "closed", "inconnu": "unknown"}
UNDATED: Final = "inconnue"
ADDRESS: Final = re.compile(r"https?://[^\s;|]+")
DATA_SETS: Final = {
    "mednum_numi_2023-04": "Hub Numi, lieux de médiation numérique de Normandie, avril 2023",
    "mednum_le_havre_2024-01": "Ville du Havre, lieux de médiation numérique, janvier 2024",
}
"""Data sets that a list cites in the place of a page, by the beginning of the file's name."""
PORTRAITS: Final = ("/coups-de-coeur-du-departement/",)
"""Pages about persons: their very address names them, and isn't carried."""
YEAR: Final = re.compile(r"(?<!\d)(?:19|20)\d\d(?:-\d\d)?(?!\d)")


def addresses(text: object) -> list[str]:
    """Return the addresses of pages, or the data sets, that a cell cites, each once; none that names a person."""
    if not isinstance(text, str):
        return []
    found = [*ADDRESS.findall(text), *(told for name, told in DATA_SETS.items() if text.startswith(name))]
    return [one for one in dict.fromkeys(found) if not any(part in one for part in PORTRAITS)]


def sift(sieve: Sieve) -> None:
    """Put aside the rows that no page says, or whose state or confidence is none of those known.

    The frame of ``sieve`` has ``name, urls`` (text), ``state, confidence, reason``; ``urls`` becomes a list.
    """
    sieve.reject(sieve.frame["name"].isna(), "nom absent")
    sieve.frame = sieve.frame.assign(urls=sieve.frame["urls"].map(addresses))
    sieve.reject(sieve.frame["urls"].map(len).eq(0), "aucune page citée")
    sieve.reject(~sieve.frame["state"].isin(STATES), "état inconnu de l’observatoire")
    sieve.reject(~sieve.frame["confidence"].isin(CONFIDENCES), "confiance inconnue de l’observatoire")
    sieve.reject(sieve.frame["reason"].isna(), "raison absente")


def sift_places(sieve: Sieve, communes: set[str]) -> None:
    """Put aside the places of a commune that the territories lack, and those said twice; one may tell no commune."""
    unknown = sieve.frame["commune_code"].notna() & ~sieve.frame["commune_code"].isin(communes)
    sieve.reject(unknown, "commune inconnue")
    sieve.drop_duplicates(["record_id"])


def records(frame: pd.DataFrame, *, source_id: str) -> pd.DataFrame:
    """Lay sifted rows in the common columns of structures, with ``TOLD`` beside.

    The period of a record is the date that its state is of, else the latest year of its pages. One whose state nobody
    knows is doubtful, whatever is sure of the rest.
    """
    told = frame.reindex(columns=list(dict.fromkeys([*frame.columns, *TOLD])))
    periods = [_period(state, pages) for state, pages in zip(told["state_date"], told["page_dates"], strict=True)]
    dated = told.assign(
        is_active=told["state"].isin(("open", "unknown")),
        confidence=told["confidence"].where(told["state"].ne("unknown"), "doubtful"),
    )
    whole = structure_file.records(dated, source_id=source_id, period=UNDATED).assign(period=periods)
    reasons = np.array([structure_file.clean(text) for text in told["reason"]], dtype=object)
    beside = {name: told[name].to_numpy() for name in TOLD if name != "reason"}
    # The département that some lists give in the place of a post code only tells where a record without commune is.
    return whole.assign(reason=reasons, post_code=None, **beside)


def statements(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table of what pages say, from records that have ``TOLD``; the others are left out."""
    told = frame[frame["urls"].notna()] if "urls" in frame else frame.iloc[:0].reindex(columns=[*frame.columns, *TOLD])
    plain = told.astype(dict.fromkeys(TOLD, object))
    plain = plain.assign(**{name: plain[name].where(plain[name].notna(), None) for name in TOLD})
    return plain[list(STRUCTURE_STATEMENTS.columns)].sort_values(list(STRUCTURE_STATEMENTS.key), ignore_index=True)


def _period(state_date: object, page_dates: object) -> str:
    for text in (state_date, page_dates):
        found = YEAR.findall(text) if isinstance(text, str) else []
        if found:
            return str(max(found))
    return UNDATED
