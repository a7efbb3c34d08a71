"""Add normalised indicators up into one score per unit, through as many levels as the study declares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from observatory.declared.need_study import ROOT_GROUP, NeedStudy
from observatory.need.normalisation import indicator_values
from observatory.parameters import GEOMETRIC_FLOOR, WEIGHT_TOLERANCE

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Weighting:
    """Weights that each unit really receives, once what is missing has been set aside.

    ``weights`` has shape (unit, indicator) and each row sums to 1, or to 0 where there is no score; ``share`` (unit,)
    is the part of the nominal weight that is present.
    """

    weights: FloatArray
    share: FloatArray


def nominal_weights(study: NeedStudy) -> pd.Series:
    """Return the weight of each indicator in the score when nothing is missing; they sum to 1."""
    complete = np.ones((1, len(study.indicators)), dtype=bool)
    return pd.Series(_weighting(complete, study)[ROOT_GROUP].weights[0], index=study.indicator_ids, name="weight")


def unit_weights(frame: pd.DataFrame, study: NeedStudy) -> pd.DataFrame:
    """Return the weight of each indicator in each unit's score, missing values set aside.

    Returns
    -------
    pandas.DataFrame
        Index of ``frame``, one column per indicator; a row sums to 1, or is NaN where there is no score.
    """
    values = indicator_values(frame, study)
    root = _weighting(values.notna().to_numpy(), study)[ROOT_GROUP]
    scored = root.share > 0
    return pd.DataFrame(np.where(scored[:, None], root.weights, np.nan), index=frame.index, columns=values.columns)


def aggregate(frame: pd.DataFrame, study: NeedStudy) -> pd.DataFrame:
    """Aggregate normalised indicators into the groups and the score of the study.

    Parameters
    ----------
    frame
        Normalised indicators (what :func:`normalise` returns), one row per unit, NaN where unknown.
    study
        Weights, groups, aggregation and the missing-value rule.

    Returns
    -------
    pandas.DataFrame
        Same index; one column per group, then ``score`` (0 to 100, NaN where less than ``min_weight_share`` of the
        nominal weight is known) and ``weight_share`` (0 to 1).

    Notes
    -----
    At each node the weights are renormalised over the children that are known; a group under the threshold counts as
    missing in its parent. The geometric mean brings scores below 1 up to 1 first, or a single zero would cancel the
    whole unit (OECD/JRC Handbook, 2008, step 7).
    """
    values = indicator_values(frame, study)
    nodes = _weighting(values.notna().to_numpy(), study)
    known = values.fillna(0.0).to_numpy(dtype=float)
    columns = {group.id: _mean(known, nodes[group.id], study) for group in study.groups}
    columns["score"] = _mean(known, nodes[ROOT_GROUP], study)
    present = values.notna().to_numpy(dtype=float)
    columns["weight_share"] = present @ nominal_weights(study).to_numpy()
    return pd.DataFrame(columns, index=frame.index)


def _mean(known: FloatArray, node: Weighting, study: NeedStudy) -> FloatArray:
    if study.aggregation == "geometric":
        score = np.exp((node.weights * np.log(np.maximum(known, GEOMETRIC_FLOOR))).sum(axis=1))
    else:
        score = (node.weights * known).sum(axis=1)
    return np.where(node.share > 0, score, np.nan)


def _weighting(present: npt.NDArray[np.bool_], study: NeedStudy) -> dict[str, Weighting]:
    """Work out, from the leaves to the top, the weights of every node for each pattern of presence."""
    done: dict[str, Weighting] = {}
    for group in _leaves_first(study):
        children: list[tuple[float, Weighting]] = []
        for position, indicator in enumerate(study.indicators):
            if indicator.group == group:
                children.append((indicator.weight, _leaf(present, position)))
        children += [(child.weight, done[child.id]) for child in study.groups if child.parent == group]
        done[group] = _node(children, min_weight_share=study.min_weight_share)
    return done


def _leaves_first(study: NeedStudy) -> list[str]:
    order = [ROOT_GROUP]
    for name in order:
        order.extend(group.id for group in study.groups if group.parent == name)
    return order[::-1]


def _leaf(present: npt.NDArray[np.bool_], position: int) -> Weighting:
    weights = np.zeros(present.shape)
    weights[:, position] = present[:, position]
    return Weighting(weights, present[:, position].astype(float))


def _node(children: list[tuple[float, Weighting]], *, min_weight_share: float) -> Weighting:
    nominal = np.array([weight for weight, _ in children], dtype=float)
    shares = np.stack([child.share for _, child in children], axis=1)
    share = shares @ (nominal / nominal.sum())
    share = np.where(share >= min_weight_share - WEIGHT_TOLERANCE, share, 0.0)
    kept = nominal * (shares > 0)
    total = kept.sum(axis=1)
    kept = np.divide(kept, total[:, None], out=np.zeros_like(kept), where=(total > 0)[:, None])
    weights = np.zeros_like(children[0][1].weights)
    for position, (_, child) in enumerate(children):
        weights += kept[:, [position]] * child.weights
    return Weighting(np.where(share[:, None] > 0, weights, 0.0), share)
