"""Which figures of which communes are covered by secrecy, figure by figure, from the widest group to the narrowest.

Figures hold each other: among the persons of 75, those of 80; among these, those who live alone. Each is protected as
if the wider one were known as well as anyone can know it, so that crossing two figures says no more than each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from observatory.declared.reference import Secrecy
from observatory.gap.secrecy import Suppression, suppress

POPULATION = "population_count"
IRIS = "iris"
COMMUNE = "commune"


@dataclass(frozen=True)
class Rule:
    """How one figure is protected (``geodata/secrecy.toml``)."""

    figure: str
    threshold: int
    protection: int
    of: str | None = None
    """Persons that the figure is a share of, in %; None: it is a count."""
    cap: str | None = None
    """Figure that nobody ignores and that the count can't exceed."""
    linked_to: str | None = None
    """Figure whose hidden communes it shares."""
    is_public: bool = False
    """Whether its source is shown as it is: nothing of it is hidden, and anyone knows it."""


@dataclass(frozen=True, eq=False)
class HiddenFigure:
    """Where one figure is not shown."""

    rule: Rule
    counts: pd.Series
    """Persons by commune (``Int64``), NA where unknown."""
    cap_count: pd.Series
    suppression: Suppression
    iris: pd.Series
    """IRIS whose own share is not shown, indexed by IRIS; empty for a count of the commune."""
    beyond: pd.Series | None = None
    """Communes where it is not shown though the count it is linked to is: nobody counted, a share above 0."""

    @property
    def mask(self) -> pd.Series:
        """Communes where it is not shown."""
        return self.suppression.mask if self.beyond is None else self.suppression.mask | self.beyond


def rules(declared: Secrecy) -> tuple[Rule, ...]:
    """Read the rules, in the order declared: a cap comes before what it bounds."""
    found = []
    for figure, one in declared.figures.items():
        source = declared.sources.get(one.source)
        own = None if source is None else getattr(source, one.unit)
        threshold = getattr(declared.thresholds, one.unit) if own is None else own
        is_public = source is not None and source.diffusion != "restricted"
        found.append(Rule(figure, threshold, declared.protection.width, one.of, one.cap, one.linked_to, is_public))
    return tuple(found)


def inputs_of(wanted: set[str], known: Sequence[Rule]) -> set[str]:
    """Return every figure needed to protect ``wanted``: denominators, caps, theirs in turn; none if all is public."""
    by_name = {rule.figure: rule for rule in known}
    needed, waiting = set(), [name for name in wanted if name in by_name and not by_name[name].is_public]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            rule = by_name.get(name)
            waiting += [] if rule is None else [one for one in (rule.of, rule.cap, rule.linked_to) if one]
    return needed | ({POPULATION} if needed else set())


def hide(
    known: Sequence[Rule],
    figures: Mapping[str, pd.DataFrame],
    *,
    commune_of_iris: pd.Series,
    parents: pd.DataFrame,
    population_count: pd.Series,
) -> dict[str, HiddenFigure]:
    """Choose, for each figure that is loaded, the communes and IRIS where it is not shown.

    Parameters
    ----------
    known
        Rules, a cap before what it bounds.
    figures
        Level → one row per territory, one column per figure (``commune``, ``iris``).
    commune_of_iris
        Commune of each IRIS.
    parents
        Columns ``epci`` and ``departement``, indexed by commune.
    population_count
        Inhabitants by commune; its index is the list of communes that count.

    Returns
    -------
    dict
        By figure; what is public or not loaded is left out.
    """
    found: dict[str, HiddenFigure] = {}
    for rule in known:
        if rule.is_public:
            continue
        if rule.linked_to is not None and rule.linked_to in found:
            found[rule.figure] = _linked(rule, found[rule.linked_to], figures, commune_of_iris)
            continue
        shares = iris_counts(rule, known, figures, commune_of_iris)
        counts = _commune_counts(rule, shares, figures, commune_of_iris, population_count)
        if counts is None:
            continue
        public = _public_counts(rule.cap, known, figures, commune_of_iris, population_count)
        cap = _cap(rule, found, figures, population_count) if public is None else public
        iris, fragile = _hidden_iris(rule, shares, commune_of_iris, counts)
        also = _small(_by_commune(shares, commune_of_iris, counts.index), rule) | counts.index.isin(fragile)
        suppression = suppress(
            counts, parents, threshold=rule.threshold, protection=rule.protection, cap_count=cap, also_hidden=also
        )
        inside = commune_of_iris.reindex(iris.index).map(suppression.mask).fillna(value=False).astype(bool)
        found[rule.figure] = HiddenFigure(rule, counts, cap, suppression, iris | inside)
    return found


def iris_counts(
    rule: Rule, known: Sequence[Rule], figures: Mapping[str, pd.DataFrame], commune_of_iris: pd.Series
) -> pd.Series:
    """Return the persons behind a share at the IRIS; empty where the figure is no share of an IRIS."""
    iris = figures.get(IRIS, pd.DataFrame())
    if rule.of is None or rule.figure not in iris.columns:
        return pd.Series(dtype=float)
    if rule.of in iris.columns and not rule.of.endswith("_pct"):
        persons = iris[rule.of]
    elif rule.of.endswith("_pct"):
        wider = next(one for one in known if one.figure == rule.of)
        persons = iris_counts(wider, known, figures, commune_of_iris)
    else:
        persons = _spread(figures[COMMUNE].get(rule.of), iris[POPULATION], commune_of_iris)
    return (iris[rule.figure] * persons.reindex(iris.index) / 100.0).dropna()


