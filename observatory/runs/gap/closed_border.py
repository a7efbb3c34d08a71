"""What closing the regional border would change: gaps without the supply and the demand outside, and who flips."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from observatory.gap import Cuts, commune_accounts, gap_rows, ledger, total
from observatory.runs.access.access_run import AccessRun
from observatory.runs.loaded_inputs import DEMAND_LEVEL, SUMMED_LEVELS, Inputs

COLUMNS: Final = (
    "access_score",
    "nearest_min",
    "served_count",
    "reachable_full_count",
    "out_of_reach_count",
    "priority_score",
    "typology",
)
"""What is worked out again; not the persons concerned out of reach: comparing the two would uncover small counts."""


def closed_rows(
    access: AccessRun, *, level: str, need_score: pd.Series, threshold_min: float, cuts: Cuts, inputs: Inputs
) -> pd.DataFrame:
    """Work a gap out again as if nothing lay beyond Normandy.

    Parameters
    ----------
    access
        Access to the service at the threshold; it knows what a closed border changes.
    level
        Commune, EPCI, département or region; any other level has no row here.
    need_score
        Need of the territories of the level, index code: it does not depend on the border.

    Returns
    -------
    pandas.DataFrame
        Index code; `COLUMNS`.
    """
    if level not in {DEMAND_LEVEL, *SUMMED_LEVELS}:
        return pd.DataFrame(columns=list(COLUMNS))
    codes = inputs.population_count.index
    reached = access.closed_border.reindex(codes)
    account = commune_accounts(
        ledger(
            inputs.population_count.to_numpy(dtype=np.int64),
            reached["nearest_min"].to_numpy(dtype=float),
            reached["access_index"].fillna(0.0).to_numpy(dtype=float),
            threshold_min=threshold_min,
            norm=float(access.parameters["norm_sites_per_inhabitant"]),
        ),
        codes=codes,
        nearest_min=reached["nearest_min"],
        need_volume_count=pd.Series(pd.NA, index=codes, dtype="Int64"),
    )
    summed = account if level == DEMAND_LEVEL else total(account, inputs.parents[DEMAND_LEVEL, level])
    return gap_rows(summed, need_score.reindex(summed.index), cuts=cuts)[list(COLUMNS)]


def border_flips(
    rows: pd.DataFrame, access: AccessRun, *, threshold_min: float, cuts: Cuts, inputs: Inputs
) -> dict[str, dict[str, str]]:
    """Return, by level, the typology that each territory would fall into, of those that closing the border flips.

    Parameters
    ----------
    rows
        The analysis with the border open: ``level, code, need_score, typology``.
    """
    found: dict[str, dict[str, str]] = {}
    how: Mapping[str, Any] = {"threshold_min": threshold_min, "cuts": cuts, "inputs": inputs}
    for level in (DEMAND_LEVEL, *SUMMED_LEVELS):
        opened = rows[rows["level"] == level].set_index("code")
        score = pd.to_numeric(opened["need_score"], errors="coerce")
        closed = closed_rows(access, level=level, need_score=score, **how)["typology"].reindex(opened.index)
        found[level] = {str(code): str(closed[code]) for code in opened.index[closed != opened["typology"]]}
    return found
