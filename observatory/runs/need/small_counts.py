"""Secrecy of small counts, applied once to a need before anything is worked out from it: every channel comes after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import pandas as pd
from sqlalchemy import Connection

from observatory.declared.reference import secrecy
from observatory.gap.hidden import COMMUNE, IRIS, HiddenFigure, Rule, hide, inputs_of, rules
from observatory.gap.secrecy import stand_ins, suppress
from observatory.need import IndicatorTable, NeedStudy
from observatory.runs.loaded_inputs import DEMAND_LEVEL, Inputs, read_figures, read_inputs

TREES: Final = ("epci", "departement")
WITHHELD: Final = "retenu"
PARENT_DECIMALS: Final = 1
"""Digits of a protected share above the commune (convention de l'observatoire): finer, it would be a second total of
the same persons, counted in another year than the first."""


@dataclass(frozen=True, eq=False)
class Protected:
    """A need whose small counts have been replaced, and what is not to be shown of it."""

    table: IndicatorTable
    """Indicators of the communes: those that are hidden are estimates made of what is published."""
    volume: pd.Series
    """Persons by commune (``Int64``), estimates where they are hidden; every published total is kept exactly."""
    figures: Mapping[str, HiddenFigure]
    """By indicator."""
    volume_figure: HiddenFigure | None
    """None where the volume is public: inhabitants, or a count that its producer publishes."""

    def hides_volume(self, level: str, codes: pd.Index[str]) -> pd.Series:
        """Return whether the volume of each territory is hidden."""
        return pd.Series(data=False, index=codes) if self.volume_figure is None else _hides(
            self.volume_figure, level, codes
        )  # fmt: skip

    def hides(self, indicator: str, level: str, codes: pd.Index[str]) -> pd.Series:
        """Return whether an indicator of each territory is hidden."""
        figure = self.figures.get(indicator)
        return pd.Series(data=False, index=codes) if figure is None else _hides(figure, level, codes)


def _hides(figure: HiddenFigure, level: str, codes: pd.Index[str]) -> pd.Series:
    if level == DEMAND_LEVEL:
        return figure.mask.reindex(codes, fill_value=False)
    return pd.Series(codes.isin(figure.suppression.withheld_totals.get(level, [])), index=codes)


def declared_rules() -> tuple[Rule, ...]:
    """Return the rules of ``geodata/secrecy.toml``."""
    return rules(secrecy())


def figure_names(wanted: set[str]) -> set[str]:
    """Return the figures to read beside those of a need to protect it."""
    return inputs_of(wanted, declared_rules())


def protect(
    need: NeedStudy, table: IndicatorTable, volume: pd.Series, *, figures: Mapping[str, pd.DataFrame], inputs: Inputs
) -> Protected:
    """Replace the small counts of a need, and enough of their neighbours, by estimates made of what is published.

    Parameters
    ----------
    table, volume
        As worked out from the figures.
    figures
        Level → figures, those of `figure_names` included.

    Notes
    -----
    What the sources don't declare is protected all the same: the volume of any study, under the general threshold.
    What is published is what it is: nothing stands in for it.
    """
    measured = {one.id: one.measure.figure for one in need.indicators if one.measure is not None}
    wanted = figure_names(set(measured.values()))
    found = hide(
        [rule for rule in declared_rules() if rule.figure in wanted],
        figures,
        commune_of_iris=inputs.parents.get((IRIS, COMMUNE), pd.Series(dtype=str)),
        parents=parents_of(inputs),
        population_count=inputs.population_count,
    )
    volume_figure = _volume_figure(need, measured, volume, found, inputs)
    if volume_figure is not None:
        found[volume_figure.rule.figure] = volume_figure
    by_indicator = {name: found[figure] for name, figure in measured.items() if figure in found}
    estimates = {name: _estimates(figure, inputs) for name, figure in found.items()}
    values = _replaced(need, table, by_indicator, estimates, found, figures=figures, inputs=inputs)
    shown = volume if volume_figure is None else estimates[volume_figure.rule.figure]
    return Protected(replace(table, indicators=values), shown, by_indicator, volume_figure)


def parents_of(inputs: Inputs) -> pd.DataFrame:
    """Return the two parents of each commune that counts."""
    index = inputs.population_count.index
    return pd.DataFrame({name: inputs.parents[DEMAND_LEVEL, name].reindex(index) for name in TREES}, index=index)


def _volume_figure(
    need: NeedStudy, measured: Mapping[str, str], volume: pd.Series, found: Mapping[str, HiddenFigure], inputs: Inputs
) -> HiddenFigure | None:
    if need.volume is None or need.volume.kind == "population":
        return None
    figure = need.volume.indicator if need.volume.kind == "count" else measured[need.volume.indicator]
    if _is_public(figure):
        return None
    known = found.get(figure)
    if known is not None and known.counts.equals(volume):
        return known
    rule = Rule(figure, secrecy().thresholds.persons, secrecy().protection.width)
    cap = inputs.population_count.astype("Float64")
    suppression = suppress(
        volume, parents_of(inputs), threshold=rule.threshold, protection=rule.protection, cap_count=cap,
        also_hidden=None if known is None else known.mask,
    )  # fmt: skip
    return HiddenFigure(rule, volume, cap, suppression, pd.Series(dtype=bool))


def _is_public(figure: str) -> bool:
    declared = secrecy()
    return figure in declared.public or any(rule.figure == figure and rule.is_public for rule in rules(declared))


def _estimates(figure: HiddenFigure, inputs: Inputs) -> pd.Series:
    return stand_ins(
        figure.counts,
        figure.suppression,
        parents_of(inputs),
        threshold=figure.rule.threshold,
        cap_count=figure.cap_count,
    )


def _replaced(
    need: NeedStudy,
    table: IndicatorTable,
    hidden: Mapping[str, HiddenFigure],
    estimates: Mapping[str, pd.Series],
    found: Mapping[str, HiddenFigure],
    *,
    figures: Mapping[str, pd.DataFrame],
    inputs: Inputs,
) -> dict[str, pd.DataFrame]:
    """Return the indicators by level: estimates where communes are hidden, protected shares rounded above them."""
    values = {level: frame.copy() for level, frame in table.indicators.items()}
    communes = values[DEMAND_LEVEL]
    for indicator in need.indicators:
        figure, measure = hidden.get(indicator.id), indicator.measure
        if figure is None or measure is None:
            continue
        if measure.kind == "ratio":
            over = figures[DEMAND_LEVEL][measure.over or ""].reindex(communes.index)
            estimate = estimates[figure.rule.figure].astype(float) / over.where(over > 0) * measure.scale
        elif figure.rule.linked_to is not None:
            estimate = _pooled(table.sums[indicator.id], figure, parents_of(inputs)["epci"])
            # Alone of its kind in its EPCI, a commune would be its own mean.
            mean_of_all = values["region"][indicator.id].round(PARENT_DECIMALS)
            estimate = estimate.fillna(inputs.parents[DEMAND_LEVEL, "region"].map(mean_of_all))
        else:
            wider = figure.rule.of
            persons = estimates[wider] if wider is not None and wider in found else inputs.population_count
            persons = persons.reindex(communes.index).astype(float)
            estimate = (100.0 * estimates[figure.rule.figure].astype(float) / persons.where(persons > 0)).clip(
                upper=100.0
            )
        mask = figure.mask.reindex(communes.index) & communes[indicator.id].notna()
        communes[indicator.id] = communes[indicator.id].mask(mask, estimate)
        for level in values.keys() - {DEMAND_LEVEL}:
            column = values[level][indicator.id]
            column = column if measure.kind == "ratio" else column.round(PARENT_DECIMALS)
            keys = inputs.parents[DEMAND_LEVEL, level].reindex(communes.index)
            mean = _weighted_mean(communes[indicator.id], table.sums[indicator.id]["under"], keys)
            values[level][indicator.id] = column.mask(_hides(figure, level, column.index), mean.reindex(column.index))
    return values


def _weighted_mean(values: pd.Series, weights: pd.Series, keys: pd.Series) -> pd.Series:
    weight = weights.where(values.notna(), 0.0)
    total = weight.groupby(keys).sum()
    return (values.fillna(0.0) * weight).groupby(keys).sum() / total.where(total > 0)


def _pooled(sums: pd.DataFrame, figure: HiddenFigure, epci: pd.Series) -> pd.Series:
    """Return the mean of the hidden communes of each one's EPCI, or of all those whose total is withheld.

    NaN where the count that the figure is linked to hides none of them.
    """
    group = epci.where(~epci.isin(figure.suppression.withheld_totals.get("epci", [])), WITHHELD)
    hidden = sums[figure.mask.reindex(sums.index)]
    pooled = hidden.groupby(group.reindex(hidden.index))[["over", "under"]].sum()
    several = group[figure.suppression.mask.reindex(group.index)].unique()
    mean = pooled["over"] / pooled["under"].where(pooled["under"] > 0)
    return group.map(mean[mean.index.isin(several)])


def stored(protected: Protected) -> dict[str, Any]:
    """Return what a run keeps of its secrecy: who is hidden, and the estimates that other runs go on with."""
    figure = protected.volume_figure
    volume = {} if figure is None else protected.volume[figure.mask].to_dict()
    values: dict[str, dict[str, dict[str, float]]] = {}
    for level, frame in protected.table.indicators.items():
        for name in protected.figures:
            mask = protected.hides(name, level, frame.index) & frame[name].notna()
            for code, value in frame.loc[mask, name].items():
                values.setdefault(level, {}).setdefault(str(code), {})[name] = float(value)
    return {
        "is_public": figure is None,
        "threshold": None if figure is None else figure.rule.threshold,
        "hidden_count": len(volume),
        "withheld": {} if figure is None else figure.suppression.withheld_totals,
        "volume_estimates": {code: int(value) for code, value in volume.items()},
        "value_estimates": values,
    }


def published(connection: Connection, values: pd.DataFrame) -> pd.DataFrame:
    """Return figures as anyone may receive them: those that secrecy covers emptied, with the status that says so.

    Parameters
    ----------
    values
        ``level, code, indicator, period, value, status`` and what else there is, in any order.

    Notes
    -----
    The communes and IRIS hidden are those of the latest period, in every period, and whatever is small in its own.
    """
    known = declared_rules()
    if all(rule.is_public for rule in known):
        return values
    inputs = read_inputs(connection)
    figures = dict(read_figures(connection, inputs_of({rule.figure for rule in known}, known)).by_level)
    found = hide(
        known,
        figures,
        commune_of_iris=inputs.parents.get((IRIS, COMMUNE), pd.Series(dtype=str)),
        parents=parents_of(inputs),
        population_count=inputs.population_count,
    )
    is_hidden = pd.Series(data=False, index=values.index)
    for name, figure in found.items():
        own = values["indicator"] == name
        is_hidden |= own & (values["level"] == IRIS) & values["code"].isin(figure.iris.index[figure.iris])
        is_hidden |= own & (values["level"] == COMMUNE) & values["code"].isin(figure.mask.index[figure.mask])
        if figure.rule.of is None:
            is_hidden |= own & (values["value"] > 0) & (values["value"] < figure.rule.threshold - 0.5)
    is_hidden &= values["value"].notna()
    return values.assign(
        value=values["value"].mask(is_hidden), status=values["status"].mask(is_hidden, "suppressed")
    )  # fmt: skip


def without_small_places(connection: Connection, series: pd.DataFrame, *, level: str, code: str) -> pd.DataFrame:
    """Leave out of a territory's series the protected figures that would give the count of one commune.

    Parameters
    ----------
    series
        ``basis`` (``own``: the territory's own figures; ``communes``: of its communes), ``level, code, indicator,
        period, value`` and what else there is.
    level, code
        The territory.

    Notes
    -----
    A commune's own figures go: their earlier years have no secrecy. The sum of communes stays where it is a total that
    the secrecy counts with, of all of them at every period, and is not withheld: any other sum, less a total, could be
    a commune.
    """
    protected = series["indicator"].isin({rule.figure for rule in declared_rules() if not rule.is_public})
    is_own = protected & (series["basis"] == "own") & series["level"].isin([COMMUNE, IRIS])
    summed = protected & (series["basis"] == "communes")
    if summed.any():
        kept = _summed_whole(connection, series[summed], level=level, code=code)
        summed &= ~series["indicator"].isin(kept)
    return series[~(is_own | summed)]


def _summed_whole(connection: Connection, series: pd.DataFrame, *, level: str, code: str) -> set[str]:
    """Return the protected figures whose sum over a territory's communes is one of the totals that are published."""
    if level not in {*TREES, "region"}:
        return set()
    inputs = read_inputs(connection)
    parent = inputs.parents[DEMAND_LEVEL, level].reindex(inputs.population_count.index)
    members = set(parent.index[parent == code])
    wanted = figure_names(set(series["indicator"]))
    hidden = hide(
        [rule for rule in declared_rules() if rule.figure in wanted],
        read_figures(connection, wanted).by_level,
        commune_of_iris=inputs.parents.get((IRIS, COMMUNE), pd.Series(dtype=str)),
        parents=parents_of(inputs),
        population_count=inputs.population_count,
    )
    found = set()
    for name, rows in series.groupby("indicator"):
        table = rows.pivot_table(index="code", columns="period", values="value", aggfunc="first")
        figure = hidden.get(str(name))
        if figure is None or code in figure.suppression.withheld_totals.get(level, []):
            continue
        if set(table.dropna().index) == members & set(figure.counts.dropna().index):
            found.add(str(name))
    return found
