"""From figures to scores at every level, on random territories: what adds up, and what each change of figures does."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from observatory.need import (
    Indicator,
    IndicatorTable,
    Measure,
    NeedStudy,
    Volume,
    Weight,
    aggregate,
    contributions,
    indicator_table,
    normalise,
    unit_weights,
    volume_counts,
)
from observatory.runs.need.need_run import NeedRun

UPPER = ("epci", "departement", "region")
LEVELS = ("commune", *UPPER)
COUNTS = ("unemployed", "active", "population")
quick = settings(max_examples=5)


def indicator(name: str, measure: Measure, *, weight: float, high: float) -> Indicator:
    return Indicator(id=name, label=name, direction=1, weight=weight, low=0.0, high=high, measure=measure)


STUDY = NeedStudy(
    id="random",
    indicators=(
        indicator("rate", Measure("ratio", "commune", "unemployed", over="active", scale=100.0), weight=0.5, high=30.0),
        indicator("old", Measure("weighted_mean", "iris", "old_pct", weight="iris"), weight=0.3, high=50.0),
        indicator("alone", Measure("weighted_mean", "iris", "alone_pct", weight="old"), weight=0.2, high=60.0),
    ),
    volume=Volume("count", "", "unemployed"),
    weights={
        "iris": Weight("iris", "", "iris", "population"),
        "old": Weight("old", "", "iris", "population", share="old_pct"),
    },
)


@dataclass(frozen=True, eq=False)
class Territory:
    """Communes with an EPCI and a département, IRIS within communes, and their figures."""

    communes: pd.DataFrame
    iris: pd.DataFrame

    def table(self, study: NeedStudy = STUDY) -> IndicatorTable:
        return indicator_table(
            study,
            figures={"commune": self.communes[list(COUNTS)], "iris": self.iris.drop(columns="commune")},
            parents={("iris", "commune"): self.iris["commune"], **self.parents()},
            population_count=self.communes["population"],
            levels=UPPER,
        )

    def parents(self) -> dict[tuple[str, str], pd.Series]:
        return {("commune", level): self.communes[level] for level in UPPER}

    def keys(self, level: str) -> pd.Series:
        return self.communes.index.to_series() if level == "commune" else self.communes[level]

    def volume(self, study: NeedStudy = STUDY) -> pd.Series:
        return volume_counts(
            study,
            figures={"commune": self.communes},
            indicators=self.table(study).indicators["commune"],
            population_count=self.communes["population"],
        )

    def times(self, factor: float) -> Territory:
        """Return the same places with every number of persons multiplied, every share as it was."""
        iris = self.iris.assign(population=self.iris["population"] * factor)
        return Territory(self.communes.assign(**{name: self.communes[name] * factor for name in COUNTS}), iris)

    def without(self, code: str) -> Territory:
        return Territory(self.communes.drop(index=code), self.iris[self.iris["commune"] != code])


@st.composite
def territories(draw: st.DrawFn) -> Territory:
    """One hypothesis example holds many communes: their figures are drawn from its seed, a tenth of them unknown."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(2, 40))
    codes = pd.Index([f"c{position}" for position in range(count)])
    home = np.repeat(codes, rng.integers(1, 4, count))
    iris = pd.DataFrame(
        {
            "population": rng.integers(0, 900, len(home)) * rng.integers(0, 10, len(home)).clip(0, 1).astype(float),
            "old_pct": np.where(rng.random(len(home)) < 0.1, np.nan, rng.uniform(0.5, 100.0, len(home))),
            "alone_pct": np.where(rng.random(len(home)) < 0.1, np.nan, rng.uniform(0.5, 100.0, len(home))),
            "commune": home,
        },
        index=[f"i{position}" for position in range(len(home))],
    )
    active = rng.integers(0, 500, count) * rng.integers(0, 10, count).clip(0, 1)
    unemployed = np.where(rng.random(count) < 0.1, np.nan, rng.integers(0, active + 1).astype(float))
    population = iris.groupby("commune")["population"].sum().reindex(codes)
    communes = pd.DataFrame(
        {"unemployed": unemployed, "active": active.astype(float), "population": population}, index=codes
    )
    communes["epci"] = rng.choice(["E1", "E2", "E3"], count)
    communes["departement"] = rng.choice(["14", "27"], count)
    return Territory(communes.assign(region="28"), iris)


def scores(table: IndicatorTable, level: str, study: NeedStudy = STUDY) -> pd.DataFrame:
    return aggregate(normalise(table.indicators[level], study), study)


@quick
@given(territories())
def test_contributions_and_sums_hold_at_every_level(territory: Territory) -> None:
    """The reasons make the score, and what an indicator is made of is the sum of its communes, whatever the level."""
    table, volume = territory.table(), territory.volume()
    for level in LEVELS:
        values, keys = table.indicators[level], territory.keys(level)
        normalised = normalise(values, STUDY)
        parts = contributions(normalised, STUDY).sum(axis="columns", skipna=False)
        np.testing.assert_allclose(parts, aggregate(normalised, STUDY)["score"], atol=1e-9)
        for name, sums in table.sums.items():
            grouped = sums.groupby(keys).sum()
            known = grouped["under"] > 0
            assert (values.loc[grouped.index, name].notna() == known).all()
            scale = 100.0 if name == "rate" else 1.0
            made = grouped["under"] * values.loc[grouped.index, name] / scale
            np.testing.assert_allclose(made[known], grouped["over"][known], rtol=1e-9, atol=1e-9)
        assert volume.groupby(keys).sum().sum() == volume.sum() == territory.communes["unemployed"].sum()
        assert table.covered_share[level].fillna(0.0).apply(lambda one: one.between(0.0, 1.0 + 1e-12)).all(axis=None)