def _spread(persons: pd.Series | None, key: pd.Series, commune_of_iris: pd.Series) -> pd.Series:
    if persons is None:
        return pd.Series(dtype=float)
    commune = commune_of_iris.reindex(key.index)
    return commune.map(persons) * key / key.groupby(commune).transform("sum")


def _by_commune(shares: pd.Series, commune_of_iris: pd.Series, index: pd.Index[str]) -> pd.Series:
    return shares.groupby(commune_of_iris.reindex(shares.index)).sum(min_count=1).reindex(index)


def _whole(persons: pd.Series) -> pd.Series:
    return ((persons + 0.5) // 1.0).astype("Int64")


def _small(persons: pd.Series, rule: Rule) -> pd.Series:
    whole = _whole(persons.fillna(0.0))
    return ((whole > 0) & (whole < rule.threshold)).astype(bool)


def _commune_counts(
    rule: Rule,
    shares: pd.Series,
    figures: Mapping[str, pd.DataFrame],
    commune_of_iris: pd.Series,
    population_count: pd.Series,
) -> pd.Series | None:
    """Return the whole persons of each commune; a share of the population is one of its legal population."""
    communes = figures.get(COMMUNE, pd.DataFrame())
    if rule.of is None:
        if rule.figure not in communes.columns:
            return None
        return _whole(communes[rule.figure].reindex(population_count.index))
    if shares.empty:
        return None
    if rule.of != POPULATION:
        return _whole(_by_commune(shares, commune_of_iris, population_count.index))
    iris = figures[IRIS]
    # The same operations, in the same order, as the indicator and the volume of a need: the same rounding.
    pair = pd.DataFrame({"over": iris[rule.figure] * iris[POPULATION], "under": iris[POPULATION]}).dropna()
    pair = pair.groupby(commune_of_iris.reindex(pair.index)).sum().reindex(population_count.index)
    share = pair["over"] / pair["under"].where(pair["under"] > 0)
    return _whole(share / 100.0 * population_count.astype(float))


def _public_counts(
    figure: str | None,
    known: Sequence[Rule],
    figures: Mapping[str, pd.DataFrame],
    commune_of_iris: pd.Series,
    population_count: pd.Series,
) -> pd.Series | None:
    """Return the counts of a figure that is shown as it is, which bound those within it; None if it isn't one."""
    rule = next((one for one in known if one.figure == figure and one.is_public), None)
    if rule is None:
        return None
    shares = iris_counts(rule, known, figures, commune_of_iris)
    counts = _commune_counts(rule, shares, figures, commune_of_iris, population_count)
    return None if counts is None else counts.astype("Float64").fillna(population_count.astype("Float64"))


def _cap(
    rule: Rule,
    found: Mapping[str, HiddenFigure],
    figures: Mapping[str, pd.DataFrame],
    population_count: pd.Series,
) -> pd.Series:
    """Return the most that anyone knows each count to be: what is published of its cap, or what is deduced of it."""
    if rule.cap in found:
        hidden = found[str(rule.cap)]
        counts = hidden.counts.astype("Float64")
        return counts.where(~hidden.mask, hidden.suppression.intervals["high"].reindex(counts.index))
    communes = figures.get(COMMUNE, pd.DataFrame())
    if rule.cap in communes.columns and rule.cap != POPULATION:
        return communes[rule.cap].reindex(population_count.index).round().astype("Float64")
    return population_count.astype("Float64")


def _hidden_iris(
    rule: Rule, shares: pd.Series, commune_of_iris: pd.Series, counts: pd.Series
) -> tuple[pd.Series, list[str]]:
    """Return the IRIS whose own share gives a small count or protects one, and the communes that can't protect theirs.

    A commune of a single IRIS is treated as the commune that it is.
    """
    hidden = pd.Series(data=False, index=shares.index)
    commune = commune_of_iris.reindex(shares.index)
    small = _small(shares, rule)
    several = commune.map(commune.value_counts()) > 1
    concerned = commune[small & several].unique()
    cells = shares[commune.isin(concerned).to_numpy()]
    hidden |= small  # those beyond the communes that count have no total published here
    if cells.empty:
        return hidden, []
    found = suppress(
        _whole(cells), commune.reindex(cells.index).to_frame(COMMUNE), threshold=rule.threshold,
        protection=rule.protection,
    )  # fmt: skip
    hidden |= found.mask.reindex(hidden.index, fill_value=False)
    return hidden, [code for code in found.withheld_totals.get(COMMUNE, []) if code in counts.index]


def _linked(
    rule: Rule, other: HiddenFigure, figures: Mapping[str, pd.DataFrame], commune_of_iris: pd.Series
) -> HiddenFigure:
    """Hide a share where the count it is linked to is hidden, and where it says that somebody was missed by the count.

    Two vintages of a census disagree: a commune without unemployed in one has a share of them in the other, and all the
    more is known of its few active persons.
    """
    iris = figures.get(IRIS, pd.DataFrame())
    own = pd.Series(data=False, index=iris.index)
    commune = commune_of_iris.reindex(iris.index)
    beyond = pd.Series(data=False, index=other.counts.index)
    if rule.figure in iris.columns:
        persons = iris_counts(rule, (rule,), figures, commune_of_iris)
        own |= _small(persons, rule).reindex(own.index, fill_value=False)
        is_nobody = ~(other.counts.astype("Float64") > 0).fillna(value=False).astype(bool)
        beyond |= is_nobody & is_nobody.index.isin(commune[iris[rule.figure] > 0].dropna())
    inside = commune.map(other.mask | beyond).fillna(value=False).astype(bool)
    return HiddenFigure(rule, other.counts, other.cap_count, other.suppression, own | inside, beyond)
