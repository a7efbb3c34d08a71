"""A question that was given up stops: before a search, and inside HiGHS long before its time limit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from observatory.siting.solvers import interruption
from observatory.siting.solvers.interruption import GivenUpError, watched
from observatory.siting.solvers.milp import Model, minimise


def hard_cover(n: int = 300) -> Model:
    """A random set cover that HiGHS does not close in a minute."""
    covers = (np.random.default_rng(0).random((n, n)) < 0.03).astype(float)
    return Model(
        np.ones(n), sparse.csr_array(covers), np.ones(n), np.full(n, np.inf), np.zeros(n), np.ones(n), np.ones(n, bool)
    )


def test_highs_stops_when_the_question_is_given_up_while_it_runs() -> None:
    asked = []

    def is_given_up() -> bool:
        asked.append(None)
        return len(asked) > 20  # the look before the run is the first

    with watched(is_given_up), pytest.raises(GivenUpError):
        minimise(hard_cover(), time_limit_s=3600, tolerance=1e-6, seed=0)
    assert len(asked) > 20


def test_nobody_watches_outside_the_block() -> None:
    with watched(lambda: True), pytest.raises(GivenUpError):
        interruption.check()
    interruption.check()
    assert interruption.watcher() is None
    one = np.ones(1)
    model = Model(one, sparse.csr_array(np.ones((1, 1))), one, one, np.zeros(1), one, np.ones(1, bool))
    assert minimise(model, time_limit_s=10, tolerance=1e-6, seed=0).objective == 1.0
