"""Who could be covered by what: checks and reductions of coverage incidences that keep an optimal choice of sites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from observatory.errors import UsageError
from observatory.siting.solution import Booleans, Floats, Indices

Incidence = sparse.csr_array[Any, tuple[int, int]]
"""``(n_units, n_sites)`` of int32 ones, sorted, nothing stored where the site does not cover the unit."""

_PRODUCTS_MAX = 300_000_000
_PAIRS_MAX = 20_000_000
"""Dominance compares units (or sites) that share a site (or a unit): skipped beyond this many products or pairs."""


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


def _contained(pairs: sparse.csr_array, size: Indices, *, keep_larger: bool) -> Indices:
    """Return the positions whose set contains (or is contained in) another's; of equal sets all but the first."""
    products = sparse.coo_array(pairs @ pairs.T)
    a, b = products.coords
    whole = (products.data == (size[a] if keep_larger else size[b])) & (a != b)
    strict = size[b] > size[a] if keep_larger else size[a] > size[b]
    return np.unique(a[whole & (strict | ((size[a] == size[b]) & (b < a)))])


def _too_large(sizes: Indices, n: int) -> bool:
    products = int((sizes**2).sum())
    return products > _PRODUCTS_MAX or min(products, n * n) > _PAIRS_MAX


def dominated_sites(incidence: Incidence) -> Indices:
    """Return the sites whose covered units are all covered by one other site (of equals, all but the first)."""
    size = np.asarray(incidence.sum(axis=0), np.int64)
    if _too_large(np.diff(incidence.indptr).astype(np.int64), size.size):
        return np.empty(0, np.int64)
    covered = _contained(sparse.csr_array(incidence.T), size, keep_larger=True)
    return np.union1d(covered, np.flatnonzero(size == 0))


def implied_units(incidence: Incidence) -> Indices:
    """Return the units that any cover of the others covers: they have all the sites of another unit."""
    size = np.diff(incidence.indptr).astype(np.int64)
    if _too_large(np.asarray(incidence.sum(axis=0), np.int64), size.size):
        return np.empty(0, np.int64)
    return _contained(incidence, size, keep_larger=False)


@dataclass(frozen=True, eq=False)
class Core:
    """What is left of a covering problem: an incidence, the original sites of its columns, and the sites forced."""

    incidence: Incidence
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
    while incidence.shape[0]:
        before = incidence.shape
        single = np.flatnonzero(np.diff(incidence.indptr) == 1)
        if single.size:
            chosen = np.unique(incidence.indices[incidence.indptr[single]]).astype(np.int64)
            forced.extend(int(site) for site in sites[chosen])
            keep = _without(incidence.shape[1], chosen)
            incidence = sparse.csr_array(incidence[~covered_by(incidence, chosen)][:, keep])
            sites = sites[keep]
        incidence = sparse.csr_array(incidence[_without(incidence.shape[0], implied_units(incidence))])
        keep = _without(incidence.shape[1], dominated_sites(incidence))
        incidence, sites = sparse.csr_array(incidence[:, keep]), sites[keep]
        incidence.sort_indices()
        if incidence.shape == before:
            break
    return Core(incidence, sites, tuple(forced))
