"""Tiers-lieux read one by one on public pages: open, announced or closed, each as sure as the pages make it."""

from __future__ import annotations

from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.formats.tables import reader
from observatory.sources.registry import Source
from observatory.sources.structures import page_facts, ressourceries_pages

FILE: Final = "tiers_lieux_normandie.csv"
SOURCE_ID: Final = "pages_tiers_lieux"
KIND: Final = "TIERS_LIEU"
COLUMNS: Final = {**page_facts.COLUMNS, "label": ("role_or_type",)}

read: Final = reader(COLUMNS, optional=("address", "label", "state_date"))


def normalise(frame: pd.DataFrame, *, communes: set[str], file_name: str = FILE) -> Batch:
    """Keep the places of the list; one whose commune isn't told has no place.

    Returns
    -------
    Batch
        Frame: the common columns of structures, with those of :mod:`observatory.sources.structures.page_facts`.
    """
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=("record_id", "name", "city", "state"))
    sieve.frame = sieve.frame.assign(state=sieve.frame["state"].map(page_facts.FRENCH_STATES))
    page_facts.sift(sieve)
    page_facts.sift_places(sieve, communes)
    kept = sieve.frame.assign(kind=KIND, judgement="Tiers-lieu : " + sieve.frame["label"].fillna(sieve.frame["kind"]))
    return sieve.batch(page_facts.records(kept, source_id=SOURCE_ID))


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=ressourceries_pages.FILLS,
    needs={"communes": "communes"},
    read=read,
    normalise=normalise,
    tables=ressourceries_pages.tables,
    snapshot_file=FILE,
)
