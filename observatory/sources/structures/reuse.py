"""Insertion structures that may be ressourceries: the list that ``services.toml`` judges one by one."""

from __future__ import annotations

from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.formats.tables import reader

FILE: Final = "reuse_candidates.csv"
SOURCE_ID: Final = "asp_siae_2020"
COLUMNS: Final = ("siret", "name", "kind", "naf", "city")

read: Final = reader(COLUMNS)


def normalise(frame: pd.DataFrame, *, judged: set[str]) -> Batch:
    """Check that every candidate has its verdict; one that nobody judged is put aside and said.

    Returns
    -------
    Batch
        Frame: the file's columns.
    """
    sieve = Sieve(frame, SOURCE_ID, FILE)
    sieve.drop_duplicates(["siret"])
    sieve.reject(~sieve.frame["siret"].isin(judged), "pas encore de verdict dans services.toml : non comptée")
    return sieve.batch()
