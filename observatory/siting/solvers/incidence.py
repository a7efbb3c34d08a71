"""Who could be covered by what: checks and reductions of coverage incidences that keep an optimal choice of sites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from scipy import sparse

from observatory.errors import UsageError
from observatory.siting.solvers.solution import Booleans, Floats, Indices
from observatory.siting.solvers.sorted_rows import Columns

Incidence = sparse.csr_array[Any, tuple[int, int]]
"""``(n_units, n_sites)`` of int32 ones, sorted, nothing stored where the site does not cover the unit."""

_COMPARISONS_MAX = 500_000_000
"""Elementary comparisons after which the dominance not yet found is left in: a few seconds (convention)."""
_CONTAINING, _CONTAINED = 0, 1


def as_incidence(covers: Any) -> Incidence:  # noqa: ANN401 - dense or any scipy.sparse matrix
    """Return a coverage incidence; dense boolean or sparse, where a stored false (or zero) is no coverage.

    Raises
    ------
    UsageError
        If it is not a matrix, or holds something else than true, false or defined numbers.
    """
    matrix: Any = covers if sparse.issparse(covers) else np.asarray(covers)
    if len(matrix.shape) != 2:
        raise UsageError("La matrice de couverture doit avoir deux dimensions : unités de demande × sites candidats.")
    if matrix.dtype.kind not in "biuf":
        raise UsageError("La matrice de couverture dit vrai ou faux, ou 1 ou 0, de chaque paire.")
    pairs: Any = sparse.coo_array(matrix)
    if np.isnan(pairs.data).any():
        raise UsageError("Une couverture est indéfinie : dites vrai ou faux, ou 1 ou 0, de chaque paire.")
    kept = pairs.data != 0
    row, column = pairs.coords[0][kept], pairs.coords[1][kept]
    out = sparse.csr_array((np.ones(row.size, np.int32), (row, column)), shape=pairs.shape)
    out.data[:] = 1  # the same pair given twice is still one coverage
    out.sort_indices()
    return out


def covered_by(incidence: Incidence, sites: Any) -> Booleans:  # noqa: ANN401 - any sequence of positions
    """Tell which units at least one of the sites covers."""
    open_sites = np.zeros(incidence.shape[1], np.int32)
    open_sites[np.asarray(list(sites), np.int64)] = 1
    return np.asarray(incidence @ open_sites) > 0


def merge_units(incidence: Incidence, weight: Floats) -> tuple[Incidence, Floats]:
    """Return the incidence with units covered by the same sites merged into one, their weights added."""
    place: dict[bytes, int] = {}
    group = np.empty(incidence.shape[0], np.int64)
    first: list[int] = []
    for i in range(incidence.shape[0]):
        key = incidence.indices[incidence.indptr[i] : incidence.indptr[i + 1]].tobytes()
        if key not in place:
            place[key] = len(first)
            first.append(i)
        group[i] = place[key]
    summed = np.bincount(group, weights=weight, minlength=len(first)).astype(np.float64)
    return sparse.csr_array(incidence[np.asarray(first, np.int64)]), summed


@njit(cache=True, nogil=True)
def _is_subset(small: Columns, large: Columns) -> bool:
    """Tell whether a sorted list is part of another."""
    place = 0
    for member in small:
        while place < large.size and large[place] < member:
            place += 1
        if place == large.size or large[place] != member:
            return False
    return True


@njit(cache=True, nogil=True)
def _redundant(
    start: Indices, member: Columns, holder_start: Indices, holder: Columns, which: int, most: int
) -> Booleans:
    """Tell which sets contain another, or are part of another; of equal ones all but the first.

    Parameters
    ----------
    start, member
        The sets in compressed form, members rising.
    holder_start, holder
        The sets that hold each member.
    which
        :data:`_CONTAINING` or :data:`_CONTAINED`.
    most
        Comparisons after which the sets not yet told are left.
    """
    told, done, drops_larger = np.zeros(start.size - 1, np.bool_), 0, which == _CONTAINING
    for s in range(told.size):
        if told[s] or start[s] == start[s + 1]:
            continue
        small, rarest = member[start[s] : start[s + 1]], member[start[s]]
        for k in small:
            if holder_start[k + 1] - holder_start[k] < holder_start[rarest + 1] - holder_start[rarest]:
                rarest = k
        for a in range(holder_start[rarest], holder_start[rarest + 1]):
            other = holder[a]
            more = (start[other + 1] - start[other]) - small.size
            is_first = s < other if drops_larger else other < s
            if other == s or more < 0 or (more == 0 and not is_first) or (drops_larger and told[other]):
                continue
            done += small.size
            if done > most:
                return told
            if _is_subset(small, member[start[other] : start[other + 1]]):
                told[other if drops_larger else s] = True
                if not drops_larger:
                    break
    return told


def _told(sets: Incidence, holders: Incidence, which: int) -> Booleans:
    start, holder_start = sets.indptr.astype(np.int64), holders.indptr.astype(np.int64)
    return _redundant(start, sets.indices, holder_start, holders.indices, which, _COMPARISONS_MAX)


def dominated_sites(incidence: Incidence) -> Indices:
    """Return the sites whose covered units are all covered by one other site (of equals, all but the first)."""
    sites = sparse.csr_array(incidence.T)
    sites.sort_indices()
    return np.flatnonzero(_told(sites, incidence, _CONTAINED) | (np.diff(sites.indptr) == 0))


def implied_units(incidence: Incidence) -> Indices:
    """Return the units that any cover of the others covers: they have all the sites of another unit."""
    return np.flatnonzero(_told(incidence, sparse.csr_array(incidence.T), _CONTAINING))


@dataclass(frozen=True, eq=False)
class Core:
    """What is left of a covering problem: an incidence, the original units and sites, and the sites forced."""

    incidence: Incidence
    units: Indices
    sites: Indices
    forced: tuple[int, ...]


def _without(size: int, dropped: Indices) -> Booleans:
    keep = np.ones(size, np.bool_)
    keep[dropped] = False
    return keep


def core(incidence: Incidence, sites: Indices) -> Core:
    """Reduce a set cover by essential sites, implied units and dominated sites until nothing changes.

    A smallest cover of the core, with the forced sites, is one of the whole. Every unit must have a site.
    """
    forced: list[int] = []
    units = np.arange(incidence.shape[0])
    while incidence.shape[0]:
        before = incidence.shape
        single = np.flatnonzero(np.diff(incidence.indptr) == 1)
        if single.size:
            chosen = np.unique(incidence.indices[incidence.indptr[single]]).astype(np.int64)
            forced.extend(int(site) for site in sites[chosen])
            left, keep = ~covered_by(incidence, chosen), _without(incidence.shape[1], chosen)
            incidence = sparse.csr_array(incidence[left][:, keep])
            units, sites = units[left], sites[keep]
        left = _without(incidence.shape[0], implied_units(incidence))
        incidence, units = sparse.csr_array(incidence[left]), units[left]
        keep = _without(incidence.shape[1], dominated_sites(incidence))
        incidence, sites = sparse.csr_array(incidence[:, keep]), sites[keep]
        incidence.sort_indices()
        if incidence.shape == before:
            break
    return Core(incidence, units, sites, tuple(forced))
