"""Hide small counts, and enough of their neighbours that no subtraction from a published total brings them back.

A commune belongs to two trees, EPCI and départements, under one region: a two-way table whose totals are published. The
communes of one EPCI and one département (a *block*) play the same part in every total, so that what an attacker can
learn of them all is learnt from the sums of the blocks, and those from a small linear programme (L. Willenborg and
T. de Waal, "Elements of Statistical Disclosure Control" (2001), ch. 5–6). Two trees make a network matrix, totally
unimodular: the bounds of the programme are whole numbers, and exactly the best that anyone can do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from observatory.errors import NotComputedError, UsageError
from observatory.gap.deduction import IntArray, Totals, block_bounds, middle_sums
from observatory.need.volumes import apportion

MOST_TREES: Final = 2
"""Beyond two trees the bounds of the linear programme are no longer whole numbers, nor the tightest ones."""


@dataclass(frozen=True, eq=False)
class Suppression:
    """What must not be shown of one column of counts.

    All series are indexed by the cells (communes) in their order.
    """

    mask: pd.Series
    """Cells that are not shown."""
    is_primary: pd.Series
    """Cells that are not shown because their own count is small; the other hidden cells protect these."""
    intervals: pd.DataFrame
    """``low, high`` that an attacker knows of each hidden cell; index: hidden cells."""
    withheld_totals: dict[str, list[str]] = field(default_factory=dict)
    """Parents whose own total is not shown, by tree."""
    unprotected: tuple[str, ...] = ()
    """Cells that stay narrower than asked; empty unless every total above them is withheld as well."""

    @property
    def primary_count(self) -> int:
        """Number of small counts."""
        return int(self.is_primary.sum())

    @property
    def complementary_count(self) -> int:
        """Number of larger counts hidden with them."""
        return int(self.mask.sum()) - self.primary_count


@dataclass(eq=False)
class _Table:
    """The table as the search goes on: which cells and which totals are published."""

    counts: IntArray
    low: IntArray
    high: IntArray
    hidden: npt.NDArray[np.bool_]
    blocks: IntArray
    trees: list[IntArray]
    """Position of each block's parent in each tree; the region is a tree of its own with one parent."""
    published: list[npt.NDArray[np.bool_]]
    """Whether each parent's total is published, by tree."""

    def intervals(self) -> tuple[IntArray, IntArray]:
        """Return what an attacker knows of each cell; what is published is known."""
        lower, upper = self.block_sums()
        start = np.where(self.hidden, self.low, 0)
        end = np.where(self.hidden, self.high, 0)
        least = np.bincount(self.blocks, weights=start, minlength=len(lower)).astype(np.int64)
        most = np.bincount(self.blocks, weights=end, minlength=len(lower)).astype(np.int64)
        low = np.maximum(self.low, lower[self.blocks] - (most[self.blocks] - end))
        high = np.minimum(self.high, upper[self.blocks] - (least[self.blocks] - start))
        return np.where(self.hidden, low, self.counts), np.where(self.hidden, high, self.counts)

    def block_sums(self) -> tuple[IntArray, IntArray]:
        """Return the least and greatest sum of the hidden cells of each block."""
        count = len(self.trees[0])

        def summed(values: IntArray) -> IntArray:
            return np.bincount(self.blocks, weights=np.where(self.hidden, values, 0), minlength=count).astype(np.int64)

        true = summed(self.counts)
        totals = [
            Totals(parent, np.bincount(parent, weights=true, minlength=len(known)).astype(np.int64), known)
            for parent, known in zip(self.trees, self.published, strict=True)
        ]
        return block_bounds(summed(self.low), summed(self.high), totals)


