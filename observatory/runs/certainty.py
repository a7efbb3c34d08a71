"""How sure each row of a gap analysis is: interval of the need, interval of its rank, verdict and what flips it."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from observatory.gap.verdict import OWN_MESH, Scored, VerdictStudy, access_specifications, need_specifications, verdicts
from observatory.need import NeedStudy
from observatory.need.uncertainty import intervals, monte_carlo
from observatory.parameters import SCORE_DECIMALS
from observatory.runs.access import service_supply, supply_norm
from observatory.runs.gap import GapRequest
from observatory.runs.inputs import DEMAND_LEVEL, SUMMED_LEVELS, Inputs
from observatory.runs.need import NeedRun
from observatory.runs.travel import places, travel_within

DRAW_COUNT: Final = 1000
SEED: Final = 0
JUDGED: Final = ("is_deficit", "verdict_share", "verdict", "flips")
COLUMNS: Final = ("score_low", "score_high", "rank_low", "rank_high", *JUDGED)


def certainties(
    connection: Connection, request: GapRequest, *, level: str, need: NeedRun, inputs: Inputs
) -> pd.DataFrame:
    """Work out how sure the rows of one level are.

    Parameters
    ----------
    request
        The analysis. A study without a ``[verdict]`` table has intervals and no verdict.
    level
        Commune, EPCI, département or region; any other level has no need score, and no row here.
    need
        Its components hold the indicators' values.

    Returns
    -------
    pandas.DataFrame
        Index: codes; `COLUMNS`. ``rank_low`` is the better-placed end (1: the greatest need); ``is_deficit`` the answer
        under the study's own choices; ``flips`` a list.
    """
    if level not in {DEMAND_LEVEL, *SUMMED_LEVELS}:
        return pd.DataFrame(columns=list(COLUMNS))
    study = request.study.need(request.defi)
    frame = indicator_frame(need, study, level)
    found = intervals(monte_carlo(frame, study, draw_count=DRAW_COUNT, seed=SEED))
    rows = found[["score_low", "score_high"]].round(SCORE_DECIMALS)
    rows["rank_low"] = np.floor(found["rank_low"])
    rows["rank_high"] = np.ceil(found["rank_high"])
    judged = None if request.study.verdict is None else _judged(connection, request, level, need, inputs)
    for column in JUDGED:
        rows[column] = None if judged is None else judged[column].reindex(rows.index)
    return rows[list(COLUMNS)]


def indicator_frame(need: NeedRun, study: NeedStudy, level: str) -> pd.DataFrame:
    """Return the indicators of a level in their own units; NaN where unknown."""
    return need.indicator_values(level)[study.indicator_ids]


def _judged(
    connection: Connection, request: GapRequest, level: str, need: NeedRun, inputs: Inputs
) -> pd.DataFrame | None:
    verdict = request.study.verdict
    access = None if verdict is None else _access(connection, request, verdict, inputs)
    if verdict is None or access is None:
        return None
    study = request.study.need(request.defi)
    meshes: dict[str, tuple[Scored, Scored]] = {}
    for mesh in verdict.meshes:
        at = level if mesh == OWN_MESH else mesh
        if mesh != OWN_MESH and (level != DEMAND_LEVEL or (DEMAND_LEVEL, at) not in inputs.parents):
            continue
        scored = need_specifications(indicator_frame(need, study, at), study, verdict), _at(access, at, inputs)
        if mesh != OWN_MESH:
            parent = inputs.parents[DEMAND_LEVEL, at].reindex(meshes[OWN_MESH][0].index)
            scored = scored[0].of_parents(parent), scored[1].of_parents(parent)
        else:
            own = pd.Series(scored[0].index, index=scored[0].index)
            scored = scored[0], scored[1].of_parents(own)
        meshes[mesh] = scored
    return verdicts(meshes, cuts=request.study.cuts, study=verdict)


def _at(access: Scored, level: str, inputs: Inputs) -> Scored:
    if level == DEMAND_LEVEL:
        return access
    return access.averaged(inputs.parents[DEMAND_LEVEL, level], inputs.population_count.astype(float))


def _access(connection: Connection, request: GapRequest, verdict: VerdictStudy, inputs: Inputs) -> Scored | None:
    """Return the access of the communes under every specification; None where the service has no supply."""
    service = request.service
    supply = service_supply(connection, service, inputs)
    norm, *_ = supply_norm(service, supply)
    if not norm > 0:
        return None
    communes = supply.demand[(supply.demand["weight"] > 0).to_numpy()]
    allowed = None if supply.allowed is None else supply.allowed[(supply.demand["weight"] > 0).to_numpy()]
    longest = request.threshold_min * max(verdict.threshold_factors) / min(verdict.travel_factors)
    cost = travel_within(places(communes), places(supply.offered), request.study, max_min=longest, allowed=allowed)
    scored = access_specifications(
        cost.origin_idx,
        cost.destination_idx,
        cost.duration_min,
        communes["weight"].to_numpy(dtype=float),
        np.ones(len(supply.offered)),
        index=communes.index.get_level_values("code"),
        threshold_min=request.threshold_min,
        norm=norm,
        study=verdict,
        steps=service.steps,
    )
    inside = scored.index.isin(inputs.population_count.index)
    return Scored(scored.index[inside], scored.scores[inside], scored.choices)
