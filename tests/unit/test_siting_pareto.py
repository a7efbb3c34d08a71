"""The front of two aims against every choice of sites."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observatory.errors import UsageError
from observatory.siting import Aim, pareto


def true_front(values: list[tuple[float, float]]) -> list[tuple[float, float]]:
    best = {
        one for one in values if not any(other[0] <= one[0] and other[1] <= one[1] and other != one for other in values)
    }
    return sorted(best)


@settings(max_examples=150)
@given(st.integers(0, 2**32 - 1))
def test_the_front_is_that_of_all_choices(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 9)), int(rng.integers(2, 9))
    minutes = rng.integers(1, 30, (n, m)).astype(float)
    people, need = rng.integers(0, 6, n).astype(float), rng.integers(0, 4, n).astype(float)
    beyond = (minutes > 12).astype(float)
    existing = [0] if rng.random() < 0.5 else []
    free = [site for site in range(m) if site not in existing]
    p = int(rng.integers(1, len(free) + 1))
    values = []
    for new in itertools.combinations(free, p):
        sites = existing + list(new)
        travel, missed = people @ minutes[:, sites].min(axis=1), need @ beyond[:, sites].min(axis=1)
        values.append((float(travel), float(missed)))
    front = pareto(Aim(minutes, people), Aim(beyond, need), p, existing=existing)
    assert front.is_complete
    assert [each.values for each in front.compromises] == true_front(values)
    for each in front.compromises:
        sites = list(each.sites)
        assert sites[: len(existing)] == existing
        assert each.values == (people @ minutes[:, sites].min(axis=1), need @ beyond[:, sites].min(axis=1))


def test_a_compromise_that_no_weighted_sum_finds_is_there() -> None:
    # Three candidates worth (0, 10), (6, 6) and (10, 0): the middle one lies inside the corner of the other two.
    front = pareto(Aim([[0.0, 6.0, 10.0]], [1]), Aim([[10.0, 6.0, 0.0]], [1]), 1)
    assert [each.values for each in front.compromises] == [(0.0, 10.0), (6.0, 6.0), (10.0, 0.0)]
    assert [each.sites for each in front.compromises] == [(0,), (1,), (2,)]


def test_what_can_not_be_compared_is_said_in_french() -> None:
    assert "pôles sont demandés" in str(pareto(Aim(np.ones((1, 2)), [1]), Aim(np.ones((1, 2)), [1]), 3).reason)
    partial = np.array([[1.0, np.inf], [np.inf, 1.0]])
    assert "sans desserte" in str(pareto(Aim(partial, [1, 1]), Aim(partial, [1, 1]), 1).reason)
    priced = pareto(Aim(partial, [1, 1], 9.0), Aim(partial, [1, 0], 9.0), 1)
    assert [each.values for each in priced.compromises] == [(10.0, 1.0)]
    with pytest.raises(UsageError, match="mêmes sites candidats"):
        pareto(Aim(np.ones((1, 2)), [1]), Aim(np.ones((1, 3)), [1]), 1)
