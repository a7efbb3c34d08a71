"""How well a deficit stands up: the share of defensible choices of method under which a unit stays under-served."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from observatory.access import e2sfca
from observatory.access.weights import Weights, apl_steps, gaussian
from observatory.declared.need_study import ROOT_GROUP
from observatory.declared.verdict_study import Cuts, VerdictStudy
from observatory.errors import UsageError
from observatory.need import NeedStudy, aggregate, normalise
from observatory.parameters import SCORE_DECIMALS
from observatory.words.grammar import quoted
from observatory.words.numbers import amount, percent

FloatArray = npt.NDArray[np.float64]

TRAVEL: Final = "travel"
"""Axis of choices that need and access share, where the need counts drives."""
WEIGHT_AT_THRESHOLD: Final = 0.1
"""Weight of a site at the threshold in the Gaussian decay: that of the last APL step (DREES, 2017)."""

LABELS: Final = {
    "goalposts": "bornes fixes",
    "percentile": "rangs en centiles",
    "zscore": "écarts à la moyenne",
    "arithmetic": "moyenne arithmétique",
    "geometric": "moyenne géométrique",
    "equal": "poids égaux",
    "binary": "accès en tout ou rien jusqu’au seuil",
    "gaussian": "accès qui décroît sans paliers",
    "epci": "maille de l’intercommunalité",
    "commune": "maille de la commune",
    "bassin_vie": "maille du bassin de vie",
}


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores of every unit under every specification.

    ``scores`` has shape (unit, specification), 0 to 100, NaN where unknown; ``choices`` one row per specification and
    one column per axis, in French words where the choice is not the study's and empty where it is. The first
    specification is the study's.
    """

    index: pd.Index[str]
    scores: FloatArray
    choices: pd.DataFrame

    def of_parents(self, parent_code: pd.Series) -> Scored:
        """Give each unit the scores of its parent: the same question asked at another mesh."""
        position = self.index.get_indexer(pd.Index(parent_code))
        taken = np.where((position >= 0)[:, None], self.scores[position], np.nan)
        return Scored(pd.Index(parent_code.index), taken, self.choices)

    def averaged(self, group_code: pd.Series, population_count: pd.Series) -> Scored:
        """Average the units of each group, weighted by their population, where they have a score."""
        group = group_code.reindex(self.index)
        persons = population_count.reindex(self.index).to_numpy(dtype=float)[:, None]
        known = ~np.isnan(self.scores)
        summed = pd.DataFrame(np.where(known, self.scores, 0.0) * persons).groupby(group.to_numpy()).sum()
        weight = pd.DataFrame(known * persons).groupby(group.to_numpy()).sum()
        return Scored(pd.Index(summed.index), (summed / weight.where(weight > 0)).to_numpy(dtype=float), self.choices)


def need_specifications(
    frame: pd.DataFrame,
    need: NeedStudy,
    study: VerdictStudy,
    *,
    by_travel: Mapping[float, pd.DataFrame] | None = None,
) -> Scored:
    """Score the need under every normalisation × aggregation × weighting, and travel time where it counts drives.

    Parameters
    ----------
    frame
        Indicators in their own units, one row per unit of one level, NaN where unknown.
    need
        The need study: its own normalisation, aggregation and weights are the first specification.
    study
        The choices.
    by_travel
        Travel factor → the indicators that drives so much longer give, for those of ``study.travel_factors`` that are
        not 1; None: no indicator is made of drives.
    """
    weightings = _weightings(need, study.weightings)
    normalisations = _first(need.normalisation, study.normalisations)
    aggregations = _first(need.aggregation, study.aggregations)
    scores, choices = [], []
    driven = [(1.0, frame), *([] if by_travel is None else by_travel.items())]
    for (factor, values), normalisation, aggregation, (label, weighted) in itertools.product(
        driven, normalisations, aggregations, weightings
    ):
        chosen = replace(weighted, normalisation=normalisation, aggregation=aggregation)
        scores.append(aggregate(normalise(values, chosen), chosen)["score"].round(SCORE_DECIMALS).to_numpy(dtype=float))
        choices.append(
            {
                **({} if by_travel is None else {TRAVEL: "" if factor == 1.0 else _travel_label(factor)}),
                "normalisation": "" if normalisation == need.normalisation else LABELS[normalisation],
                "aggregation": "" if aggregation == need.aggregation else LABELS[aggregation],
                "weighting": label,
            }
        )
    return Scored(pd.Index(frame.index), np.column_stack(scores), pd.DataFrame(choices))


