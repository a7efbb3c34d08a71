"""Checks what the caller gives and puts it in one form: French sentences for what can't be understood."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Real
from typing import Any, cast

import numpy as np
from scipy import sparse

from observatory.errors import UsageError
from observatory.siting.solvers.solution import UNCOVERED, Booleans, Floats, Indices
from observatory.siting.solvers.sorted_rows import Rows, dense_rows, sorted_rows

Sparse = sparse.csr_array[Any, tuple[int, int]]
Cost = Floats | Sparse
"""Dense, infinite where the pair is forbidden; or sparse: a stored zero costs zero, an absent pair is forbidden."""


def _as_floats(values: Any, refusal: str) -> Floats:  # noqa: ANN401 - anything numpy can read
    """Return contiguous float64; what is no real number is refused with the sentence given."""
    try:
        found = np.asarray(values)
        if found.dtype.kind == "c":
            raise UsageError(refusal)
        return np.ascontiguousarray(found, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(refusal) from error


def _as_whole(value: Any) -> int | None:  # noqa: ANN401 - anything a caller may give
    """Return a whole number given as one (``2``, ``2.0``, of numpy or not), else None; a boolean is none."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        return None
    number = float(value)
    return int(number) if math.isfinite(number) and number == int(number) else None


def as_deadline(began: float, time_limit_s: float) -> float:
    """Return the time at which a search that began then must end; the limit must be a number."""
    if isinstance(time_limit_s, bool) or not isinstance(time_limit_s, Real) or math.isnan(time_limit_s):
        raise UsageError("Le temps de calcul doit être un nombre de secondes.")
    return began + float(time_limit_s)


def as_cost(cost: Any) -> Cost:  # noqa: ANN401 - dense or any scipy.sparse matrix
    """Return a cost matrix in one of two forms: dense float64, or CSR without duplicates, its zeros kept.

    Parameters
    ----------
    cost
        ``(n_demand, n_candidates)``, any unit, not negative. Dense: ``inf`` forbids the pair. Sparse: a pair that is
        not stored is forbidden, a stored zero is a cost of zero.

    Raises
    ------
    UsageError
        If it is not a matrix, or holds a negative or undefined cost, or the same pair twice.
    """
    matrix: Cost = (
        _sparse(cost) if sparse.issparse(cost) else _as_floats(cost, "La matrice des coûts doit être faite de nombres.")
    )
    stored: Floats = matrix if isinstance(matrix, np.ndarray) else matrix.data
    if len(matrix.shape) != 2:
        raise UsageError("La matrice des coûts doit avoir deux dimensions : unités de demande × sites candidats.")
    if stored.size and (np.isnan(stored).any() or stored.min() < 0):
        raise UsageError(
            "Un coût est négatif ou indéfini : donnez un nombre positif, ou l’infini pour interdire la paire."
        )
    return matrix


def _sparse(cost: Any) -> Sparse:  # noqa: ANN401 - any scipy.sparse matrix
    pairs: Any = sparse.coo_array(cost)
    matrix: Any = sparse.csr_array(pairs)  # sums duplicates, keeps stored zeros
    if matrix.nnz != pairs.nnz:
        raise UsageError("La matrice des coûts donne deux fois la même paire : gardez un seul coût par paire.")
    matrix = matrix.astype(np.float64)
    matrix.sort_indices()
    return cast("Sparse", matrix)


def as_demand(demand: Any, n_demand: int) -> Floats:  # noqa: ANN401 - anything numpy can read
    """Return the weights as float64 ``(n_demand,)``; they must be finite and not negative."""
    weight = _as_floats(demand, "La demande doit être faite de nombres, un par unité.")
    if weight.shape != (n_demand,):
        raise UsageError(f"La demande compte {weight.size} valeurs pour {n_demand} unités : donnez-en une par unité.")
    if weight.size and not (np.isfinite(weight).all() and weight.min() >= 0):
        raise UsageError("Une demande est négative ou indéfinie : donnez un nombre positif ou nul à chaque unité.")
    return weight


