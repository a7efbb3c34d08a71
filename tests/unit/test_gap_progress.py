"""Progress of an objective, worked by hand; never guessed."""

import pytest

from observatory.gap.progress import Objective, progress
from observatory.gap.series import Point, Series


def series(*values, basis="own", first=2020):
    points = tuple(Point(str(first + place), value, "observed") for place, value in enumerate(values))
    return Series("x_count", "Chiffre", "personnes", basis, "epci", "E", "Essai", "", ("source",), points)


def aim(start=100.0, target=80.0, period="2020"):
    return Objective("epci", "E", "insertion", "x_count", start, period, target, "2027", "Délibération")


@pytest.mark.parametrize(
    ("values", "share", "status"),
    [
        ((100.0, 95.0), 0.25, "en_chemin"),
        ((100.0, 95.0, 75.0), 1.25, "atteint"),
        ((100.0, 110.0), -0.5, "en_recul"),
        ((100.0, 90.0, None), 0.5, "en_chemin"),
        ((100.0, 100.0), 0.0, "immobile"),
    ],
)
def test_the_last_published_figure_says_the_part_of_the_way(values, share, status):
    found = progress(aim(), [series(*values)])
    assert found.share == pytest.approx(share)
    assert found.status == status
    assert f" : {values[1] if len(values) < 3 or values[2] is None else values[2]:g} personnes en 202" in found.sentence


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ([], "pas publié à plusieurs dates"),
        ([series(100.0, 90.0, basis="around")], "zone plus large"),
        ([series(100.0, None)], "aucun chiffre n’est publié depuis"),
    ],
)
def test_without_a_figure_of_the_territory_progress_is_unknown(known, why):
    found = progress(aim(), known)
    assert (found.value, found.share, found.status) == (None, None, "inconnu")
    assert why in found.sentence


def test_a_start_that_is_not_the_published_figure_is_not_compared_with_it():
    found = progress(aim(start=120.0), [series(100.0, 90.0)])
    assert found.status == "inconnu"
    assert "n’est pas le chiffre publié à sa date (100)" in found.sentence
    assert progress(aim(start=100.4), [series(100.0, 90.0)]).status == "en_chemin"
    assert "pas de chiffre publié à sa date" in progress(aim(period="2019"), [series(100.0, 90.0)]).sentence
