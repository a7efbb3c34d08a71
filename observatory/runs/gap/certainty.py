"""How sure each row of a gap analysis is: interval of the need, interval of its rank, verdict and what flips it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from observatory.declared.verdict_study import OWN_MESH, VerdictStudy
from observatory.gap.verdict import Scored, access_specifications, need_specifications, verdicts
from observatory.need import NeedStudy
from observatory.need.uncertainty import intervals, monte_carlo
from observatory.parameters import SCORE_DECIMALS
from observatory.runs.access.access_run import service_supply, supply_norm
from observatory.runs.access.travel_cost import places, travel_in_force, travel_within
from observatory.runs.gap.gap_request import GapRequest
from observatory.runs.loaded_inputs import DEMAND_LEVEL, SUMMED_LEVELS, Inputs, read_figures
from observatory.runs.memory import kept
from observatory.runs.need import small_counts
from observatory.runs.need.need_figures import computed_figures, figure_names, protected_need
from observatory.runs.need.need_rows import VALUE_DECIMALS
from observatory.runs.need.need_run import NeedRun
from observatory.runs.need.ranking import DRAW_COUNT, SEED, indicator_frame

SHARE_DECIMALS: Final = 4
RANKS: Final = ("rank_low", "rank_median", "rank_high")
COLUMNS: Final = (*RANKS, "verdict_share", "verdict", "score_low", "score_high", "flips")


class Certainties:
    """Works out how sure rows are, each need and each access of a study specified once however many rows use it.

    What depends on the need alone is kept from one analysis to the next: its name says the study, the choices of its
    verdict included, and the data.
    """

    def __init__(self, connection: Connection, inputs: Inputs) -> None:
        self._connection = connection
        self._inputs = inputs
        self._accesses: dict[tuple[str, float], Scored | None] = {}

    def rows(self, request: GapRequest, *, level: str, need: NeedRun) -> pd.DataFrame:
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
            Index: codes; `COLUMNS`, and ``is_deficit``: the answer under the study's own choices. ``rank_low`` is the
            better-placed end (1: the greatest need; NaN where only one territory is ranked); ``flips`` a list.
        """
        if level not in {DEMAND_LEVEL, *SUMMED_LEVELS}:
            return pd.DataFrame(columns=[*COLUMNS, "is_deficit"])
        rows = self._interval(request, level, need).copy()
        judged = self._judged(request, level, need)
        for column in ("verdict_share", "verdict", "flips", "is_deficit"):
            rows[column] = None if judged is None else judged[column].reindex(rows.index)
        rows["flips"] = [one if isinstance(one, list) else [] for one in rows["flips"]]
        rows["verdict_share"] = rows["verdict_share"].astype(float).round(SHARE_DECIMALS)
        return rows[[*COLUMNS, "is_deficit"]]

    def _interval(self, request: GapRequest, level: str, need: NeedRun) -> pd.DataFrame:
        study = request.study.need(request.defi)
        return kept(("intervals", need.run_hash, level), lambda: _intervals(indicator_frame(need, study, level), study))

    def _judged(self, request: GapRequest, level: str, need: NeedRun) -> pd.DataFrame | None:
        verdict = request.study.verdict
        access = None if verdict is None else self._access(request, verdict)
        if verdict is None or access is None:
            return None
        parents = self._inputs.parents
        meshes: dict[str, tuple[Scored, Scored]] = {}
        for mesh in verdict.meshes:
            at = level if mesh == OWN_MESH else mesh
            if mesh != OWN_MESH and (level != DEMAND_LEVEL or (DEMAND_LEVEL, at) not in parents):
                continue
            scored = self._need(request, at, need, verdict), _at(access, at, self._inputs)
            if mesh == OWN_MESH:
                own = pd.Series(scored[0].index, index=scored[0].index)
                meshes[mesh] = scored[0], scored[1].of_parents(own)
            else:
                parent = parents[DEMAND_LEVEL, at].reindex(meshes[OWN_MESH][0].index)
                meshes[mesh] = scored[0].of_parents(parent), scored[1].of_parents(parent)
        return verdicts(meshes, cuts=request.study.cuts, study=verdict)

    def _need(self, request: GapRequest, level: str, need: NeedRun, verdict: VerdictStudy) -> Scored:
        study = request.study.need(request.defi)
        return kept(
            ("specifications", need.run_hash, level),
            lambda: need_specifications(
                indicator_frame(need, study, level), study, verdict, by_travel=self._by_travel(request, need, level)
            ),
        )

    def _by_travel(self, request: GapRequest, need: NeedRun, level: str) -> dict[float, pd.DataFrame] | None:
        """Return the indicators of a level by travel factor; None where none of them is made of drives."""
        study, verdict = request.study.need(request.defi), request.study.verdict
        driven = [one.id for one in study.indicators if one.measure is not None and one.measure.kind == "computed"]
        if verdict is None or not driven:
            return None
        own = indicator_frame(need, study, level)
        return {
            factor: own.assign(
                **self._driven(request, need, factor)[level][driven].reindex(own.index).round(VALUE_DECIMALS)
            )
            for factor in verdict.travel_factors
            if factor != 1.0
        }

    def _driven(self, request: GapRequest, need: NeedRun, factor: float) -> Mapping[str, pd.DataFrame]:
        """Return the indicators of every level with every drive ``factor`` times as long."""
        study = request.study.need(request.defi)

        def work_out() -> Mapping[str, pd.DataFrame]:
            computed, _ = computed_figures(self._connection, request.study, study, self._inputs, travel_factor=factor)
            names = figure_names(study)
            read = read_figures(self._connection, names | small_counts.figure_names(names))
            return protected_need(study, read, computed, self._inputs).table.indicators

        return kept(("driven", need.run_hash, str(factor)), work_out)

    def _access(self, request: GapRequest, verdict: VerdictStudy) -> Scored | None:
        key = request.service.service, request.threshold_min
        if key not in self._accesses:
            self._accesses[key] = _access(self._connection, request, verdict, self._inputs)
        return self._accesses[key]


def _intervals(values: pd.DataFrame, study: NeedStudy) -> pd.DataFrame:
    found = intervals(monte_carlo(values, study, draw_count=DRAW_COUNT, seed=SEED))
    rows = found[["score_low", "score_high"]].round(SCORE_DECIMALS)
    ends = {"rank_low": np.floor, "rank_median": np.rint, "rank_high": np.ceil}
    # A rank among one says nothing.
    is_ranked = found["rank_low"].notna().sum() > 1
    for column, rounded in ends.items():
        rows[column] = rounded(found[column]) if is_ranked else np.nan
    return rows


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
    travel = travel_in_force(connection, request.study)
    cost = travel_within(places(communes), places(supply.offered), travel, max_min=longest, allowed=allowed)
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
