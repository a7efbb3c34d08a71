"""Rows in the order of a page, and the part of them that one page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from api.views.page_queries import Row

ROWS_PER_PAGE: Final = 100


@dataclass(frozen=True)
class Cut:
    """One page of rows."""

    rows: list[Row]
    number: int
    count: int
    total: int


def by_priority(rows: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return the rows from the highest priority to the lowest, then by name; the unknown last."""
    return sorted(
        (dict(row) for row in rows),
        key=lambda row: (
            row["priority_score"] is None,
            -(row["priority_score"] or 0.0),
            -(row["in_need_out_of_reach_count"] or 0),
            row["name"],
        ),
    )


def cut(rows: Sequence[Row], page: int, *, size: int = ROWS_PER_PAGE) -> Cut:
    """Return one page of rows; a page beyond the last shows the last."""
    count = max(1, -(-len(rows) // size))
    number = min(max(page, 1), count)
    return Cut(list(rows[(number - 1) * size : number * size]), number, count, len(rows))
