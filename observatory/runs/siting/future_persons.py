"""What projections of population say of the persons concerned in 2030 and 2040, where they are loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from observatory.declared.study_reading import Study
from observatory.runs.loaded_inputs import DEMAND_LEVEL, Inputs, read_figures
from observatory.runs.siting.question_arrays import SitingInputs
from observatory.siting.question.growth import Growth, growth
from observatory.siting.solvers.solution import Floats
from observatory.sources.figures.projections import INDICATORS, SOURCE_ID
from observatory.store.tables import IndicatorValue
from observatory.words.grammar import listed
from observatory.words.numbers import counted, decimal, with_minus

YEARS: Final = (2030, 2040)
"""Years for which a proposal is tried again (convention de l'observatoire)."""
PROJECTED: Final = {f"age{age}p_pct": indicator for age, indicator in INDICATORS.items()}
"""Figure whose persons a défi concerns → their projection."""
LEVEL_WORDS: Final = {
    "commune": "de la commune",
    "epci": "de l’intercommunalité",
    "departement": "du département",
}
"""Levels of the projections, the nearest first."""
NOT_LOADED: Final = "Projections de population 2030 et 2040 : non chargées, non essayées."


@dataclass(frozen=True, eq=False)
class Projected:
    """Growth of the persons concerned, by year and défi, and how it is told."""

    factors: Mapping[str, Mapping[str, Floats]]
    """Year → défi → factor of each unit."""
    note: str
    source_ids: tuple[str, ...] = ()


def projected(connection: Connection, found: SitingInputs, study: Study, inputs: Inputs) -> Projected:
    """Return the growth of the persons concerned by each défi that projections speak of.

    A year is tried only if the projections cover every counted unit where someone is concerned.
    """
    figures = _figures(connection)
    if figures.empty:
        return Projected({}, NOT_LOADED)
    factors: dict[str, dict[str, Floats]] = {}
    told = []
    for defi in found.model.weights:
        figure, level = _figure(study, defi)
        if figure not in PROJECTED:
            continue
        provenance = read_figures(connection, [figure]).provenance.get((level, figure))
        if provenance is None:
            continue
        reference = int(provenance.period[:4])
        rows = figures[figures["indicator"].eq(PROJECTED[figure])]
        for year in YEARS:
            one = growth(rows, _parents(found, inputs), reference_year=reference, year=year)
            known, sentence = _told(found, defi, one, reference, year)
            told.append(f"« {study.need(defi).label} » {sentence}")
            if known is not None:
                factors.setdefault(str(year), {})[defi] = known
    if not told:
        return Projected({}, "Projections de population : chargées ; aucun défi de l’étude ne s’y compte.")
    tail = " Les autres défis restent ceux d’aujourd'hui." if len(found.model.weights) > 1 else ""
    return Projected(factors, f"Projections de population : {' ; '.join(told)}.{tail}", (SOURCE_ID,))


def _places(number: int) -> str:
    return counted(number, "lieu", "lieux", written=str)


def with_regret(note: str, robustness: Mapping[str, Any] | None) -> str:
    """Add to a note what keeping the proposal loses with the persons projected, year by year."""
    cases = [] if robustness is None else [one for one in robustness["cases"] if one["kind"] == "projection"]
    if not cases:
        return note
    parts = [
        f"{one['label'][-4:]} "
        + ("sans mesure" if one["regret"] is None else f"{with_minus(decimal(100 * one['regret']))} %")
        for one in cases
    ]
    return f"{note} Regret à garder la proposition : {', '.join(parts)}."


def _figures(connection: Connection) -> pd.DataFrame:
    figure = IndicatorValue
    query = sa.select(figure.level, figure.code, figure.indicator, figure.period, figure.value).where(
        figure.source_id == SOURCE_ID, figure.value.is_not(None)
    )
    rows = [tuple(row) for row in connection.execute(query)]
    frame = pd.DataFrame(rows, columns=["level", "code", "indicator", "period", "persons_count"])
    return frame.assign(year=frame["period"].astype("int64"), persons_count=frame["persons_count"].astype(float))


def _figure(study: Study, defi: str) -> tuple[str, str]:
    """Return the figure that the persons concerned are counted from, and its level; empty where there is none."""
    need = study.need(defi)
    if need.volume is None:
        return "", ""
    measure = next((one.measure for one in need.indicators if one.id == need.volume.indicator), None)
    return ("", "") if measure is None else (measure.figure, measure.level)


def _parents(found: SitingInputs, inputs: Inputs) -> dict[str, list[str | None]]:
    commune = found.units["commune_code"].astype(str)
    parents: dict[str, list[str | None]] = {DEMAND_LEVEL: list(commune)}
    for level in ("epci", "departement"):
        parents[level] = list(commune.map(inputs.parents[DEMAND_LEVEL, level]))
    return parents


def _told(found: SitingInputs, defi: str, one: Growth, reference: int, year: int) -> tuple[Floats | None, str]:
    """Return the factors, None where a unit has none, and the sentence that says so."""
    persons = found.model.concerned_count[defi]
    matters = found.model.is_counted & (persons > 0)
    absent = int((matters & np.isnan(one.factor)).sum())
    if not matters.any():
        return None, f"en {year} : non essayé, personne n’est concerné"
    if absent:
        return None, f"en {year} : non essayé, {_places(absent)} sans projection qui couvre {reference} et {year}"
    factor = np.where(np.isnan(one.factor), 1.0, one.factor)
    before, after = float(persons[matters].sum()), float((persons * factor)[matters].sum())
    levels = Counter(level for level, counts in zip(one.level, matters, strict=True) if counts)
    where = listed([f"{_places(levels[name])} : celle {words}" for name, words in LEVEL_WORDS.items() if levels[name]])
    change = with_minus(f"{100 * (after / before - 1):+.1f}".replace(".", ","))
    return factor, f"de {reference} à {year} : {change} % de personnes concernées ({where})"