def access_specifications(
    origin_idx: npt.ArrayLike,
    destination_idx: npt.ArrayLike,
    duration_min: npt.ArrayLike,
    demand: npt.ArrayLike,
    supply: npt.ArrayLike,
    *,
    index: pd.Index[str],
    threshold_min: float,
    norm: float,
    study: VerdictStudy,
    steps: Sequence[tuple[float, float]] | None = None,
) -> Scored:
    """Score the access under every decay × threshold × travel time.

    Parameters
    ----------
    origin_idx, destination_idx, duration_min
        Drives, shape (pair,), complete up to ``threshold_min × max(threshold_factors) / min(travel_factors)``.
    demand, supply
        Persons of each origin and units of each destination.
    index
        The origins.
    threshold_min
        The study's threshold, minutes.
    norm
        Supply per inhabitant that is deemed enough, the same under every specification.
    study
        The choices.
    steps
        The declared decay: fractions of the threshold and weights; None: the APL's.

    Raises
    ------
    UsageError
        If the norm is not positive.
    """
    if not norm > 0:
        raise UsageError("La norme d’offre doit être positive : ce service n’a pas d’offre, il n’y a pas de verdict.")
    minutes = np.asarray(duration_min, dtype=float)
    scores, choices = [], []
    for decay, threshold_factor, travel_factor in itertools.product(
        _first("declared", study.decays), _first(1.0, study.threshold_factors), _first(1.0, study.travel_factors)
    ):
        longest = threshold_min * threshold_factor
        weights = _decay(decay, longest, steps)
        found = e2sfca(origin_idx, destination_idx, minutes * travel_factor, demand, supply, weights=weights)
        scores.append(np.round(100.0 * np.minimum(1.0, found / norm), SCORE_DECIMALS))
        choices.append(
            {
                "decay": "" if decay == "declared" else LABELS[decay],
                "threshold": "" if threshold_factor == 1.0 else f"seuil de {amount(longest)} minutes",
                TRAVEL: "" if travel_factor == 1.0 else _travel_label(travel_factor),
            }
        )
    return Scored(index, np.column_stack(scores), pd.DataFrame(choices))


def verdicts(meshes: Mapping[str, tuple[Scored, Scored]], *, cuts: Cuts, study: VerdictStudy) -> pd.DataFrame:
    """Judge every unit under every specification at once.

    Parameters
    ----------
    meshes
        Need and access of the same units by mesh, the units' own first (``own``); others as `Scored.of_parents` gives
        them.
    cuts
        A unit is under-served where its need is high and its access poor.
    study
        The shares that make a verdict.

    Returns
    -------
    pandas.DataFrame
        Index of the units. ``is_deficit``: under the study's own choices; ``verdict_share``: share of all the
        combinations of choices, each counted once, under which it is under-served (NaN where a score is unknown under
        every one); ``verdict`` (`verdict_code`); ``flips``: the choices which, made alone, change the answer.

    Notes
    -----
    Need and access don't depend on each other's choices, so that the share over all combinations at one mesh is the
    product of the two shares; where the need counts drives, travel times are the same for both, and the share is the
    mean of the products over them. Meshes count equally. A specification under which a score is unknown is left
    out. In the spirit of S. Steegen et al., "Increasing transparency through a multiverse analysis", Perspectives on
    Psychological Science 11 (2016).
    """
    own_need, own_access = meshes[next(iter(meshes))]
    shares = []
    flips: list[list[str]] = [[] for _ in own_need.index]
    answer = _under(_high(own_need, cuts)[:, 0], _poor(own_access, cuts)[:, 0])
    for position, (name, (need, access)) in enumerate(meshes.items()):
        if not (need.index.equals(own_need.index) and access.index.equals(own_need.index)):
            raise UsageError("Les mailles d’un verdict portent sur les mêmes unités, dans le même ordre.")
        high, poor = _high(need, cuts), _poor(access, cuts)
        together = [_mean(high[:, one]) * _mean(poor[:, other]) for one, other in _together(need, access)]
        shares.append(_mean(np.column_stack(together)))
        if position == 0:
            for one, other, label in _single_changes(need.choices, access.choices):
                _note_flips(flips, answer, _under(high[:, one], poor[:, other]), label)
        else:
            _note_flips(flips, answer, _under(high[:, 0], poor[:, 0]), LABELS.get(name, name))
    share = _mean(np.column_stack(shares))
    return pd.DataFrame(
        {
            "is_deficit": pd.Series(answer > 0, own_need.index, dtype="boolean").mask(np.isnan(answer)),
            "verdict_share": share,
            "verdict": [verdict_code(one, study=study) for one in share],
            "flips": flips,
        },
        index=own_need.index,
    )


def verdict_code(share: float, *, study: VerdictStudy) -> str:
    """Return ``robuste``, ``fragile``, ``absent`` or ``indetermine``; the declared shares are included."""
    if np.isnan(share):
        return "indetermine"
    if share >= study.robust_share:
        return "robuste"
    return "absent" if share <= study.absent_share else "fragile"


