"""Need of every commune, EPCI, département and of the region for one défi, stored with the reasons for each score."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from observatory.declared.study_reading import Study
from observatory.need import NeedStudy
from observatory.runs.access.travel_cost import TravelInForce, travel_in_force, travel_parameters
from observatory.runs.identity import run_hash
from observatory.runs.loaded_inputs import DEMAND_LEVEL, SUMMED_LEVELS, Inputs, at_level, read_figures
from observatory.runs.need import small_counts
from observatory.runs.need.need_figures import computed_figures, figure_names, protected_need
from observatory.runs.need.need_rows import WHOLE_SHARE, level_rows, parameters_of, provenance_of
from observatory.store import kept_membership, results
from observatory.store.tables import NeedResult
from observatory.words.numbers import percent

COLUMNS: Final = ("level", "code", "score", "weight_share", "volume", "status", "components")


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
            _note(level, components, share, labels, is_scored=bool(np.isfinite(score)))
            for level, components, share, score in zip(
                self.rows.index.get_level_values("level"),
                self.rows["components"],
                self.rows["weight_share"],
                self.rows["score"],
                strict=True,
            )
        ]
        return pd.Series(sentences, index=self.rows.index, dtype=object)

    @property
    def is_volume_public(self) -> bool:
        """Whether the persons concerned are published, or inhabitants, which anyone may count."""
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


def _note(
    level: str, components: dict[str, dict[str, Any]], weight_share: float, labels: dict[str, str], *, is_scored: bool
) -> str | None:
    """Return what is missing from a score, then which part of a commune its rates describe; None where it is whole."""
    missing = _missing_note(components, weight_share, labels, is_scored=is_scored)
    partly = _part_note(components) if level == DEMAND_LEVEL else None
    return " ".join(one for one in (missing, partly) if one) or None


def _part_note(components: dict[str, dict[str, Any]]) -> str | None:
    shares = [one.get("covered_share") for one in components.values() if one.get("value") is not None]
    least = min((one for one in shares if one), default=1.0)
    if least >= WHOLE_SHARE:
        return None
    return (
        f"Commune connue en partie par IRIS : ces taux décrivent {percent(least, digits=0)} de ses habitants, ceux de "
        "la commune d’avant la fusion."
    )


def _missing_note(
    components: dict[str, dict[str, Any]], weight_share: float, labels: dict[str, str], *, is_scored: bool
) -> str | None:
    # In the order of the study: the database keeps the keys of a document in an order of its own.
    unknown = [label for name, label in labels.items() if components.get(name, {}).get("status") == "missing"]
    if not unknown:
        return None
    known = f"{percent(weight_share, digits=0)} du poids des indicateurs"
    start = f"Besoin calculé sur {known}" if is_scored else f"Pas de score de besoin : on ne connaît que {known}"
    return f"{start} ; inconnu ou sans objet : {', '.join(unknown)}."


def need_hash(study: Study, travel: TravelInForce, defi: str, checksums: dict[str, str]) -> str:
    """Return the name of a need run; what secrecy declares is a part of it."""
    content = {
        "study": study.digest,
        "defi": defi,
        "travel": travel_parameters(travel),
        "inputs": checksums,
        "secrecy": [astuple(rule) for rule in small_counts.declared_rules()],
    }
    return run_hash("need", content)


def need_run(connection: Connection, study: Study, defi: str, *, inputs: Inputs) -> NeedRun:
    """Return the need for a défi, from the store or worked out and stored."""
    name = need_hash(study, travel_in_force(connection, study), defi, dict(inputs.checksums))
    stored = results.find_run(connection, name)
    if stored is None:
        results.lock_run(connection, name)
        stored = results.find_run(connection, name)
    if stored is not None:
        return NeedRun(name, _read_rows(connection, name), stored.parameters, stored.source_ids)
    worked_out = _work_out(connection, name, study, study.need(defi), inputs)
    worked_out.parameters[kept_membership.KEY] = kept_membership.keep_membership(connection, inputs.members)
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
    read = read_figures(connection, names | small_counts.figure_names(names))
    protected = protected_need(need, read, computed, inputs)
    communes = protected.table.indicators[DEMAND_LEVEL]
    provenance = {indicator.id: provenance_of(indicator, read) for indicator in need.indicators}
    rows = [
        level_rows(level, protected, need, provenance=provenance, inputs=inputs)
        for level in (DEMAND_LEVEL, *SUMMED_LEVELS)
    ]
    source_ids = {*inputs.source_ids, *computed_sources, *(one["source_id"] for one in provenance.values())} - {None}
    parameters = parameters_of(need, communes, provenance) | {"secrecy": small_counts.stored(protected)}
    return NeedRun(name, pd.concat(rows), parameters, sorted(source_ids))


def _read_rows(connection: Connection, name: str) -> pd.DataFrame:
    query = sa.select(*(getattr(NeedResult, column) for column in COLUMNS)).where(NeedResult.run_hash == name)
    rows = pd.DataFrame(list(map(tuple, connection.execute(query))), columns=list(COLUMNS))
    return rows.astype({"score": float, "volume": "Int64"}).set_index(["level", "code"])
