"""LSCP: open as few new sites as possible so that every unit is covered (Toregas and others 1971)."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy import sparse

from observatory.siting.question.checked_inputs import as_allowed, as_deadline, as_sites
from observatory.siting.solvers.cover import smallest_cover
from observatory.siting.solvers.effort import USUAL, Effort
from observatory.siting.solvers.incidence import as_incidence, covered_by
from observatory.siting.solvers.mclp import first_cover
from observatory.siting.solvers.p_median import TOLERANCE
from observatory.siting.solvers.solution import Solution, infeasible, solved


def lscp(
    covers: Any,  # noqa: ANN401 - dense or any scipy.sparse matrix
    *,
    existing: Iterable[int] = (),
    allowed: Iterable[int] | None = None,
    time_limit_s: float = 60,
    tolerance: float = TOLERANCE,
    seed: int = 0,
    effort: Effort = USUAL,
) -> Solution:
    """Open the fewest new sites that, with the existing ones, cover every unit.

    Parameters
    ----------
    covers
        Boolean ``(n_demand, n_candidates)``, as in :func:`observatory.siting.mclp`.
    existing
        Candidate positions already open; they are free and not counted.
    allowed
        Positions where a new site may open; all when ``None``.
    time_limit_s, tolerance, seed, effort
        As in :func:`observatory.siting.p_median`; the seed drives the local search.

    Returns
    -------
    Solution
        ``objective`` is the number of **new** sites, ``bound`` a proved lower bound on it (a whole number).

    Raises
    ------
    UsageError
        If the arguments don't fit together.
    """
    began = time.perf_counter()
    incidence = as_incidence(covers)
    sites = as_sites(existing, incidence.shape[1])
    free = as_allowed(allowed, sites, incidence.shape[1])
    rest = ~covered_by(incidence, sites)
    part = sparse.csr_array(incidence[rest][:, free])
    lost = np.flatnonzero(rest)[np.diff(part.indptr) == 0]
    if lost.size:
        return infeasible(incidence.shape[0], out_of_reach(lost), seed=seed, elapsed_s=time.perf_counter() - began)
    cover = smallest_cover(part, deadline=as_deadline(began, time_limit_s), seed=seed, effort=effort)
    chosen = sites + tuple(int(j) for j in free[cover.columns])
    return solved(
        chosen,
        first_cover(incidence, chosen),
        float(cover.columns.size),
        float(cover.bound),
        seed=seed,
        elapsed_s=time.perf_counter() - began,
        tolerance=tolerance,
    )


def out_of_reach(lost: np.ndarray) -> str:
    """Return the French sentence that names the units that no site covers."""
    shown = 5
    first = ", ".join(str(int(i)) for i in lost[:shown]) + ("…" if lost.size > shown else "")
    return (
        f"{lost.size} unité(s) de demande ne sont à portée d’aucun site, existant ou candidat (positions {first}) : "
        "élargissez la liste des candidats ou relevez le seuil."
    )