@quick
@given(territories(), st.sampled_from([2.0, 4.0]))
def test_more_inhabitants_alike_change_no_intensity_and_multiply_the_volume(
    territory: Territory, factor: float
) -> None:
    """Twice the persons everywhere, the same shares: rates and scores stay to the last digit, volumes are doubled."""
    more = territory.times(factor)
    once, twice = territory.table(), more.table()
    for level in LEVELS:
        pd.testing.assert_frame_equal(once.indicators[level], twice.indicators[level], rtol=1e-12)
        pd.testing.assert_frame_equal(scores(once, level), scores(twice, level), rtol=1e-12)
        pd.testing.assert_frame_equal(once.covered_share[level], twice.covered_share[level], rtol=1e-12)
    assert more.volume().equals((territory.volume() * int(factor)).astype("Int64"))
    # Tonnes published for a département, divided by twice the inhabitants: half as many for each.
    per_head = [
        replace(STUDY.indicators[0], measure=Measure("ratio", "commune", "tonnes", over="population")),
    ]
    study = replace(STUDY, indicators=tuple(per_head), volume=None)
    tonnes = pd.Series(1.0, index=territory.communes.index)
    halved = [
        indicator_table(
            study,
            figures={"commune": place.communes.assign(tonnes=tonnes)},
            parents=place.parents(),
            population_count=place.communes["population"],
            levels=UPPER,
        )
        for place in (territory, more)
    ]
    for level in LEVELS:
        before, after = (one.indicators[level]["rate"] for one in halved)
        pd.testing.assert_series_equal(after * factor, before, rtol=1e-12)


@quick
@given(territories())
def test_a_commune_more_changes_no_other_commune_nor_any_group_it_is_not_in(territory: Territory) -> None:
    added = territory.communes.index[-1]
    before, after = territory.without(added).table(), territory.table()
    for level in LEVELS:
        kept = before.indicators[level].index.difference([territory.keys(level)[added]])
        found = scores(after, level).loc[kept]
        pd.testing.assert_frame_equal(found, scores(before, level).loc[kept])
        pd.testing.assert_frame_equal(after.indicators[level].loc[kept], before.indicators[level].loc[kept])
    volume = territory.volume()
    assert volume.drop(added).equals(territory.without(added).volume())


@quick
@given(territories(), st.sampled_from(["rate", "old", "alone"]))
def test_reversing_one_indicator_moves_the_score_by_what_it_weighs(territory: Territory, name: str) -> None:
    """n becomes 100 − n: the score gains its weight × (100 − 2 n), where it is known, and nothing elsewhere."""
    table = territory.table()
    reversed_study = replace(
        STUDY,
        indicators=tuple(replace(one, direction=-1) if one.id == name else one for one in STUDY.indicators),
    )
    for level in LEVELS:
        values = table.indicators[level]
        normalised = normalise(values, STUDY)
        weight = unit_weights(normalised, STUDY)[name]
        gained = (weight * (100.0 - 2.0 * normalised[name])).where(normalised[name].notna(), 0.0)
        usual = scores(table, level)["score"]
        found = scores(table, level, reversed_study)["score"]
        assert (found.isna() == usual.isna()).all()
        np.testing.assert_allclose(found.dropna(), (usual + gained).dropna(), atol=1e-9)


def test_what_is_missing_is_named_in_the_order_of_the_study_wherever_the_need_is_read_from() -> None:
    """The database keeps the keys of a document by length: a note must not say otherwise once read back."""
    parameters = {"indicators": [{"id": "long_name", "label": "Premier"}, {"id": "b", "label": "Second"}]}
    unknown, known = {"status": "missing"}, {"status": "observed"}
    index = pd.MultiIndex.from_tuples([("commune", "1"), ("commune", "2"), ("commune", "3")], names=["level", "code"])
    rows = pd.DataFrame(
        {
            "score": [50.0, np.nan, np.nan],
            "weight_share": [1.0, 0.0, 0.15],
            "components": [
                {"b": known, "long_name": known},
                {"b": unknown, "long_name": unknown},
                {"b": known, "long_name": unknown},
            ],
        },
        index=index,
    )
    notes = NeedRun("x", rows, parameters, []).notes.str.replace("\u202f", " ").tolist()
    assert notes == [
        None,
        (
            "Pas de score de besoin : on ne connaît que 0 % du poids des indicateurs ; inconnu ou sans objet : "
            "Premier, Second."
        ),
        "Pas de score de besoin : on ne connaît que 15 % du poids des indicateurs ; inconnu ou sans objet : Premier.",
    ]
