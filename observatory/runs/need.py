"""Need of every commune, EPCI, département and of the region for one défi, stored with the reasons for each score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from observatory.need import (
    Indicator,
    NeedStudy,
    aggregate,
    beyond_goalposts,
    contributions,
    effective_weights,
    indicator_table,
    normalise,
    round_to_total,
    unit_weights,
    volume_counts,
)
from observatory.parameters import SCORE_DECIMALS
from observatory.runs import secrecy
from observatory.runs.access import access_run, demand_points
from observatory.runs.identity import run_hash
from observatory.runs.inputs import DEMAND_LEVEL, SUMMED_LEVELS, Figures, Inputs, at_level, read_figures
from observatory.runs.secrecy import Protected
from observatory.runs.travel import places, travel_parameters, travel_within
from observatory.store import membership, results
from observatory.store.tables import NeedResult
from observatory.studies import Study

REUSE_SERVICE: Final = "ressourcerie"
COLUMNS: Final = ("level", "code", "score", "weight_share", "volume", "status", "components")
VALUE_DECIMALS: Final = 4
"""Digits kept of an indicator's value in the components: more than any source publishes."""


@dataclass(frozen=True, eq=False)
class NeedRun:
    """Need for one défi.

    ``rows`` is indexed by (level, code): ``score`` (one decimal, NaN where there is none), ``weight_share``, ``volume``
    (whole persons, NA where unknown), ``status`` and ``components``.
    """

    run_hash: str
    rows: pd.DataFrame
    parameters: dict[str, Any]
    source_ids: list[str]

    @cached_property
    def notes(self) -> pd.Series:
        """French sentence on what is missing from each score, None where nothing is; index (level, code)."""
        labels = {one["id"]: one["label"] for one in self.parameters["indicators"]}
        sentences = [
            _missing_note(components, share, labels, is_scored=bool(np.isfinite(score)))
            for components, share, score in zip(
                self.rows["components"], self.rows["weight_share"], self.rows["score"], strict=True
            )
        ]
        return pd.Series(sentences, index=self.rows.index, dtype=object)

    @property
    def is_volume_public(self) -> bool:
        """Whether the persons concerned are inhabitants, which anyone may count."""
        return bool(self.parameters["secrecy"]["is_public"])

    @property
    def secrecy_threshold(self) -> int:
        """Persons under whom a count is small."""
        return int(self.parameters["secrecy"]["threshold"])

    @cached_property
    def volume_estimates(self) -> pd.Series:
        """Persons concerned by commune (``Int64``), with estimates where they are hidden: to be summed, not shown."""
        volume = at_level(self.rows, DEMAND_LEVEL)["volume"]
        return volume.fillna(pd.Series(self.parameters["secrecy"]["volume_estimates"], dtype="Int64"))

    def indicator_values(self, level: str) -> pd.DataFrame:
        """Return the indicators that the scores of a level are made of, in their own units, index code; NaN if unknown.

        Those that are hidden are estimates: to go on working with, not to be shown.
        """
        components: pd.Series = at_level(self.rows, level)["components"]
        estimates = self.parameters["secrecy"]["value_estimates"].get(level, {})
        names = [one["id"] for one in self.parameters["indicators"]]
        values = [
            {name: _first_known(one.get(name, {}).get("value"), estimates.get(code, {}).get(name)) for name in names}
            for code, one in components.items()
        ]
        return pd.DataFrame(values, index=components.index, columns=names).astype(float)


def _first_known(value: float | None, estimate: float | None) -> float | None:
    return estimate if value is None else value


def _missing_note(
    components: dict[str, dict[str, Any]], weight_share: float, labels: dict[str, str], *, is_scored: bool
) -> str | None:
    unknown = [labels[name] for name, one in components.items() if one["status"] == "missing"]
    if not unknown:
        return None
    start = "Besoin calculé sur" if is_scored else "Pas de score de besoin : n'est connu que"
    return f"{start} {round(100 * weight_share)} % du poids ; inconnu ou sans objet : {', '.join(unknown)}."


def need_hash(study: Study, defi: str, checksums: dict[str, str]) -> str:
    """Return the name of a need run."""
    content = {"study": study.digest, "defi": defi, "travel": travel_parameters(study), "inputs": checksums}
    return run_hash("need", content)


def figure_names(need: NeedStudy) -> set[str]:
    """Return every figure of the database that a need is worked out from."""
    names: set[str] = set()
    for indicator in need.indicators:
        measure = indicator.measure
        if measure is not None and measure.kind != "computed":
            names |= {measure.figure, measure.over or measure.figure}
    for weight in need.weights.values():
        names |= {weight.figure, weight.share or weight.figure, weight.spread_by or weight.figure}
    if need.volume is not None and need.volume.kind == "count":
        names.add(need.volume.indicator)
    return names


