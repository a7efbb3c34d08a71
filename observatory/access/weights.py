"""How much a site counts as it gets farther: steps (APL of the DREES, or any other), Gaussian, exponential."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from observatory.access.pairs import Floats, as_floats
from observatory.errors import UsageError

Decay = Callable[[Floats], Floats]
Steps = Sequence[tuple[float, float]]
Weights = Steps | Decay
"""Either ``[(upper_cost, weight), …]``, upper bounds included and 0 beyond the last, or a vectorised callable."""

APL_STEPS: Final[tuple[tuple[float, float], ...]] = ((0.5, 1.0), (0.75, 0.3), (1.0, 0.1))
"""Fractions of the threshold and their weights.

Accessibilité potentielle localisée: 1 to 10 min, 0.3 to 15 min, 0.1 to 20 min, 0 beyond, for a 20-minute threshold.
Source: DREES, « Déserts médicaux : comment les définir ? Comment les mesurer ? », Les Dossiers de la DREES n° 17,
May 2017. Scaling the bounds with another threshold is a convention of the observatory.
"""


def apl_steps(threshold_min: float) -> list[tuple[float, float]]:
    """Return the APL steps scaled to ``threshold_min`` minutes (20 gives the DREES's own bounds 10, 15, 20).

    Raises
    ------
    UsageError
        If the threshold is not a finite number above 0.

    Examples
    --------
    >>> apl_steps(20)
    [(10.0, 1.0), (15.0, 0.3), (20.0, 0.1)]
    """
    if not (np.isfinite(threshold_min) and threshold_min > 0):
        raise UsageError("Le seuil de temps doit être un nombre de minutes supérieur à 0.")
    return [(fraction * float(threshold_min), weight) for fraction, weight in APL_STEPS]


def gaussian(sigma_min: float, *, cutoff_min: float = np.inf) -> Decay:
    """Return ``exp(-t² / 2σ²)`` up to ``cutoff_min`` included, 0 beyond; not normalised (weight 1 at cost 0).

    Raises
    ------
    UsageError
        If ``sigma_min`` is not above 0.
    """
    if not sigma_min > 0:
        raise UsageError("L’écart-type de la décroissance gaussienne doit être supérieur à 0.")

    def decay(cost: Floats) -> Floats:
        return np.where(cost <= cutoff_min, np.exp(-np.square(cost) / (2.0 * sigma_min * sigma_min)), 0.0)

    return decay


def check_steps(steps: Steps) -> tuple[Floats, Floats]:
    """Return upper bounds and weights ``(n_steps,)``, bounds strictly increasing.

    Raises
    ------
    UsageError
        If there is no step, a bound is out of order or negative, or a weight is negative or infinite.
    """
    if len(steps) == 0:
        raise UsageError("La décroissance par paliers n’a aucun palier : donnez au moins un couple (borne, poids).")
    table = as_floats(steps, "Paliers de décroissance")
    if table.ndim != 2 or table.shape[1] != 2 or np.isnan(table).any():  # noqa: PLR2004
        raise UsageError("Chaque palier de décroissance est un couple (borne supérieure, poids).")
    uppers, weights = np.ascontiguousarray(table[:, 0]), np.ascontiguousarray(table[:, 1])
    if uppers[0] < 0 or bool((np.diff(uppers) <= 0).any()):
        raise UsageError("Les bornes des paliers doivent être positives et strictement croissantes.")
    if not bool((np.isfinite(weights) & (weights >= 0)).all()):
        raise UsageError("Les poids des paliers doivent être des nombres positifs ou nuls.")
    return uppers, weights


def weight_of(cost: ArrayLike, weights: Weights) -> Floats:
    """Return the weight of each cost, same shape; ``inf`` weighs 0 with steps.

    Parameters
    ----------
    cost
        Costs in the unit of the bounds.
    weights
        Steps ``[(upper_cost, weight), …]`` (a cost equal to a bound belongs to its step) or a vectorised callable.

    Raises
    ------
    UsageError
        If the steps are malformed, or the callable changes the shape or returns a negative or missing weight.
    """
    costs = as_floats(cost, "Coûts")
    if not callable(weights):
        uppers, values = check_steps(weights)
        return np.append(values, 0.0)[np.searchsorted(uppers, costs, side="left")]
    result = as_floats(weights(costs), "Fonction de décroissance")
    if result.shape != costs.shape or not bool((np.isfinite(result) & (result >= 0)).all()):
        raise UsageError("La fonction de décroissance doit rendre, pour chaque coût, un poids positif ou nul.")
    return result