def as_sites(existing: Iterable[int], n_candidates: int) -> tuple[int, ...]:
    """Return candidate positions without repetition, in the order given; a mask of booleans is refused."""
    given = list(existing) if isinstance(existing, Iterable) else [None]
    found = [_as_whole(site) for site in given]
    sites = tuple(dict.fromkeys(site for site in found if site is not None))
    if None in found:
        raise UsageError("Un site se donne par sa position dans la liste des candidats, un nombre entier.")
    if any(not 0 <= site < n_candidates for site in sites):
        raise UsageError(
            f"Un site demandé n’est pas dans la liste des {n_candidates} candidats : vérifiez sa position."
        )
    return sites


def as_count(p: int) -> int:
    """Return the number of new sites, a whole number that is not negative."""
    count = _as_whole(p)
    if count is None or count < 0:
        raise UsageError("Le nombre de nouveaux pôles doit être un entier positif ou nul.")
    return count


def as_allowed(allowed: Iterable[int] | None, existing: tuple[int, ...], n_candidates: int) -> Indices:
    """Return the positions where a new site may open, ascending: those allowed, less the existing ones."""
    usable = np.ones(n_candidates, np.bool_)
    if allowed is not None:
        usable[:] = False
        usable[list(as_sites(allowed, n_candidates))] = True
    usable[list(existing)] = False
    return np.flatnonzero(usable).astype(np.int64)


def too_many(p: int, available: int) -> str | None:
    """Return the French sentence that refuses more new sites than there are candidates, or ``None``."""
    if p <= available:
        return None
    return (
        f"{p} nouveaux pôles sont demandés, mais {available} sites candidats seulement sont libres : "
        "demandez moins de pôles ou élargissez la liste des candidats."
    )


def cost_to(cost: Cost, sites: Iterable[int]) -> Floats:
    """Return the dense costs ``(n_demand, n_sites)`` towards some candidates, infinite where forbidden."""
    chosen = list(sites)
    if isinstance(cost, np.ndarray):
        return np.ascontiguousarray(cost[:, chosen])
    out = np.full((cost.shape[0], len(chosen)), np.inf)
    columns = sparse.csc_array(cost)
    for k, site in enumerate(chosen):
        part = slice(columns.indptr[site], columns.indptr[site + 1])
        out[columns.indices[part], k] = columns.data[part]
    return out


def nearest_cost(cost: Cost, sites: Iterable[int]) -> Floats:
    """Return, for each unit, the least cost towards the sites; infinite if it can reach none."""
    least: Floats = cost_to(cost, sites).min(axis=1, initial=np.inf)
    return least


def assign(cost: Cost, sites: tuple[int, ...]) -> tuple[Indices, Floats]:
    """Return the site that serves each unit at least cost, ``-1`` if it reaches none, and that cost.

    On a tie the first of ``sites`` serves, hence an existing site before a new one.
    """
    towards = cost_to(cost, sites)
    if not sites:
        return np.full(towards.shape[0], UNCOVERED, np.int64), np.full(towards.shape[0], np.inf)
    first = towards.argmin(axis=1)
    least = towards[np.arange(towards.shape[0]), first]
    return np.where(np.isfinite(least), np.asarray(sites, np.int64)[first], UNCOVERED), least


def rows_below(cost: Cost, picked: Indices, columns: Indices, ceiling: Floats, weight: Floats) -> Rows:
    """Return the sorted rows of the picked units towards the given candidates, below each unit's ceiling."""
    if isinstance(cost, np.ndarray):
        return dense_rows(cost, picked, columns, ceiling, weight)
    rank = np.full(cost.shape[1], -1, np.int32)
    rank[columns] = np.arange(columns.size, dtype=np.int32)
    part = cost[picked]
    row = np.repeat(np.arange(picked.size), np.diff(part.indptr))
    column = rank[part.indices]
    useful = (column >= 0) & (part.data < ceiling[row])
    row, column = row[useful], column[useful]
    return sorted_rows(row, column, part.data[useful] * weight[row], ceiling * weight, int(columns.size))


def is_whole(values: Floats) -> bool:
    """Tell whether all values are whole numbers small enough for their sums to be exact."""
    return bool(values.size == 0 or (np.abs(values).max() < 2**31 and np.array_equal(values, np.rint(values))))


def fill(chosen: Booleans, p: int) -> Booleans:
    """Return ``chosen`` with the lowest free positions opened until ``p`` are: more sites never cost more."""
    full = chosen.copy()
    full[np.flatnonzero(~full)[: max(0, p - int(full.sum()))]] = True
    return full
