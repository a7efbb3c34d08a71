"""Who lives so near the threshold that the error of the travel time decides whether they are within reach."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from observatory.errors import NotComputedError
from observatory.words.numbers import amount, percent


def near_threshold(nearest_min: npt.ArrayLike, *, threshold_min: float, error_share: float) -> npt.NDArray[np.bool_]:
    """Tell where a time wrong by its error could fall on the other side of the threshold.

    Parameters
    ----------
    nearest_min
        Estimated minutes to the nearest site, ``(n,)``; NaN or infinite where there is none.
    threshold_min
        Longest acceptable time, included.
    error_share
        Error of the estimate as a share of the real time, 0 to 1 excluded: real minutes lie between
        ``estimated ÷ (1 + error)`` and ``estimated ÷ (1 − error)``.

    Returns
    -------
    numpy.ndarray
        ``(n,)`` booleans; false where there is no site.

    Raises
    ------
    NotComputedError
        If the error is no such share.
    """
    if not 0 <= error_share < 1:
        raise NotComputedError("L’erreur du temps de trajet doit être une part de ce temps, de 0 à moins de 1.")
    minutes = np.asarray(nearest_min, dtype=float)
    low, high = minutes / (1.0 + error_share), minutes / (1.0 - error_share)
    found: npt.NDArray[np.bool_] = (low <= threshold_min) & (high > threshold_min)
    return found


def near_threshold_words(*, threshold_min: float, error_share: float) -> str:
    """Return the French sentence that says which estimated minutes are near the threshold, and why."""
    low, high = (amount(round(threshold_min * (1.0 + side), 1)) for side in (-error_share, error_share))
    return (
        f"Près du seuil : à une durée estimée entre {low} et {high} minutes, l’erreur du trajet "
        f"({percent(error_share)}, 9e décile) peut changer la réponse."
    )
