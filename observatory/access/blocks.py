"""Sums over neighbours in NumPy alone, block by block: a region's catchments without loading a compiler.

Loading compiled code takes a second and 150 MB, far more than a region's sums themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from observatory.access.cell_index import Cells
from observatory.access.pairs import Floats, Indices

_ROUNDING = 1.0 + 1e-9
_SLACK = 1e-6
"""Part of a cell by which a disc is widened before its cells are listed: no pair is lost to rounding."""
_LARGEST_BLOCK = 1 << 16
"""Pairs looked at together: their squares stay in the processor's cache."""
_PER_BLOCK: Final = 10_000
"""What a block costs by itself, in pairs."""


@dataclass(frozen=True, slots=True)
class Block:
    """The points of one cell, and the stretches of neighbouring points that may lie within the radius of any."""

    first: int
    last: int
    stretches: tuple[tuple[int, int], ...]

    @property
    def effort(self) -> int:
        """How much there is to do, in pairs looked at."""
        return (self.last - self.first) * sum(last - first for first, last in self.stretches) + _PER_BLOCK

    def neighbours(self) -> Indices:
        """Return the positions of the neighbours, in the order of their cells."""
        return np.concatenate([np.arange(first, last) for first, last in self.stretches])


@dataclass(frozen=True, slots=True)
class Rings:
    """Steps as squares: a squared distance up to ``squares[k]``, and no less, weighs ``levels[k]``; 0 beyond."""

    squares: Floats
    levels: Floats

    def weigh(self, square: Floats) -> Floats:
        """Return the weights of squared distances, same shape."""
        step = np.zeros(square.shape, dtype=np.uint8)
        for bound in self.squares:
            step += square > bound
        return np.append(self.levels, 0.0).take(step)


def pair_up(at: Cells, of: Cells, *, radius_m: float) -> list[Block]:
    """Return the occupied cells of ``at``, each with the stretches of ``of`` within reach of it; none is empty."""
    blocks = []
    for cell in np.flatnonzero(np.diff(at.start)):
        row, column = divmod(int(cell), at.n_columns)
        x_m, y_m = at.x0_m + column * at.size_m, at.y0_m + row * at.size_m
        stretches = tuple(_stretches(of, x_m, y_m, at.size_m, radius_m))
        if stretches:
            blocks.append(Block(int(at.start[cell]), int(at.start[cell + 1]), stretches))
    return blocks


def e2sfca(blocks: list[Block], *, sites: Cells, people: Cells, demand: Floats, supply: Floats, rings: Rings) -> Floats:
    """Return the index of each of ``people``, in the order of their cells, from quantities in that order.

    ``blocks`` are of sites with the people around: as soon as a site knows all its demand, it is shared out.
    """
    index = np.zeros(demand.size)
    for block in blocks:
        around = block.neighbours()
        here = demand[around]
        for rows, weight in _weights(block, around, at=sites, of=people, rings=rings):
            asked = np.einsum("ij,j->i", weight, here)
            ratio = np.divide(supply[rows], asked, out=np.zeros(asked.size), where=asked > 0)
            index[around] += np.einsum("ij,i->j", weight, ratio)
    return index


def total(blocks: list[Block], *, at: Cells, of: Cells, values: Floats, rings: Rings) -> Floats:
    """Return the weighted sum of the values around each point of ``at``, all in the order of their cells."""
    result = np.zeros(at.x_m.size)
    for block in blocks:
        around = block.neighbours()
        here = values[around]
        for rows, weight in _weights(block, around, at=at, of=of, rings=rings):
            result[rows] = np.einsum("ij,j->i", weight, here)
    return result


def _weights(block: Block, around: Indices, *, at: Cells, of: Cells, rings: Rings) -> Iterator[tuple[slice, Floats]]:
    """Yield a few points of a block at a time, with the weight of each of its neighbours to each of them."""
    x_m, y_m = of.x_m[around], of.y_m[around]
    step = max(_LARGEST_BLOCK // around.size, 1)
    for first in range(block.first, block.last, step):
        rows = slice(first, min(first + step, block.last))
        square, other = np.subtract.outer(at.x_m[rows], x_m), np.subtract.outer(at.y_m[rows], y_m)
        np.square(square, out=square)
        np.square(other, out=other)
        square += other
        yield rows, rings.weigh(square)


def _stretches(of: Cells, x_m: float, y_m: float, size_m: float, radius_m: float) -> Iterator[tuple[int, int]]:
    """Yield the runs of points whose cells are within the radius of a square cell, row by row."""
    reach = radius_m + _SLACK * of.size_m
    bottom = max(int((y_m - reach - of.y0_m) // of.size_m), 0)
    top = min(int((y_m + size_m + reach - of.y0_m) // of.size_m), of.n_rows - 1)
    for row in range(bottom, top + 1):
        edge = of.y0_m + row * of.size_m
        away = max(edge - y_m - size_m, y_m - edge - of.size_m, 0.0)
        half = max(reach * reach - away * away, 0.0) ** 0.5 * _ROUNDING + _SLACK * of.size_m
        left = max(int((x_m - half - of.x0_m) // of.size_m), 0)
        right = min(int((x_m + size_m + half - of.x0_m) // of.size_m), of.n_columns - 1)
        if left <= right:
            first, last = int(of.start[row * of.n_columns + left]), int(of.start[row * of.n_columns + right + 1])
            if first < last:
                yield first, last