def _first(own: Any, choices: Sequence[Any]) -> list[Any]:  # noqa: ANN401  (names or factors)
    return [own, *(one for one in choices if one != own)]


def _weightings(need: NeedStudy, kinds: Sequence[str]) -> list[tuple[str, NeedStudy]]:
    """Return the declared weights first, then equal ones, then the score without each indicator in turn."""
    found = [("", need)]
    if "equal" in kinds:
        leaves = {group.id: float(_leaf_count(need, group.id)) for group in need.groups}
        found.append(
            (
                LABELS["equal"],
                replace(
                    need,
                    indicators=tuple(replace(one, weight=1.0) for one in need.indicators),
                    groups=tuple(replace(one, weight=leaves[one.id]) for one in need.groups),
                ),
            )
        )
    if "drop_one" in kinds and len(need.indicators) > 1:
        for dropped in need.indicators:
            kept = _keep_indicators(need, [one.id for one in need.indicators if one.id != dropped.id])
            found.append((f"indicateur {quoted(dropped.label)} retiré", kept))
    return found


def _keep_indicators(need: NeedStudy, kept_ids: Sequence[str]) -> NeedStudy:
    """Return the study with some of its indicators only; a group left empty goes with them."""
    indicators = tuple(one for one in need.indicators if one.id in kept_ids)
    parents = {group.id: group.parent for group in need.groups}
    used: set[str] = set()
    for indicator in indicators:
        node = indicator.group
        while node != ROOT_GROUP:
            used.add(node)
            node = parents[node]
    return replace(need, indicators=indicators, groups=tuple(one for one in need.groups if one.id in used))


def _leaf_count(need: NeedStudy, group: str) -> int:
    own = sum(one.group == group for one in need.indicators)
    return own + sum(_leaf_count(need, child.id) for child in need.groups if child.parent == group)


def _decay(name: str, threshold_min: float, steps: Sequence[tuple[float, float]] | None) -> Weights:
    if name == "binary":
        return [(threshold_min, 1.0)]
    if name == "gaussian":
        sigma_min = threshold_min / float(np.sqrt(-2.0 * np.log(WEIGHT_AT_THRESHOLD)))
        return gaussian(sigma_min, cutoff_min=threshold_min)
    if steps is None:
        return apl_steps(threshold_min)
    return [(fraction * threshold_min, weight) for fraction, weight in steps]


def _high(need: Scored, cuts: Cuts) -> FloatArray:
    return np.where(np.isnan(need.scores), np.nan, need.scores >= cuts.need)


def _poor(access: Scored, cuts: Cuts) -> FloatArray:
    return np.where(np.isnan(access.scores), np.nan, access.scores < cuts.access)


def _under(high: FloatArray, poor: FloatArray) -> FloatArray:
    return high * poor


def _mean(values: FloatArray) -> FloatArray:
    """Average each row over what is known; NaN where nothing is."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0.0).sum(axis=1)
    count = known.sum(axis=1)
    mean: FloatArray = np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)
    return mean


def _together(need: Scored, access: Scored) -> list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Return the specifications of the need and of the access that may be combined, by travel time if both have it."""
    if TRAVEL not in need.choices or TRAVEL not in access.choices:
        return [(np.arange(need.scores.shape[1]), np.arange(access.scores.shape[1]))]
    return [
        (np.flatnonzero(need.choices[TRAVEL] == label), np.flatnonzero(access.choices[TRAVEL] == label))
        for label in access.choices[TRAVEL].unique()
    ]


def _single_changes(need: pd.DataFrame, access: pd.DataFrame) -> list[tuple[int, int, str]]:
    """Return the specifications, of need and of access, that depart from the study's by one choice, in words."""
    driven = dict(_alone(need[need[TRAVEL] != ""])) if TRAVEL in need else {}
    found = [(position, 0, label) for label, position in _alone(need) if label not in driven]
    return [*found, *((driven.get(label, 0), position, label) for label, position in _alone(access))]


def _alone(choices: pd.DataFrame) -> list[tuple[str, int]]:
    """Return the choices that a specification departs from the study's by alone, with its position."""
    changed = (choices != "").sum(axis="columns")
    return [("".join(choices.loc[position]), int(position)) for position in choices.index[changed == 1]]


def _note_flips(flips: list[list[str]], answer: FloatArray, other: FloatArray, label: str) -> None:
    for unit in np.flatnonzero(~np.isnan(answer) & ~np.isnan(other) & (answer != other)):
        flips[unit].append(label)


def _travel_label(factor: float) -> str:
    change = round(100.0 * (factor - 1.0))
    return f"trajets plus {'longs' if change > 0 else 'courts'} de {percent(abs(change) / 100, digits=0)}"
