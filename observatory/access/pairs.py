"""The one check of what every measure is fed with: origin–destination pairs, costs, quantities, coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from observatory.errors import UsageError

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]

_FARTHEST_M = 1e9


@dataclass(frozen=True, slots=True)
class Pairs:
    """Checked sparse origin–destination pairs; the three arrays have the same shape ``(n_pairs,)``."""

    origin_idx: Indices
    destination_idx: Indices
    cost: Floats


def check_pairs(
    origin_idx: ArrayLike, destination_idx: ArrayLike, cost: ArrayLike, *, n_origins: int, n_destinations: int | None
) -> Pairs:
    """Return the pairs as 64-bit arrays, or say in one sentence what is wrong with them.

    Parameters
    ----------
    origin_idx, destination_idx
        Positions of the origin and of the destination of each pair, ``(n_pairs,)``, whole numbers from 0.
    cost
        Cost of each pair, ``(n_pairs,)``, in the unit of the thresholds it will be compared with; 0 or more,
        ``inf`` allowed (never reached), not NaN.
    n_origins, n_destinations
        How many origins and destinations there are; ``None`` when any destination will do.

    Raises
    ------
    UsageError
        If shapes differ, an index is out of range or not whole, or a cost is negative or NaN.
    """
    origins, destinations = _indices(origin_idx, "d’origine"), _indices(destination_idx, "de destination")
    costs = as_floats(cost, "Coûts")
    if not (origins.shape == destinations.shape == costs.shape):
        raise UsageError(
            f"Les paires sont incohérentes : {origins.size} origines, {destinations.size} destinations "
            f"et {costs.size} coûts ; donnez trois tableaux à une dimension, de même longueur."
        )
    _check_range(origins, n_origins, "d’origine")
    _check_range(destinations, n_destinations, "de destination")
    if costs.size and not bool((costs >= 0).all()):
        raise UsageError("Un coût de trajet est négatif ou manquant : retirez ces paires ou corrigez leur coût.")
    return Pairs(origins, destinations, costs)


def check_quantity(values: ArrayLike, label: str) -> Floats:
    """Return ``values`` as floats ``(n,)``; refuse a negative, missing or infinite quantity.

    Raises
    ------
    UsageError
        If ``values`` is not one-dimensional or holds a quantity that is not a finite number from 0.
    """
    quantity = as_floats(values, label)
    if quantity.ndim != 1:
        raise UsageError(f"{label} : donnez un tableau à une dimension.")
    if quantity.size and not bool((np.isfinite(quantity) & (quantity >= 0)).all()):
        raise UsageError(f"{label} : une valeur est négative, manquante ou infinie ; corrigez-la avant le calcul.")
    return quantity


def check_xy(xy_m: ArrayLike, label: str) -> Floats:
    """Return planar coordinates as a C-contiguous ``(n, 2)`` array of metres.

    Raises
    ------
    UsageError
        If the shape is not ``(n, 2)`` or a coordinate is missing.
    """
    xy = np.ascontiguousarray(as_floats(xy_m, label))
    if xy.size == 0:
        return xy.reshape(0, 2)
    if xy.ndim != 2 or xy.shape[1] != 2:  # noqa: PLR2004
        raise UsageError(f"{label} : donnez un tableau de coordonnées de forme (n, 2).")
    if not bool((np.abs(xy) <= _FARTHEST_M).all()):
        raise UsageError(f"{label} : un point est sans coordonnées, ou hors de la Terre ; placez-le ou retirez-le.")
    return xy


def as_floats(values: ArrayLike, label: str) -> Floats:
    """Return ``values`` as an array of floats.

    Raises
    ------
    UsageError
        If something in it is not a number, or rows have different lengths.
    """
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{label} : donnez un tableau de nombres.") from error


def _indices(values: ArrayLike, label: str) -> Indices:
    raw = np.asarray(values)
    if raw.ndim != 1:
        raise UsageError(f"Les indices {label} doivent former un tableau à une dimension.")
    if not np.issubdtype(raw.dtype, np.integer):
        whole = as_floats(values, f"Indices {label}")
        if not bool(np.all(np.isfinite(whole) & (whole == np.floor(whole)))):
            raise UsageError(f"Les indices {label} doivent être des nombres entiers.")
    return raw.astype(np.int64, copy=False)


def _check_range(indices: Indices, size: int | None, label: str) -> None:
    if not indices.size:
        return
    low, high = int(indices.min()), int(indices.max())
    if low < 0 or (size is not None and high >= size):
        bound = "" if size is None else f" et inférieurs à {size}"
        raise UsageError(f"Les indices {label} doivent être positifs ou nuls{bound} (lus : de {low} à {high}).")
