"""Series of a territory: what is summed, what is left out, what is only around; worked by hand."""

import pandas as pd
import pytest

from observatory.gap.series import series_of, value_at

COLUMNS = ["basis", "level", "code", "name", "indicator", "label", "unit", "period", "value", "status", "source_id"]


def rows(basis, level, code, indicator, values):
    return [
        [basis, level, code, f"Nom {code}", indicator, indicator, "unité", period, value, "observed", "source"]
        for period, value in zip(("2023", "2024"), values, strict=True)
    ]


@pytest.fixture
def found():
    figures = pd.DataFrame(
        [
            *rows("communes", "commune", "A", "seekers_count", [100.0, 90.0]),
            *rows("communes", "commune", "B", "seekers_count", [50.0, 70.0]),
            *rows("communes", "commune", "C", "seekers_count", [30.0, float("nan")]),
            *rows("communes", "commune", "A", "rate_pct", [5.0, 6.0]),
            *rows("around", "zone_emploi", "Z", "rate_pct", [7.0, 8.0]),
            *rows("own", "epci", "E", "other_count", [1.0, 2.0]),
            *rows("communes", "commune", "A", "other_count", [9.0, 9.0]),
        ],
        columns=COLUMNS,
    )
    return series_of(figures, level="epci", code="E", name="Essai", commune_count=4)


def test_a_sum_holds_the_same_communes_at_every_period_and_says_how_many(found):
    summed = next(one for one in found if one.indicator == "seekers_count")
    assert [point.value for point in summed.points] == [150.0, 160.0]
    assert summed.change == 10.0
    assert summed.note == "Somme de 2 communes sur 4, les seules dont la série est publiée en entier."
    assert value_at(summed, "2024") == 160.0
    assert value_at(summed, "2025") is None


def test_rates_are_never_summed_and_a_zone_around_is_not_the_territory(found):
    rates = [one for one in found if one.indicator == "rate_pct"]
    assert [(one.basis, one.place_code) for one in rates] == [("around", "Z")]
    assert "ce n’est pas celui du territoire" in rates[0].note


def test_the_territorys_own_figure_comes_first_and_hides_the_sum(found):
    assert found[0].basis == "own"
    assert [point.value for point in found[0].points] == [1.0, 2.0]
    assert sum(one.indicator == "other_count" for one in found) == 1
