"""The persons whom each défi concerns, as siting counts them: sums are exact, small counts are never shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from observatory.declared.study_reading import Study
from observatory.runs.access.travel_cost import travel_in_force
from observatory.runs.loaded_inputs import DEMAND_LEVEL, Inputs, at_level
from observatory.runs.need.need_run import need_hash, need_run
from observatory.store import results
from observatory.store.tables import NeedResult


@dataclass(frozen=True, eq=False)
class Concerned:
    """Persons concerned by a défi, by commune (``Int64``): estimates where they are hidden."""

    volume: pd.Series
    hidden: frozenset[str]
    """Communes whose count is under secrecy: it enters sums as an estimate, and isn't shown."""
    is_public: bool
    """Whether its small counts and sums are shown."""
    source_ids: list[str]


def concerned_persons(connection: Connection, study: Study, defi: str, inputs: Inputs) -> Concerned:
    """Return the persons concerned by a défi: those of the stored need, else of one worked out now."""
    name = need_hash(study, travel_in_force(connection, study), defi, dict(inputs.checksums))
    stored = results.find_run(connection, name)
    if stored is None:
        need = need_run(connection, study, defi, inputs=inputs)
        return _concerned(at_level(need.rows, DEMAND_LEVEL)["volume"], need.parameters, need.source_ids)
    query = sa.select(NeedResult.code, NeedResult.volume).where(
        NeedResult.run_hash == name, NeedResult.level == DEMAND_LEVEL
    )
    rows = {row.code: row.volume for row in connection.execute(query)}
    return _concerned(pd.Series(rows, dtype="Int64"), stored.parameters, stored.source_ids)


def _concerned(volume: pd.Series, parameters: Mapping[str, Any], source_ids: list[str]) -> Concerned:
    estimates = pd.Series(parameters.get("secrecy", {}).get("volume_estimates", {}), dtype="Int64")
    hidden = frozenset(str(code) for code in estimates.index if code in volume.index and pd.isna(volume[code]))
    is_public = bool(parameters.get("secrecy", {}).get("is_public", False))
    return Concerned(volume.fillna(estimates), hidden, is_public, source_ids)
