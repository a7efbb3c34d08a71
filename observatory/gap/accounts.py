"""Who is served, who is reachable but turned away, who is out of reach: in whole persons that add up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from observatory.errors import NoSupplyError, NotComputedError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Ledger:
    """Three classes of persons per demand unit, which add up to its population; all arrays have shape (unit,)."""

    population_count: IntArray
    served_count: IntArray
    reachable_full_count: IntArray
    out_of_reach_count: IntArray
    satisfied_share: FloatArray
    """Supply per inhabitant over the norm, at most 1."""
    is_reachable: npt.NDArray[np.bool_]


def ledger(
    population_count: npt.ArrayLike,
    nearest_min: npt.ArrayLike,
    access_index: npt.ArrayLike,
    *,
    threshold_min: float,
    norm: float,
) -> Ledger:
    """Split the population of each unit into served, reachable but full, and out of reach.

    Parameters
    ----------
    population_count
        Whole persons, shape (unit,).
    nearest_min
        Minutes to the nearest site, shape (unit,); NaN or infinite where there is none.
    access_index
        Supply per inhabitant (E2SFCA), shape (unit,).
    threshold_min
        Longest acceptable time, included.
    norm
        Supply per inhabitant that is deemed enough: a unit that has it is served in full. 0 where there is no supply.

    Returns
    -------
    Ledger
        ``out_of_reach`` is the whole population beyond the threshold; within it, ``served`` is
        ``floor(population × min(1, access_index / norm) + 0.5)`` and ``reachable_full`` the rest.

    Raises
    ------
    NotComputedError
        If a population is negative or the threshold is not positive.
    NoSupplyError
        If a reachable unit has no norm to be held to.
    """
    population = np.asarray(population_count, dtype=np.int64)
    minutes = np.asarray(nearest_min, dtype=float)
    index = np.asarray(access_index, dtype=float)
    if (population < 0).any() or not threshold_min > 0:
        raise NotComputedError("Le seuil doit être positif et les populations aussi : vérifiez les paramètres.")
    is_reachable = minutes <= threshold_min
    if is_reachable.any() and not norm > 0:
        raise NoSupplyError(
            "Aucune offre dans la région pour fixer la norme de ce service : déclarez persons_per_site dans l’étude."
        )
    share = np.where(is_reachable, np.clip(index / norm, 0.0, 1.0) if norm > 0 else 0.0, 0.0)
    served = np.floor(population * share + 0.5).astype(np.int64)
    out_of_reach = np.where(is_reachable, 0, population).astype(np.int64)
    return Ledger(
        population_count=population,
        served_count=served,
        reachable_full_count=population - served - out_of_reach,
        out_of_reach_count=out_of_reach,
        satisfied_share=share,
        is_reachable=is_reachable,
    )
