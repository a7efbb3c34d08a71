"""A river (or any line) that can only be crossed at declared places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from observatory.access.pairs import Flags, Floats, Indices, check_xy
from observatory.errors import UsageError


@dataclass(frozen=True, slots=True)
class Crossing:
    """A bridge or a ferry: where it is (EPSG:2154, metres) and what it adds to the drive."""

    name: str
    x_m: float
    y_m: float
    penalty_min: float


@dataclass(frozen=True, slots=True)
class Barrier:
    """A polyline ``(n, 2)`` in Lambert-93 metres and its crossings."""

    name: str
    line_m: Floats
    crossings: tuple[Crossing, ...]

    def __post_init__(self) -> None:
        """Check that the line is one.

        Raises
        ------
        UsageError
            If it has fewer than two points, or is no array of points in metres.
        """
        check_xy(self.line_m, f"Barrière « {self.name} »")
        if len(self.line_m) < 2:  # noqa: PLR2004
            raise UsageError(f"Barrière « {self.name} » : la ligne doit avoir au moins deux points.")


def crosses(
    barrier: Barrier, origin_xy_m: Floats, destination_xy_m: Floats, origin_idx: Indices, destination_idx: Indices
) -> Flags:
    """Tell which pairs lie on opposite sides: their segment meets the line an odd number of times.

    A pair that skirts an end of the line is on the same side, and so is one that cuts a meander twice.

    Returns
    -------
    numpy.ndarray
        ``(n_pairs,)`` booleans. A segment that ends exactly on the line is on one side or the other, always the same.
    """
    from observatory.access import kernels

    result = np.zeros(origin_idx.size, dtype=np.bool_)
    kernels.cross_line(
        np.ascontiguousarray(barrier.line_m), origin_xy_m, destination_xy_m, origin_idx, destination_idx, result
    )
    return result
