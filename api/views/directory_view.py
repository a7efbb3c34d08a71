"""Zones and places of the directory, by structure, as a page shows them."""

from __future__ import annotations

import pandas as pd

from api.views.page_queries import Row


def by_structure(frame: pd.DataFrame) -> dict[str, list[Row]]:
    """Return the rows of each structure; an unknown value is None."""
    plain = frame.astype(object).where(frame.notna(), None)
    found: dict[str, list[Row]] = {}
    for row in plain.to_dict("records"):
        found.setdefault(str(row["structure_id"]), []).append({str(key): value for key, value in row.items()})
    return found
