"""What is asked of a gap analysis, the name of the run that answers it, and that run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from observatory.declared.study_reading import ServiceStudy, Study
from observatory.parameters import require_threshold
from observatory.runs.access.access_run import access_hash
from observatory.runs.access.travel_cost import TravelInForce
from observatory.runs.identity import run_hash
from observatory.runs.need.need_run import need_hash
from observatory.runs.need.ranking import DRAW_COUNT, SEED

PROFILE: Final = "profile"
"""Parameter of a gap analysis that holds its profile; channels give it apart."""


@dataclass(frozen=True)
class GapRun:
    """A stored gap analysis: its rows are read by its hash."""

    run_hash: str
    parameters: dict[str, Any]
    source_ids: list[str]
    is_new: bool = False


@dataclass(frozen=True, eq=False)
class GapRequest:
    """What is asked: one défi, one service, one threshold of one study."""

    study: Study
    defi: str
    service: ServiceStudy
    threshold_min: float

    @classmethod
    def of(cls, study: Study, *, defi: str, service: str, threshold_min: float | None) -> GapRequest:
        """Check a request; the threshold is the study's own unless one is given.

        Raises
        ------
        UsageError
            If the défi or the service is unknown, or the threshold is out of range.
        """
        study.need(defi)
        declared = study.service(service)
        minutes = require_threshold(declared.threshold_min if threshold_min is None else float(threshold_min))
        return cls(study, defi, declared, minutes)

    def run_hash(self, travel: TravelInForce, checksums: Mapping[str, str]) -> str:
        """Return the name of the run that answers the request on this data, with this travel."""
        content = {
            "need": need_hash(self.study, travel, self.defi, dict(checksums)),
            "access": access_hash(self.study, travel, self.service, self.threshold_min, dict(checksums)),
            "cuts": [self.study.cuts.need, self.study.cuts.access],
            "draws": [DRAW_COUNT, SEED],
            PROFILE: 2,
        }
        return run_hash("gap", content)