def suppress(
    counts: pd.Series,
    parents: pd.DataFrame,
    *,
    threshold: int,
    protection: int,
    cap_count: pd.Series | None = None,
    also_hidden: pd.Series | None = None,
) -> Suppression:
    """Choose the cells to hide.

    Parameters
    ----------
    counts
        Whole persons or households by commune, NA where unknown (nothing to hide, nothing in the totals).
    parents
        Parent of each commune in one or two trees (columns ``epci``, ``departement``), index of ``counts``. The total
        of every parent and of all the communes is taken to be published, unless it is small itself.
    threshold
        Counts from 1 to ``threshold − 1`` are small. Zero is shown.
    protection
        Least width of the interval that can be deduced for any hidden cell: 5 keeps every count from being known within
        2. Where a count is known beforehand within less (1 to 10, or the persons of ``cap_count``), all of that.
    cap_count
        Public upper bound of each count (inhabitants, active persons), index of ``counts``; None: none is known.
    also_hidden
        Cells hidden for a reason of their own (the same persons, counted otherwise, are few): boolean, index of
        ``counts``. A zero stays shown.

    Returns
    -------
    Suppression
        Deterministic. The attacker is supposed to know the rule, which cells are small and which ones protect them, so
        that the former lie in 1 to ``threshold − 1`` and the latter in ``threshold`` to their cap.

    Raises
    ------
    UsageError
        If there are no trees or more than two, or the threshold or the protection make no sense.
    NotComputedError
        If a commune has no parent.

    Notes
    -----
    Protecting cells are taken one by one, in the same block, from the smallest by ``cap_count`` (by count where there
    is none): an order that anyone can know and that says nothing of the counts, where "the smallest count" would (the
    minimality attack). A block without any left, and a parent with a small total, have totals withheld: their own, then
    those of the parents that share a total with them, from the smallest.
    """
    _check(counts, parents, threshold=threshold, protection=protection)
    table, is_primary, candidates = _prepare(counts, parents, threshold, cap_count)
    if also_hidden is not None:
        table.hidden |= candidates & also_hidden.reindex(counts.index, fill_value=False).to_numpy(dtype=bool)
    # A count that is known beforehand within less than the protection could not protect another.
    candidates &= table.high - table.low >= protection
    order = _public_order(counts, cap_count)
    required = np.minimum(protection, table.high - table.low)
    _withhold_small_totals(table, threshold)
    while True:
        low, high = table.intervals()
        weak = np.flatnonzero(table.hidden & (high - low < required))
        if weak.size == 0 or not _strengthen(table, np.unique(table.blocks[weak]), candidates, order):
            break
    # Without declared caps, a prior narrower than asked comes from a total that is itself small: that is to be said.
    asked = required if cap_count is not None else np.full_like(required, protection)
    return _suppression(table, is_primary, counts.index, parents, asked)


def stand_ins(counts: pd.Series, suppression: Suppression, parents: pd.DataFrame, *, threshold: int,
              cap_count: pd.Series | None = None) -> pd.Series:  # fmt: skip
    """Replace hidden counts by estimates made of published figures only, so that all that follows can be shown.

    Scores, rates, ledgers at any threshold, sums over any territory: whatever is worked out from the result says no
    more of a hidden count than its totals do, since nothing else of it is left.

    Parameters
    ----------
    counts, parents, threshold, cap_count
        As given to `suppress`.
    suppression
        What it returned.

    Returns
    -------
    pandas.Series
        ``Int64``, index of ``counts``: the published counts as they are; for the hidden ones, the sum of the block
        (which anyone can deduce) spread in proportion to ``cap_count`` inside the bounds that anyone knows. Every
        published total is kept exactly. A block whose sum can't be deduced receives the middle of what can.
    """
    table, is_primary, _ = _prepare(counts, parents, threshold, cap_count)
    table.hidden[:] = suppression.mask.to_numpy()
    table.low[:], table.high[:] = _prior(is_primary, threshold, _caps(counts, cap_count, table.counts))
    for tree, name in enumerate(parents.columns):
        names = _codes(parents[name])[1]
        table.published[tree][:] = ~names.isin(suppression.withheld_totals.get(name, []))
    sums = _public_sums(table)
    key = np.ones(len(counts)) if cap_count is None else cap_count.reindex(counts.index).fillna(0).to_numpy(dtype=float)
    result = table.counts.copy()
    for block in np.unique(table.blocks[table.hidden]):
        cells = np.flatnonzero(table.hidden & (table.blocks == block))
        result[cells] = apportion(int(sums[block]), key[cells], lower=table.low[cells], upper=table.high[cells])
    return pd.Series(result, index=counts.index, dtype="Int64").mask(counts.isna())


def _check(counts: pd.Series, parents: pd.DataFrame, *, threshold: int, protection: int) -> None:
    if not 1 <= parents.shape[1] <= MOST_TREES:
        raise UsageError("Le secret se calcule sur une ou deux hiérarchies (EPCI, département) : corrigez l’appel.")
    if threshold < 1 or protection < 0:
        raise UsageError("Le seuil du secret doit être d’au moins 1 et la protection positive : corrigez secrecy.toml.")
    orphan = parents.reindex(counts.index).isna().any(axis="columns")
    if orphan.any():
        raise NotComputedError(f"La commune {counts.index[orphan][0]} n’a pas de parent : rechargez la base.")
    if (counts.dropna() < 0).any():
        raise NotComputedError("Un compte est négatif : rechargez la source.")


def _codes(column: pd.Series) -> tuple[IntArray, pd.Index[str]]:
    codes, names = pd.factorize(column, sort=True)
    return codes.astype(np.int64), pd.Index(names)


def _caps(counts: pd.Series, cap_count: pd.Series | None, values: IntArray) -> IntArray:
    """Return the public upper bounds; a bound under its count (two vintages) is not one, and the total always is."""
    everything = np.full(len(values), values.sum(), dtype=np.int64)
    if cap_count is None:
        return everything
    caps = cap_count.reindex(counts.index).astype("Int64").fillna(int(values.sum())).to_numpy(dtype=np.int64)
    return np.maximum(caps, values)


