"""What may be said of a territory with the members of another analysis, secrecy kept."""

import numpy as np
import pandas as pd

from observatory.runs.need.member_change import may_be_told

BEFORE = {"a": frozenset({"1", "2"}), "b": frozenset({"3"}), "c": frozenset({"4", "5"})}
AFTER = {"a": frozenset({"1"}), "b": frozenset({"2", "3"}), "c": frozenset({"4"}), "d": frozenset({"5"})}


def told(values, published, hidden):
    frames = [pd.DataFrame({"x": one}, index=list("abcd")).astype(float) for one in (values, published)]
    return may_be_told(*frames, (BEFORE, AFTER), hidden).tolist()


def test_a_hidden_commune_that_came_or_went_is_not_told():
    """Commune 2 goes from a to b, 5 from c to d."""
    assert told([1, 2, 3, 4], [5, 6, 7, 8], set()) == [True] * 4
    assert told([1, 2, 3, 4], [5, 6, 7, 8], {"2"}) == [False, False, True, True]
    assert told([1, 2, 3, 4], [5, 6, 7, 8], {"1", "3", "4"}) == [True] * 4


def test_what_is_published_already_stays_told():
    assert told([1, 2, 3, np.nan], [1, 2.1, 3, np.nan], {"2", "5"}) == [True, False, True, True]
    assert told([1, np.nan, 3, 4], [1, 2, np.nan, 4], {"2", "5"}) == [True, False, False, True]
