"""Work every indicator out at every level from its numerator and its own denominator, and say how much is covered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from observatory.declared.need_study import Indicator, Measure, NeedStudy, Weight
from observatory.errors import NotComputedError

Figures = Mapping[str, pd.DataFrame]
"""Level → one row per territory (index: code), one column per figure."""
Parents = Mapping[tuple[str, str], pd.Series]
"""(child level, parent level) → parent's code, indexed by the child's code."""

BASE_LEVEL = "commune"
POPULATION = "population_count"


@dataclass(frozen=True, eq=False)
class IndicatorTable:
    """Indicators of a study at every level.

    ``indicators`` and ``covered_share`` hold one frame per level (index: code, one column per indicator): the indicator
    in its own unit, NaN where nothing is known, and the share of the population living where it is known (0 to 1).
    ``sums`` holds, by indicator, what it is made of in each commune: ``over`` and ``under``, both 0 where unknown.
    """

    indicators: Mapping[str, pd.DataFrame]
    covered_share: Mapping[str, pd.DataFrame]
    sums: Mapping[str, pd.DataFrame] = field(default_factory=dict)


def indicator_table(
    study: NeedStudy,
    *,
    figures: Figures,
    parents: Parents,
    population_count: pd.Series,
    levels: tuple[str, ...],
) -> IndicatorTable:
    """Aggregate a study's indicators from the finest level they are known at.

    Parameters
    ----------
    study
        Each indicator carries its measure; ``study.weights`` names the persons that shares are shares of.
    figures
        Figures by level; what is absent is missing.
    parents
        Membership of IRIS in communes, and of communes in every level asked for or inherited from.
    population_count
        Persons, indexed by commune: weight of what has no better one, and of the coverage. Its index is the list of
        communes that count.
    levels
        Levels above the commune to work out.

    Returns
    -------
    IndicatorTable
        For ``"commune"`` and each of ``levels``. A commune where a figure or its weight is missing is left out of the
        numerator and of the denominator alike.

    Raises
    ------
    NotComputedError
        If a figure that the study names is in none of the frames.
    """
    population = population_count.astype(float)
    sums = {
        indicator.id: _commune_sums(indicator, study, figures=figures, parents=parents, population=population)
        for indicator in study.indicators
    }
    reached = {
        indicator.id: population * _known_share(indicator, sums[indicator.id], figures, parents, population)
        for indicator in study.indicators
    }
    values: dict[str, pd.DataFrame] = {}
    covered: dict[str, pd.DataFrame] = {}
    for level in (BASE_LEVEL, *levels):
        keys = population.index.to_series() if level == BASE_LEVEL else parents[BASE_LEVEL, level]
        keys = keys.reindex(population.index)
        total = population.groupby(keys).sum()
        columns, shares = {}, {}
        for indicator in study.indicators:
            grouped = sums[indicator.id].groupby(keys).sum()
            columns[indicator.id] = _value(grouped, indicator)
            known = reached[indicator.id].groupby(keys).sum()
            shares[indicator.id] = known / total.where(total > 0)
        values[level] = pd.DataFrame(columns)
        covered[level] = pd.DataFrame(shares)
    return IndicatorTable(values, covered, sums)


def _known_share(
    indicator: Indicator, sums: pd.DataFrame, figures: Figures, parents: Parents, population: pd.Series
) -> pd.Series:
    """Return the share of each commune's population that an indicator describes: below 1 where IRIS hold a part of it.

    A commune merged since the census has IRIS for a part of its inhabitants: its rates are those of that part.
    """
    known = (sums["under"] > 0).astype(float)
    frame = figures.get("iris")
    if indicator.measure is None or indicator.measure.level != "iris" or frame is None or POPULATION not in frame:
        return known
    inside = frame[POPULATION].groupby(parents["iris", BASE_LEVEL].reindex(frame.index)).sum()
    held = (inside.reindex(population.index) / population.where(population > 0)).clip(upper=1.0)
    return known.where(known.eq(0) | held.isna(), held)


def volume_counts(
    study: NeedStudy, *, figures: Figures, indicators: pd.DataFrame, population_count: pd.Series
) -> pd.Series:
    """Count the persons concerned in each commune, in whole persons, so that every level is their plain sum.

    Parameters
    ----------
    study
        Declares the volume: a count, a share of the population, or the population itself.
    figures
        Holds the count at commune level, where the volume is one.
    indicators
        Indicators of the communes (``IndicatorTable.indicators["commune"]``), for a share of the population.
    population_count
        Persons, indexed by commune.

    Returns
    -------
    pandas.Series
        Whole persons (``Int64``), index of ``population_count``, NA where unknown. Halves are rounded up.
    """
    if study.volume is None:
        raise NotComputedError(f"L’étude {study.id} ne déclare pas de volume : ajoutez volume_kind et volume_label.")
    if study.volume.kind == "population":
        persons = population_count.astype(float)
    elif study.volume.kind == "count":
        persons = _figure(figures, BASE_LEVEL, study.volume.indicator, study)
    else:
        persons = indicators[study.volume.indicator] / 100.0 * population_count.astype(float)
    rounded: pd.Series = (persons.reindex(population_count.index) + 0.5) // 1.0
    return rounded.astype("Int64")


def _commune_sums(
    indicator: Indicator, study: NeedStudy, *, figures: Figures, parents: Parents, population: pd.Series
) -> pd.DataFrame:
    """Return ``over`` and ``under`` (numerator, denominator) by commune, both zero where either is unknown."""
    measure = indicator.measure
    if measure is None:
        raise NotComputedError(f"L’indicateur « {indicator.id} » ne dit pas comment il se calcule : ajoutez measure.")
    if measure.kind == "ratio":
        over = _figure(figures, measure.level, measure.figure, study)
        under = _figure(figures, measure.level, measure.over or "", study)
    else:
        over = _figure(figures, measure.level, measure.figure, study)
        if measure.kind == "inherited":
            parent = parents[BASE_LEVEL, measure.level]
            if measure.over is not None:
                over = over / _figure(figures, BASE_LEVEL, measure.over, study).groupby(parent).sum()
            over = parent.map(over)
        under = _weight(measure, study, figures=figures, parents=parents, population=population)
        over = over.reindex(under.index) * under
    pair = pd.DataFrame({"over": over, "under": under}).astype(float)
    pair = pair.where((pair.notna().all(axis="columns")) & (pair["under"] > 0), 0.0)
    if measure.level == "iris":
        pair = pair.groupby(parents["iris", BASE_LEVEL].reindex(pair.index)).sum()
    return pair.reindex(population.index).fillna(0.0)


def _weight(
    measure: Measure, study: NeedStudy, *, figures: Figures, parents: Parents, population: pd.Series
) -> pd.Series:
    """Return the persons that the figure is a share of, at the level where the figure is used."""
    if measure.weight == "population" and measure.level != "iris":
        return population
    declared = study.weights.get(measure.weight)
    if declared is None:
        raise NotComputedError(f"Le dénominateur « {measure.weight} » n’est pas déclaré dans [weights].")
    persons = _figure(figures, declared.level, declared.figure, study)
    if declared.share is not None:
        persons = persons * _figure(figures, declared.level, declared.share, study) / 100.0
    if declared.spread_by is not None:
        return _spread(persons, declared, study, figures=figures, parents=parents)
    return persons


def _spread(persons: pd.Series, weight: Weight, study: NeedStudy, *, figures: Figures, parents: Parents) -> pd.Series:
    """Spread a count of the commune over its IRIS, in proportion to ``weight.spread_by``."""
    key = _figure(figures, "iris", weight.spread_by or "", study)
    commune = parents["iris", BASE_LEVEL].reindex(key.index)
    total = key.groupby(commune).transform("sum")
    return commune.map(persons) * key / total.where(total > 0)


def _figure(figures: Figures, level: str, name: str, study: NeedStudy) -> pd.Series:
    frame = figures.get(level)
    if frame is None or name not in frame.columns:
        raise NotComputedError(
            f"L’étude {study.id} demande « {name} » ({level}), qui n’est pas chargé : lancez observatory ingest."
        )
    return frame[name].astype(float)


def _value(grouped: pd.DataFrame, indicator: Indicator) -> pd.Series:
    measure = indicator.measure
    ratio = grouped["over"] / grouped["under"].where(grouped["under"] > 0)
    if measure is not None and measure.growth_years is not None:
        return (ratio.pow(1.0 / measure.growth_years) - 1.0) * 100.0
    return ratio * (1.0 if measure is None else measure.scale)
