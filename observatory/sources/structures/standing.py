"""What several records say of one structure: whether it is open, and how sure that is."""

from __future__ import annotations

from typing import Final

import pandas as pd

from observatory.sources.table_declarations import CONFIDENCES

ACTIVE: Final = ("open", "unknown")
"""States of what counts, as sure as it is said to be."""
PRECEDENCE: Final = ("closed", "open", "announced", "unknown")
"""Which of several states holds: a page that says a place closed, then one that describes it open."""


def agreed(records: pd.DataFrame) -> pd.DataFrame:
    """Return the state of each structure, and the surest confidence of the records that say it.

    The same rule is in ``063_regroup.sql``, for structures made again in the database.

    Parameters
    ----------
    records
        ``structure_id, state, confidence``.

    Returns
    -------
    pandas.DataFrame
        Index: structure. ``state, confidence, is_active``.
    """
    ranked = records[["structure_id", "state", "confidence"]].assign(
        state_rank=records["state"].map(PRECEDENCE.index), confidence_rank=records["confidence"].map(CONFIDENCES.index)
    )
    first = ranked.sort_values(["structure_id", "state_rank", "confidence_rank"]).drop_duplicates("structure_id")
    first = first.set_index("structure_id")[["state", "confidence"]]
    return first.assign(is_active=first["state"].isin(ACTIVE))