def _prior(is_primary: npt.NDArray[np.bool_], threshold: int, caps: IntArray) -> tuple[IntArray, IntArray]:
    return np.where(is_primary, 1, threshold), np.where(is_primary, np.minimum(threshold - 1, caps), caps)


def _prepare(
    counts: pd.Series, parents: pd.DataFrame, threshold: int, cap_count: pd.Series | None
) -> tuple[_Table, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return the table with the small counts hidden, which these are, and which cells may protect them."""
    values = counts.fillna(0).to_numpy(dtype=np.int64)
    is_primary = (values > 0) & (values < threshold)
    low, high = _prior(is_primary, threshold, _caps(counts, cap_count, values))
    columns = [_codes(parents[name].reindex(counts.index))[0] for name in parents.columns]
    rows, blocks = np.unique(np.column_stack(columns), axis=0, return_inverse=True)
    trees = [*rows.T.astype(np.int64), np.zeros(len(rows), dtype=np.int64)]
    published = [np.ones(int(tree.max(initial=-1)) + 1, dtype=bool) for tree in trees]
    table = _Table(values, low, high, is_primary.copy(), blocks.ravel().astype(np.int64), trees, published)
    return table, is_primary, values >= threshold


def _public_order(counts: pd.Series, cap_count: pd.Series | None) -> IntArray:
    """Return the cells from the smallest that anyone knows to be, ties in the order of the codes."""
    size = (counts if cap_count is None else cap_count.reindex(counts.index)).astype(float).fillna(np.inf)
    return np.lexsort((counts.index.astype(str).to_numpy(), size.to_numpy())).astype(np.int64)


def _withhold_small_totals(table: _Table, threshold: int) -> None:
    """Withhold the totals that are small counts themselves; the region's never is."""
    for tree, parent in enumerate(table.trees[:-1]):
        totals = np.bincount(parent[table.blocks], weights=table.counts, minlength=len(table.published[tree]))
        table.published[tree] &= ~((totals > 0) & (totals < threshold))


def _strengthen(table: _Table, weak_blocks: IntArray, candidates: npt.NDArray[np.bool_], order: IntArray) -> bool:
    """Hide one more cell in each weak block; where none is left, withhold one more total. False if nothing can."""
    changed = False
    exhausted = []
    free = candidates & ~table.hidden
    for block in weak_blocks:
        found = order[free[order] & (table.blocks[order] == block)]
        if found.size:
            table.hidden[found[0]] = True
            changed = True
        else:
            exhausted.append(int(block))
    return changed or any(_withhold(table, block) for block in exhausted)


def _withhold(table: _Table, block: int) -> bool:
    """Withhold one more total: the block's own in the first tree, then the smallest that shares a parent with it."""
    trees = table.trees[:-1]
    if table.published[0][trees[0][block]]:
        table.published[0][trees[0][block]] = False
        return True
    related = np.logical_or.reduce([tree == tree[block] for tree in trees])
    found: list[tuple[bool, int, int, int]] = []
    for tree, parent in enumerate(trees):
        totals = np.bincount(parent[table.blocks], weights=table.counts, minlength=len(table.published[tree]))
        is_near = np.isin(np.arange(len(totals)), parent[related])
        found += [
            (not is_near[position], int(totals[position]), tree, int(position))
            for position in np.flatnonzero(table.published[tree])
        ]
    if not found:
        return False
    _, _, tree, position = min(found)
    table.published[tree][position] = False
    return True


def _suppression(
    table: _Table, is_primary: npt.NDArray[np.bool_], index: pd.Index[str], parents: pd.DataFrame, asked: IntArray
) -> Suppression:
    low, high = table.intervals()
    hidden = table.hidden
    weak = hidden & (high - low < asked)
    withheld = {
        str(name): _codes(parents[name].reindex(index))[1][~table.published[tree]].tolist()
        for tree, name in enumerate(parents.columns)
    }
    return Suppression(
        mask=pd.Series(hidden, index=index),
        is_primary=pd.Series(is_primary, index=index),
        intervals=pd.DataFrame({"low": low[hidden], "high": high[hidden]}, index=index[hidden]),
        withheld_totals={name: codes for name, codes in withheld.items() if codes},
        unprotected=tuple(index[weak]),
    )


def _public_sums(table: _Table) -> IntArray:
    """Return a sum for the hidden cells of each block, made of published totals only and true to all of them."""
    count = len(table.trees[0])
    sums = np.bincount(table.blocks, weights=np.where(table.hidden, table.counts, 0), minlength=count).astype(np.int64)
    totals = [
        Totals(parent, np.bincount(parent, weights=sums, minlength=len(known)).astype(np.int64), known)
        for parent, known in zip(table.trees, table.published, strict=True)
    ]
    least, most = (
        np.bincount(table.blocks, weights=np.where(table.hidden, bound, 0), minlength=count).astype(np.int64)
        for bound in (table.low, table.high)
    )
    return middle_sums(least, most, totals)
