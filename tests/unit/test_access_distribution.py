"""Inequality and poverty of access, worked by hand."""

import math

import numpy as np
import pytest

from observatory.access.distribution import concentration_index, fgt, gini, palma, theil
from observatory.errors import UsageError


def test_gini_by_hand() -> None:
    # Two halves, one with everything: the Lorenz curve is flat then rises, area 1/4, Gini 1/2.
    assert gini([0.0, 8.0], [50, 50]) == pytest.approx(0.5)
    assert gini([3.0, 3.0, 3.0], [1, 20, 300]) == pytest.approx(0.0)
    assert gini([8.0, 0.0], [50, 50]) == gini([0.0, 8.0], [50, 50])
    assert math.isnan(gini([0.0, 0.0], [1, 1]))


def test_theil_by_hand() -> None:
    assert theil([0.0, 8.0], [50, 50]) == pytest.approx(math.log(2))
    assert theil([5.0, 5.0], [10, 90]) == pytest.approx(0.0)


def test_palma_by_hand() -> None:
    # Ten units of one person, income 1 … 10: the poorest 40 % are the first four, the richest 10 % the last.
    access = [1.0, 1.0, 1.0, 5.0, 9.0, 9.0, 9.0, 9.0, 9.0, 6.0]
    assert palma(access, np.ones(10), np.arange(1, 11)) == pytest.approx(6.0 / 2.0)


def test_palma_leaves_out_units_without_income_or_people() -> None:
    access = [1.0, 1.0, 1.0, 5.0, 9.0, 9.0, 9.0, 9.0, 9.0, 6.0, 1000.0, 1000.0]
    people = [1.0] * 10 + [7.0, 0.0]
    assert palma(access, people, [*range(1, 11), np.nan, 99.0]) == pytest.approx(3.0)


def test_concentration_index_by_hand() -> None:
    # Two halves: ranks 1/4 and 3/4; all the access to the richest half gives 1/2, to the poorest −1/2.
    assert concentration_index([0.0, 4.0], [1, 1], [10, 20], kind="standard") == pytest.approx(0.5)
    assert concentration_index([4.0, 0.0], [1, 1], [10, 20], kind="standard") == pytest.approx(-0.5)
    assert concentration_index([0.0, 4.0], [1, 1], [10, 20]) == pytest.approx(1.0)
    assert math.isnan(concentration_index([4.0, 4.0], [1, 1], [10, 20]))


def test_fgt_by_hand() -> None:
    # Line 10: 30 persons lack half, 20 lack all, 50 are exactly on the line and lack nothing.
    result = fgt([5.0, 0.0, 10.0], [30, 20, 50], line=10)
    assert (result.headcount, result.depth, result.severity) == pytest.approx((0.5, 0.35, 0.275))


def test_fgt_refuses_what_has_no_meaning() -> None:
    with pytest.raises(UsageError, match="ligne"):
        fgt([1.0], [1.0], line=0)
    with pytest.raises(UsageError, match="population"):
        fgt([1.0], [0.0], line=1)
