"""How far a territory is on the way to its objective, from published figures alone; the unknown is said unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from observatory.gap.series import Series, value_at
from observatory.words.numbers import figure, percent, with_minus

AGREEMENT: Final = 0.01
"""Relative difference under which the declared start is the published figure (convention de l'observatoire)."""


@dataclass(frozen=True)
class Objective:
    """What a territory has set itself: from a value at a period to another at a later period."""

    level: str
    code: str
    defi: str
    indicator: str
    baseline_value: float
    baseline_period: str
    target_value: float
    target_period: str
    origin: str


@dataclass(frozen=True)
class Progress:
    """Where an objective stands.

    ``share`` is the part of the way done, 0 at the start and 1 at the target (under 0: the other way); None where no
    figure of the territory was published since the start. ``status``: ``atteint``, ``en_chemin``, ``immobile``,
    ``en_recul`` or ``inconnu``.
    """

    value: float | None
    period: str | None
    share: float | None
    status: str
    sentence: str


def progress(objective: Objective, series: Sequence[Series]) -> Progress:
    """Set an objective against the last figure published for its territory.

    Parameters
    ----------
    objective
        Periods are compared as text, which orders ``2024``, ``2024-06`` and ``2024-T2`` among themselves.
    series
        Those of the territory; the figure of a larger zone is not the territory's, and says nothing of its progress.
    """
    own = next((one for one in series if one.indicator == objective.indicator and one.basis != "around"), None)
    if own is None:
        around = any(one.indicator == objective.indicator for one in series)
        why = "n’est publié que pour une zone plus large" if around else "n’est pas publié à plusieurs dates ici"
        return Progress(None, None, None, "inconnu", f"Avancement inconnu : ce chiffre {why}.")
    published = value_at(own, objective.baseline_period)
    if published is not None and abs(published - objective.baseline_value) > AGREEMENT * abs(published):
        sentence = (
            f"Avancement inconnu : le départ déclaré n’est pas le chiffre publié à sa date ({figure(published)}), les "
            f"deux ne se comparent pas. {own.note}"
        )
        return Progress(None, None, None, "inconnu", sentence.strip())
    later = [point for point in own.known if point.period > objective.baseline_period]
    if not later:
        sentence = f"Avancement inconnu : aucun chiffre n’est publié depuis le départ ({objective.baseline_period})."
        return Progress(None, None, None, "inconnu", sentence)
    last = later[-1]
    value = float(last.value or 0.0)
    share = (value - objective.baseline_value) / (objective.target_value - objective.baseline_value)
    sentence = f"{_STATUSES[status_of(share)]} : {figure(value)} {own.unit} en {last.period}, "
    sentence += f"soit {with_minus(percent(share, digits=0))} du chemin."
    cautions = [own.note] if own.note else []
    if published is None:
        cautions.append("Le départ déclaré n’a pas de chiffre publié à sa date.")
    return Progress(value, last.period, share, status_of(share), " ".join([sentence, *cautions]))


def status_of(share: float) -> str:
    """Return the status of a part of the way done."""
    if share >= 1.0:
        return "atteint"
    return "en_chemin" if share > 0 else "immobile" if share == 0 else "en_recul"


_STATUSES: Final = {
    "atteint": "Cible atteinte",
    "en_chemin": "En chemin",
    "immobile": "Sans changement",
    "en_recul": "En recul",
}
