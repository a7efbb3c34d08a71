"""French sentences for the questions that no proposal can answer: they name what is in the way."""

from __future__ import annotations

import numpy as np

from observatory.siting.question.arrays import SitingModel
from observatory.words.numbers import amount, counted, decimal

NAMED_UNITS = 5
"""Units named in a sentence before « et d'autres » (convention de l'observatoire)."""


def in_the_way(model: SitingModel) -> str | None:
    """Return the French sentence that says why a model can't be answered, or None."""
    count = model.candidate_min.shape[1]
    if count == 0:
        return model.no_candidate or (
            "Aucun lieu candidat ne répond aux conditions demandées : élargissez la liste ou les filtres."
        )
    if model.objective != "lscp" and model.poles > count:
        available = "un seul site candidat" if count == 1 else f"{count} sites candidats seulement"
        return (
            f"{model.poles} nouveaux pôles sont demandés pour {available} : demandez moins de "
            "pôles ou élargissez la liste des candidats."
        )
    if (too_dear := _too_dear(model)) is not None:
        return too_dear
    if not model.weight.sum() > 0:
        return "Personne n’est concerné par ces défis sur ce territoire : choisissez d’autres défis."
    drives = model.candidate_min[model.is_counted]
    if model.objective == "mclp" and not (drives <= model.threshold_min).any():
        shortest = decimal(drives.min())
        return (
            f"Aucun habitant n’est à moins de {_minutes(model.threshold_min)} d’un site candidat : le trajet "
            f"le plus court en prend {shortest}. Relevez le seuil."
        )
    return _left_out(model)


def _too_dear(model: SitingModel) -> str | None:
    """Return the French sentence of a budget that opens no pole, even with all that closures may save."""
    limits = model.limits
    if model.objective == "lscp" or model.poles == 0 or limits.budget is None or limits.site_cost is None:
        return None
    saved = 0.0
    if limits.closing_cost is not None:
        change = np.where(np.isnan(limits.closing_cost), 0.0, limits.closing_cost)
        saved = float(-np.minimum(change, 0.0).sum())
    cheapest = float(limits.site_cost[model.n_existing :].min())
    if cheapest <= limits.budget + saved:
        return None
    return (
        f"Le budget de {amount(limits.budget)} n’ouvre aucun pôle : le moins coûteux en demande {amount(cheapest)}. "
        "Relevez le budget."
    )


def _minutes(value: float) -> str:
    return counted(value, "minute", written=amount)


def _left_out(model: SitingModel) -> str | None:
    """Return the French sentence that names the units that no choice can serve, where the objective serves all."""
    if model.objective == "mclp":
        return None
    limit = model.threshold_min if model.objective == "lscp" else np.inf
    columns = [*model.kept, *range(model.n_existing, model.n_existing + model.candidate_min.shape[1])]
    nearest = np.max(model.nearest_min(columns), axis=0)
    lost = np.flatnonzero((model.weight > 0) & ((nearest > limit) | np.isinf(nearest)))
    if lost.size == 0:
        return None
    worst = lost[np.argsort(-nearest[lost], kind="stable")]
    names = [model.unit_names[i] if model.unit_names else f"l’unité {i}" for i in worst[:NAMED_UNITS]]
    rest = int(lost.size) - NAMED_UNITS
    more = "" if rest <= 0 else " et 1 autre lieu" if rest == 1 else f" et {rest} autres lieux"
    farthest = nearest[worst[0]]
    said = f" (le plus éloigné en est à {decimal(farthest)} minutes)" if np.isfinite(farthest) else ""
    within = f"à moins de {_minutes(limit)} d’un site" if np.isfinite(limit) else "à portée d’un site"
    return (
        f"Aucun choix ne met {', '.join(names)}{more} {within}, existant ou candidat{said} : relevez le seuil ou "
        "élargissez la liste des candidats."
    )
