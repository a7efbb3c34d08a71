"""A river (or any line) that can only be crossed at declared places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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

    @classmethod
    def from_declaration(cls, declaration: Mapping[str, Any]) -> Barrier:
        """Read one ``[[barriers]]`` of a declaration.

        Raises
        ------
        UsageError
            If the line has fewer than two points.
        KeyError, ValueError
            If a field is missing or not a number.
        """
        line = check_xy(declaration["line_m"], f"Barrière « {declaration['name']} »")
        if len(line) < 2:  # noqa: PLR2004
            raise UsageError(f"Barrière « {declaration['name']} » : la ligne doit avoir au moins deux points.")
        crossings = tuple(
            Crossing(str(item["name"]), float(item["x_m"]), float(item["y_m"]), float(item["penalty_min"]))
            for item in declaration.get("crossings", ())
        )
        return cls(str(declaration["name"]), line, crossings)


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