def need_run(connection: Connection, study: Study, defi: str, *, inputs: Inputs) -> NeedRun:
    """Return the need for a défi, from the store or worked out and stored."""
    name = need_hash(study, defi, dict(inputs.checksums))
    stored = results.find_run(connection, name)
    if stored is None:
        results.lock_run(connection, name)
        stored = results.find_run(connection, name)
    if stored is not None:
        return NeedRun(name, _read_rows(connection, name), stored.parameters, stored.source_ids)
    worked_out = _work_out(connection, name, study, study.need(defi), inputs)
    worked_out.parameters[membership.KEY] = membership.keep_membership(connection, inputs.members)
    results.store_run(
        connection,
        run_hash=name,
        kind="need",
        defi=defi,
        service=None,
        parameters=worked_out.parameters,
        inputs=inputs.checksums,
        source_ids=worked_out.source_ids,
    )
    rows = worked_out.rows.reset_index()[list(COLUMNS)]
    results.copy_frame(connection, NeedResult, rows.assign(run_hash=name))
    return worked_out


def _work_out(connection: Connection, name: str, study: Study, need: NeedStudy, inputs: Inputs) -> NeedRun:
    computed, computed_sources = computed_figures(connection, study, need, inputs)
    names = figure_names(need)
    read = read_figures(connection, names | secrecy.figure_names(names))
    protected = protected_need(need, read, computed, inputs)
    communes = protected.table.indicators[DEMAND_LEVEL]
    provenance = {indicator.id: _provenance(indicator, read) for indicator in need.indicators}
    rows = [
        _level_rows(level, protected, need, provenance=provenance, inputs=inputs)
        for level in (DEMAND_LEVEL, *SUMMED_LEVELS)
    ]
    source_ids = {*inputs.source_ids, *computed_sources, *(one["source_id"] for one in provenance.values())} - {None}
    parameters = _parameters(need, communes, provenance) | {"secrecy": secrecy.stored(protected)}
    return NeedRun(name, pd.concat(rows), parameters, sorted(source_ids))


def protected_need(need: NeedStudy, read: Figures, computed: pd.DataFrame, inputs: Inputs) -> Protected:
    """Return the indicators and the volume of a need at every level, its small counts replaced.

    Parameters
    ----------
    read
        Figures that the need names, with those that protect them.
    computed
        Figures of `computed_figures`.
    inputs
        Whose membership the communes are summed by.
    """
    population = inputs.population_count
    figures = dict(read.by_level)
    figures[DEMAND_LEVEL] = figures[DEMAND_LEVEL].reindex(population.index).join(computed)
    table = indicator_table(
        need, figures=figures, parents=inputs.parents, population_count=population, levels=SUMMED_LEVELS
    )
    volume = volume_counts(
        need, figures=figures, indicators=table.indicators[DEMAND_LEVEL], population_count=population
    )
    return secrecy.protect(need, table, volume, figures=figures, inputs=inputs)


def computed_figures(
    connection: Connection, study: Study, need: NeedStudy, inputs: Inputs
) -> tuple[pd.DataFrame, set[str]]:
    """Work out the figures of communes that no source publishes: time to reuse, inhabitants around."""
    names = {one.measure.figure for one in need.indicators if one.measure and one.measure.kind == "computed"}
    found = pd.DataFrame(index=inputs.population_count.index)
    sources: set[str] = set()
    if "reuse_nearest_min" in names:
        service = study.service(REUSE_SERVICE)
        access = access_run(connection, study, service, threshold_min=service.threshold_min, inputs=inputs)
        found["reuse_nearest_min"] = access.communes["nearest_min"]
        sources |= set(access.source_ids)
    if "catchment_population_count" in names:
        found["catchment_population_count"] = _catchment_population(study, inputs)
    return found, sources


def _catchment_population(study: Study, inputs: Inputs) -> pd.Series:
    """Count the inhabitants, on both sides of the border, within the study's catchment of each commune."""
    from observatory.access import cumulative

    demand = at_level(demand_points(inputs), DEMAND_LEVEL)
    origins = demand[~demand["is_border"].astype(bool)]
    threshold_min = study.catchment_threshold_min
    cost = travel_within(places(origins), places(demand), study, max_min=threshold_min)
    counts = cumulative(
        cost.origin_idx,
        cost.destination_idx,
        cost.duration_min,
        demand["weight"].to_numpy(dtype=float),
        thresholds=[threshold_min],
        n_origins=len(origins),
    )
    return pd.Series(counts[:, 0], index=origins.index)


