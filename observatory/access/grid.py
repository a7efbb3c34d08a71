"""Floating catchments on a regular grid of cells by exact convolution (FFT): the fine mesh of a country in seconds.

Straight-line cost between cell centres; sites are snapped to the centre of their cell. Within that, nothing is
approximated: the result is that of :func:`observatory.access.stream.e2sfca_within` on the same snapped points.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from observatory.access.pairs import Floats, Indices, check_quantity, check_xy
from observatory.access.threads import core_count, in_blocks
from observatory.access.weights import Weights, check_steps, weight_of
from observatory.errors import UsageError

CELL_M: Final = 200.0
"""Side of INSEE's finest cells (données carroyées, Filosofi)."""

_LARGEST_GRID = 400_000_000
"""Cells of the rectangle around the points beyond which their extent must be a mistake (3.2 GB of counts)."""
_MOST_BLOCKS = 40
_WIDEST_WINDOW = 4200
_REFERENCE_THREADS = 2
"""How blocks are cut assumes two threads, whatever the machine has: the cut decides how results are rounded."""
_ALONE = 0.6
"""Time of a lone block on two threads against one."""
_EFFORT_EXPONENT = 1.25
"""Time of a transform against its number of cells, measured from 768² to 2048² (docs/adr/0020)."""


@dataclass(frozen=True, slots=True)
class Snapped:
    """Points moved to the centre of their cell."""

    column: Indices
    row: Indices
    xy_m: Floats
    """Cell centres, ``(n, 2)``."""
    moved_m: Floats
    """How far each point was moved, ``(n,)``; at most half a diagonal."""


def snap(xy_m: ArrayLike, *, cell_m: float = CELL_M) -> Snapped:
    """Snap points ``(n, 2)`` in planar metres to the cells whose corners are the multiples of ``cell_m``.

    A point on an edge belongs to the cell above or to the right of it.

    Raises
    ------
    UsageError
        If the cell's side is not above 0 or a point has no coordinates.
    """
    place, xy = _place(xy_m, cell_m), check_xy(xy_m, "Points")
    centre = (np.column_stack((place.column, place.row)).astype(np.float64) + 0.5) * cell_m
    return Snapped(place.column, place.row, centre, np.hypot(*(xy - centre).T))


def e2sfca_fft(
    origin_xy_m: ArrayLike,
    destination_xy_m: ArrayLike,
    demand: ArrayLike,
    supply: ArrayLike,
    *,
    weights: Weights,
    radius_m: float | None = None,
    cell_m: float = CELL_M,
    threads: int | None = None,
) -> Floats:
    """Return the E2SFCA index of points snapped to a regular grid, by convolution.

    The grid is transformed block by block, blocks without a site or without demand being skipped, so that memory holds
    one number per cell of the rectangle around the points and a few blocks.

    Parameters
    ----------
    origin_xy_m, destination_xy_m
        Planar coordinates in metres, ``(n_demand, 2)`` and ``(n_supply, 2)``; several points may share a cell.
    demand, supply
        Persons and units of supply, ``(n_demand,)`` and ``(n_supply,)``, 0 or more.
    weights
        Steps in metres ``[(upper_distance_m, weight), …]``, upper bounds included, or a vectorised callable.
    radius_m
        Distance beyond which the weight is 0, included; required with a callable, else the last bound.
    cell_m
        Side of a cell, in metres.
    threads
        How many to use; ``None``: the machine's cores. The result does not depend on it.

    Returns
    -------
    numpy.ndarray
        Units of supply per person, ``(n_demand,)``. A transform rounds by some 1e-15 of the largest sum of its block:
        relative error stays under 1e-9 as long as no sum is a million times smaller than another.

    Raises
    ------
    UsageError
        If an input is malformed or the points are spread over too many cells.
    """
    origins, destinations = _place(origin_xy_m, cell_m), _place(destination_xy_m, cell_m)
    people, units = check_quantity(demand, "Demande"), check_quantity(supply, "Offre")
    if people.size != origins.row.size or units.size != destinations.row.size:
        raise UsageError("Donnez une demande par origine et une offre par destination.")
    if not (people.size and units.size):
        return np.zeros(people.size)
    plan = _plan(origins, destinations, _disc(weights, radius_m=radius_m, cell_m=cell_m))
    asked = plan.convolve(origins, people, at=destinations, threads=threads)
    ratio = np.divide(units, asked, out=np.zeros_like(units), where=asked > 0)
    return plan.convolve(destinations, ratio, at=origins, threads=threads)


