"""Score, rank and summarise thousands of drawn specifications: blocks that fit the cache, one thread per core."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from numba import njit

from observatory.declared.need_study import Aggregation, NeedStudy, Normalisation
from observatory.need.aggregation import aggregate
from observatory.need.normalisation import normalise
from observatory.parameters import GEOMETRIC_FLOOR

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

NORMALISATIONS: Final[tuple[Normalisation, ...]] = get_args(Normalisation)
AGGREGATIONS: Final[tuple[Aggregation, ...]] = get_args(Aggregation)
BLOCK: Final = 64
"""Draws, or units, worked on at once: a block of 2,643 communes is 1.3 MB."""
FINEST_BITS: Final = 40
"""Scores closer than 2⁻⁴⁰ (a millionth of a millionth) are ties: less is the noise of sums."""
_SCORE_BITS: Final = 8
"""Bits of a score up to 100, and its sign."""


class Scorer:
    """Scores and ranks of the units of a frame under any specification of its study."""

    def __init__(self, frame: pd.DataFrame, study: NeedStudy) -> None:
        scaled = [normalise(frame, replace(study, normalisation=name)).to_numpy() for name in NORMALISATIONS]
        known = ~np.isnan(scaled[0])
        score = aggregate(pd.DataFrame(scaled[0], frame.index, study.indicator_ids), study)["score"]
        self.unit_count = len(frame)
        self.scored: IntArray = np.flatnonzero(score.notna().to_numpy())
        present = known[self.scored]
        self._incomplete: IntArray = np.flatnonzero(~present.all(axis=1))
        self._lacunar: FloatArray = np.ascontiguousarray(present[self._incomplete].T.astype(float))
        self._values: list[tuple[FloatArray, FloatArray]] = []
        for values in scaled:
            filled = np.where(present, values[self.scored], 0.0)
            logs = np.where(present, np.log(np.maximum(filled, GEOMETRIC_FLOOR)), 0.0)
            self._values.append((np.ascontiguousarray(filled.T), np.ascontiguousarray(logs.T)))

    def __call__(
        self, normalisation: IntArray, aggregation: IntArray, weights: FloatArray
    ) -> tuple[FloatArray, npt.NDArray[np.float32]]:
        """Score and rank every unit under every specification.

        Parameters
        ----------
        normalisation, aggregation
            Positions in `NORMALISATIONS` and `AGGREGATIONS`, shape (draw,).
        weights
            Shape (draw, indicator), rows sum to 1.

        Returns
        -------
        tuple
            Scores (0 to 100) and ranks (1: the greatest score, the best rank for ties), shape (unit, draw); NaN in the
            rows of units without score.
        """
        order = np.lexsort((aggregation, normalisation))
        shape = self.unit_count, len(weights)
        scores, ranks = np.empty(shape), np.empty(shape, dtype=np.float32)
        is_scored = np.isin(np.arange(self.unit_count), self.scored)
        scores[~is_scored], ranks[~is_scored] = np.nan, np.nan
        # A slice is written faster than a list of rows.
        rows = slice(None) if is_scored.all() else self.scored

        def work(positions: IntArray) -> None:
            found = self._scores(int(normalisation[positions[0]]), int(aggregation[positions[0]]), weights[positions])
            placed = _ranks(found)
            columns = _as_slice(positions)
            if isinstance(rows, slice) or isinstance(columns, slice):
                scores[rows, columns], ranks[rows, columns] = found.T, placed.T
            else:
                scores[np.ix_(rows, columns)], ranks[np.ix_(rows, columns)] = found.T, placed.T

        kind = normalisation[order] * len(AGGREGATIONS) + aggregation[order]
        groups = np.split(order, np.flatnonzero(np.diff(kind)) + 1)
        _in_threads(work, [group[start : start + BLOCK] for group in groups for start in range(0, len(group), BLOCK)])
        return scores, ranks

    def _scores(self, normalisation: int, aggregation: int, weights: FloatArray) -> FloatArray:
        """Return the scores, shape (draw, scored unit), of draws that share a normalisation and an aggregation."""
        is_geometric = AGGREGATIONS[aggregation] == "geometric"
        total: FloatArray = _add_up(weights, self._values[normalisation][1 if is_geometric else 0])
        if len(self._incomplete):
            total[:, self._incomplete] /= _add_up(weights, self._lacunar)
        return np.exp(total, out=total) if is_geometric else total


def quantiles(values: npt.NDArray[np.floating], probabilities: Sequence[float]) -> FloatArray:
    """Return quantiles of each row, by linear interpolation; shape (probability, row), NaN for a row of NaN."""
    count = values.shape[1]
    found = np.empty((len(probabilities), len(values)))
    position = np.asarray(probabilities) * (count - 1)
    below = np.floor(position).astype(int)
    above = np.minimum(below + 1, count - 1)
    part = (position - below)[:, None]

    def work(rows: IntArray) -> None:
        ordered = np.sort(values[rows[0] : rows[-1] + 1], axis=1).astype(float, copy=False)
        low, high = ordered[:, below].T, ordered[:, above].T
        found[:, rows[0] : rows[-1] + 1] = low + (high - low) * part

    _in_threads(work, [np.arange(start, min(start + BLOCK, len(values))) for start in range(0, len(values), BLOCK)])
    return found


def _ranks(scores: FloatArray) -> npt.NDArray[np.float32]:
    """Rank each row from its greatest score (1), the best rank for ties.

    A score and its position make one integer, so that a plain sort, which processors do in parallel, orders them.
    """
    count = scores.shape[1]
    ranks = np.empty(scores.shape, dtype=np.float32)
    if count == 0:
        return ranks
    bits = max(1, int(count - 1).bit_length())
    keys = np.empty(scores.shape, dtype=np.int64)
    _make_keys(scores, float(2 ** min(FINEST_BITS, 63 - _SCORE_BITS - bits)), bits, keys)
    keys.sort(axis=1)
    _place(keys, bits, ranks)
    return ranks


@njit(cache=True, nogil=True)
def _add_up(weights: FloatArray, values: FloatArray) -> FloatArray:
    """Multiply two small matrices: BLAS would start threads of its own for each block."""
    total = np.zeros((weights.shape[0], values.shape[1]))
    for draw in range(weights.shape[0]):
        for indicator in range(weights.shape[1]):
            weight = weights[draw, indicator]
            for unit in range(values.shape[1]):
                total[draw, unit] += weight * values[indicator, unit]
    return total


@njit(cache=True, nogil=True)
def _make_keys(scores: FloatArray, scale: float, bits: int, keys: IntArray) -> None:
    for draw in range(scores.shape[0]):
        for unit in range(scores.shape[1]):
            keys[draw, unit] = (np.int64(np.rint(scores[draw, unit] * -scale)) << bits) | unit


@njit(cache=True, nogil=True)
def _place(keys: IntArray, bits: int, ranks: npt.NDArray[np.float32]) -> None:
    mask = (1 << bits) - 1
    for draw in range(keys.shape[0]):
        first, score = 0, keys[draw, 0] >> bits
        for position in range(keys.shape[1]):
            key = keys[draw, position]
            if key >> bits != score:
                first, score = position, key >> bits
            ranks[draw, key & mask] = first + 1


def _as_slice(positions: IntArray) -> slice | IntArray:
    first = int(positions[0])
    is_run = bool((positions == np.arange(first, first + len(positions))).all())
    return slice(first, first + len(positions)) if is_run else positions


def _in_threads(work: Callable[[IntArray], None], blocks: list[IntArray]) -> None:
    """Do every block; numpy sorts and multiplies outside the interpreter's lock."""
    count = min(len(os.sched_getaffinity(0)), len(blocks))
    if count <= 1:
        for block in blocks:
            work(block)
        return
    with ThreadPoolExecutor(count) as pool:
        for _ in pool.map(work, blocks):
            pass
