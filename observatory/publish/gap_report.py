"""A gap analysis as it is published, at one level: its rows, with all that explains them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class GapReport:
    """The rows of one level of a gap analysis, with all that explains them."""

    rows: list[dict[str, Any]]
    parameters: dict[str, Any]
    sources: list[dict[str, Any]]
    """Producer, licence, vintage, coverage of every source that the figures come from."""
    run_hash: str
    added: tuple[str, ...] = ()
    """Columns of the rows after the contract's own, where more was asked for."""
    warnings: tuple[str, ...] = ()
    """What a reader must know first, in French (:mod:`observatory.publish.known_of_expected`)."""
    profile: dict[str, Any] | None = None
    """Clusters, depth, quartiers and volumes of the whole region (:mod:`observatory.runs.gap.regional_profile`)."""