def _level_rows(
    level: str,
    protected: Protected,
    need: NeedStudy,
    *,
    provenance: Mapping[str, Mapping[str, Any]],
    inputs: Inputs,
) -> pd.DataFrame:
    values, volume = protected.table.indicators[level], protected.volume
    normalised = normalise(values, need)
    scores = aggregate(normalised, need)
    score = scores["score"].round(SCORE_DECIMALS)
    parts = round_to_total(contributions(normalised, need), score, decimals=SCORE_DECIMALS)
    if level != DEMAND_LEVEL:
        keys = inputs.parents[DEMAND_LEVEL, level].reindex(volume.index)
        volume = volume.groupby(keys).sum(min_count=1)
    hidden = pd.DataFrame({name: protected.hides(name, level, values.index) for name in values.columns})
    hidden &= values.notna()
    is_secret = protected.hides_volume(level, values.index)
    status = _statuses(need, values, score, hidden=hidden).mask(is_secret, "suppressed")
    covered = protected.table.covered_share[level]
    tables = (values, normalised, unit_weights(normalised, need), parts, covered, hidden)
    arrays = [frame.reindex(values.index).to_numpy(dtype=float) for frame in tables]
    components = [
        _components(need, provenance, *(array[position] for array in arrays)) for position in range(len(values))
    ]
    return pd.DataFrame(
        {
            "level": level,
            "code": values.index,
            "score": score.to_numpy(),
            "weight_share": scores["weight_share"].to_numpy(),
            "volume": volume.reindex(values.index).mask(is_secret).array,
            "status": status.to_numpy(),
            "components": components,
        }
    ).set_index(["level", "code"])


def _statuses(need: NeedStudy, values: pd.DataFrame, score: pd.Series, *, hidden: pd.DataFrame) -> pd.Series:
    """Return ``missing`` without a score, ``estimated`` when an estimate takes part in it, ``observed`` otherwise."""
    estimated = [indicator.id for indicator in need.indicators if indicator.status == "estimated"]
    has_estimate = values[estimated].notna().any(axis="columns") | hidden.any(axis="columns")
    names = np.select([score.isna(), has_estimate], ["missing", "estimated"], default="observed")
    return pd.Series(names, index=values.index)


def _components(
    need: NeedStudy,
    provenance: Mapping[str, Mapping[str, Any]],
    *columns: Any,  # noqa: ANN401
) -> dict[str, dict[str, Any]]:
    found = {}
    for indicator, value, normalised, weight, part, covered, hidden in zip(need.indicators, *columns, strict=True):
        is_known = bool(np.isfinite(value)) and not hidden
        origin = provenance[indicator.id]
        found[indicator.id] = {
            "value": round(float(value), VALUE_DECIMALS) if is_known else None,
            "normalised": round(float(normalised), SCORE_DECIMALS) if is_known else None,
            "weight": round(float(weight), VALUE_DECIMALS) if np.isfinite(weight) else None,
            "contribution": round(float(part), SCORE_DECIMALS) if np.isfinite(part) else None,
            "covered_share": round(float(covered), VALUE_DECIMALS) if np.isfinite(covered) else None,
            "period": origin["period"],
            "status": indicator.status if is_known else "suppressed" if hidden else "missing",
            "source_id": origin["source_id"],
        }
    return found


def _provenance(indicator: Indicator, figures: Figures) -> dict[str, Any]:
    """Return the period and source of an indicator's figure, as the database has them, else as the study says."""
    measure = indicator.measure
    origin = None if measure is None else figures.provenance.get((measure.level, measure.figure))
    if origin is not None:
        return {"period": origin.period, "source_id": origin.source_id}
    return {"period": indicator.vintage, "source_id": None}


def _parameters(need: NeedStudy, communes: pd.DataFrame, provenance: dict[str, dict[str, Any]]) -> dict[str, Any]:
    normalised = normalise(communes, need)
    beyond = beyond_goalposts(communes, need).to_dict("index")
    effective = effective_weights(normalised, need)
    return {
        "defi": need.id,
        "defi_label": need.label,
        "note": need.note,
        "normalisation": need.normalisation,
        "aggregation": need.aggregation,
        "min_weight_share": need.min_weight_share,
        "volume_label": "" if need.volume is None else need.volume.label,
        "indicators": [
            {
                "id": one.id,
                "label": one.label,
                "unit": one.unit,
                "denominator": one.denominator,
                "direction": one.direction,
                "weight": one.weight,
                "low": one.low,
                "high": one.high,
                "status": one.status,
                "note": one.note,
                "goalposts_note": one.goalposts_note,
                **provenance[one.id],
                "below_low_count": int(beyond[one.id]["low_count"]),
                "above_high_count": int(beyond[one.id]["high_count"]),
                "known_count": int(beyond[one.id]["known_count"]),
                "effective_weight": _rounded(effective.loc[one.id, "variance_share"]),
                "correlation": _rounded(effective.loc[one.id, "correlation"]),
            }
            for one in need.indicators
        ],
    }


def _rounded(value: Any) -> float | None:  # noqa: ANN401  (a cell of a frame)
    return round(float(value), 3) if np.isfinite(value) else None


def _read_rows(connection: Connection, name: str) -> pd.DataFrame:
    query = sa.select(*(getattr(NeedResult, column) for column in COLUMNS)).where(NeedResult.run_hash == name)
    rows = pd.DataFrame(list(map(tuple, connection.execute(query))), columns=list(COLUMNS))
    return rows.astype({"score": float, "volume": "Int64"}).set_index(["level", "code"])