@dataclass(frozen=True, slots=True)
class _Place:
    """Cells of points, counted from the origin of the coordinates."""

    column: Indices
    row: Indices


def _place(xy_m: ArrayLike, cell_m: float) -> _Place:
    if not (np.isfinite(cell_m) and cell_m > 0):
        raise UsageError("Le côté d’un carreau doit être un nombre de mètres supérieur à 0.")
    column, row = (np.floor(axis / cell_m).astype(np.int64) for axis in check_xy(xy_m, "Points").T)
    return _Place(column, row)


@dataclass(frozen=True, slots=True)
class _Axis:
    """One axis of the rectangle: ``blocks`` blocks of ``block`` cells, each transformed with margins.

    Several blocks need the disc's radius on both sides. A single one has nothing around it: convolution being
    circular, one margin of zeros after it serves both its ends, and ``lead`` is 0.
    """

    first: int
    block: int
    blocks: int
    window: int
    lead: int
    """Cells of margin before the first block."""

    @property
    def cells(self) -> int:
        """Cells to hold, margins of the first and last blocks included."""
        return (self.blocks - 1) * self.block + self.window

    @property
    def full(self) -> int:
        """Cells of a window that may hold something: the others only keep the two ends apart."""
        return self.window if self.lead else self.block


@dataclass(frozen=True, slots=True)
class _Plan:
    """A rectangle of cells cut into blocks, each transformed with a margin of the disc's radius around it."""

    rows: _Axis
    columns: _Axis
    transform: Floats
    """Fourier transform of the disc, real since the disc is even, ``(rows.window, columns.window // 2 + 1)``."""
    least_weight: float
    """Smallest weight above 0; 0 if there is none."""

    def convolve(self, of: _Place, values: Floats, *, at: _Place, threads: int | None) -> Floats:
        """Return, at each point, the sum of the values around it, weighted by the disc."""
        dense = self._dense(of, values)
        row, column = at.row - self.rows.first, at.column - self.columns.first
        result = np.zeros(row.size)
        members = self._members(row, column)
        alone = core_count(threads) if len(members) == 1 else 1

        def work(first: int, last: int) -> None:
            for inside in members[first:last]:
                top = int(row[inside[0]]) // self.rows.block * self.rows.block
                left = int(column[inside[0]]) // self.columns.block * self.columns.block
                window = dense[top : top + self.rows.full, left : left + self.columns.window]
                if window.any():
                    around = self._sum_around(window, workers=alone)
                    result[inside] = around[row[inside] - top, column[inside] - left + self.columns.lead]

        in_blocks(work, len(members), threads=threads)
        # Rounding leaves a trace where the true sum is 0; no true sum is under the least value times the least weight.
        present = values[values > 0]
        if present.size:
            result[result < 0.5 * self.least_weight * float(present.min())] = 0.0
        return result

    def _members(self, row: Indices, column: Indices) -> list[Indices]:
        """Return the positions of the points of each block that has any."""
        if self.rows.blocks * self.columns.blocks == 1:
            return [np.arange(row.size)]
        # At most _MOST_BLOCKS² blocks: 16 bits are enough, and NumPy sorts them in linear time.
        block = ((row // self.rows.block) * self.columns.blocks + column // self.columns.block).astype(np.uint16)
        order = np.argsort(block, kind="stable")
        return np.split(order, np.flatnonzero(np.diff(block[order])) + 1)

    def _dense(self, of: _Place, values: Floats) -> Floats:
        height, width = self.rows.cells - self.rows.window + self.rows.full, self.columns.cells
        row, column = of.row - self.rows.first + self.rows.lead, of.column - self.columns.first + self.columns.lead
        counts = np.bincount(row * width + column, weights=values, minlength=height * width)
        return counts.reshape(height, width).astype(np.float64, copy=False)

    def _sum_around(self, window: Floats, *, workers: int) -> Floats:
        """Return the circular convolution of a window, in the rows of its block; right but in the columns' margins.

        Rows of zeros are not transformed, nor rows that nobody reads: one axis after the other makes that possible.
        """
        from scipy import fft

        height, width = self.rows.window, self.columns.window
        spectrum = fft.rfft(window, axis=1, workers=workers)
        spectrum = fft.fft(spectrum, n=height, axis=0, workers=workers, overwrite_x=True)
        spectrum *= self.transform
        spectrum = fft.ifft(spectrum, axis=0, workers=workers, overwrite_x=True)
        kept = spectrum[self.rows.lead : self.rows.lead + self.rows.block]
        around: Floats = fft.irfft(kept, n=width, axis=1, workers=workers, overwrite_x=True)
        return around


def _plan(origins: _Place, destinations: _Place, disc: Floats) -> _Plan:
    rows, columns = (
        np.concatenate((origins.row, destinations.row)),
        np.concatenate((origins.column, destinations.column)),
    )
    n_rows, n_columns = int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
    if n_rows * n_columns > _LARGEST_GRID:
        raise UsageError(
            f"Le carroyage aurait {n_rows} × {n_columns} carreaux : vérifiez les coordonnées ou agrandissez le carreau."
        )
    margin = disc.shape[0] // 2
    row_axis, column_axis = min(
        itertools.product(_axes(int(rows.min()), n_rows, margin), _axes(int(columns.min()), n_columns, margin)),
        key=_effort,
    )
    positive = disc[disc > 0]
    return _Plan(
        rows=row_axis,
        columns=column_axis,
        transform=_transform(disc, row_axis.window, column_axis.window),
        least_weight=float(positive.min()) if positive.size else 0.0,
    )


def _transform(disc: Floats, n_rows: int, n_columns: int) -> Floats:
    """Return the Fourier transform ``(n_rows, n_columns // 2 + 1)`` of a disc centred on the origin.

    The disc being even along both axes, a cosine transform of one quadrant gives it, at a quarter of the price.
    """
    from scipy import fft

    margin = disc.shape[0] // 2
    quadrant = np.zeros((margin + 1, n_columns // 2 + 1))
    quadrant[:, : margin + 1] = disc[margin:, margin:]
    across = fft.dct(quadrant, type=1, axis=1, overwrite_x=True)
    upper: Floats = fft.dct(across, type=1, n=n_rows // 2 + 1, axis=0)
    return np.concatenate((upper, upper[-2:0:-1]))


def _axes(first: int, cells: int, margin: int) -> list[_Axis]:
    """Return the ways of cutting an axis into equal blocks whose windows are quick to transform."""
    from scipy.fft import next_fast_len

    # Even sizes, so that a quadrant of the disc has a cosine transform.
    whole = 2 * next_fast_len(max(-(-(cells + margin) // 2), margin + 1))
    axes = [_Axis(first=first, block=cells, blocks=1, window=whole, lead=0)]
    for blocks in range(2, _MOST_BLOCKS + 1):
        window = 2 * next_fast_len(-(-cells // (2 * blocks)) + margin + 1)
        block = window - 2 * margin
        axes.append(_Axis(first=first, block=block, blocks=-(-cells // block), window=window, lead=margin))
    return [axis for axis in axes if axis.window <= _WIDEST_WINDOW] or axes[-1:]


def _effort(axes: tuple[_Axis, _Axis]) -> float:
    """Return how long the transforms take, up to a factor: a window out of the cache costs more per cell."""
    rows, columns = axes
    area, blocks = float(rows.window * columns.window), rows.blocks * columns.blocks
    # Blocks are shared out between threads; within a single one, only the transforms are.
    rounds = _ALONE if blocks == 1 else float(-(-blocks // _REFERENCE_THREADS))
    return float(rounds * area**_EFFORT_EXPONENT)


def _disc(weights: Weights, *, radius_m: float | None, cell_m: float) -> Floats:
    """Return the weights around a cell, ``(2 r + 1, 2 r + 1)``, distances taken between centres."""
    if not callable(weights):
        last = float(check_steps(weights)[0][-1])
        radius_m = last if radius_m is None else min(radius_m, last)
    if radius_m is None or not (np.isfinite(radius_m) and radius_m >= 0):
        raise UsageError("Donnez le rayon au-delà duquel le poids est nul, en mètres.")
    reach = int(radius_m // cell_m)
    offset = np.arange(-reach, reach + 1, dtype=np.float64) * cell_m
    distance = np.sqrt(np.square(offset)[:, None] + np.square(offset)[None, :])
    return np.where(distance <= radius_m, weight_of(distance, weights), 0.0)
