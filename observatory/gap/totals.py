"""Add the communes up: every level above is their plain sum, or their mean weighted by population."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from observatory.declared.verdict_study import Cuts
from observatory.errors import NotComputedError
from observatory.gap.accounts import Ledger
from observatory.gap.typology import priority, typology
from observatory.parameters import MINUTES_DECIMALS, SCORE_DECIMALS

COUNTS: Final = (
    "population_count",
    "need_volume_count",
    "served_count",
    "reachable_full_count",
    "out_of_reach_count",
    "in_need_out_of_reach_count",
)


def commune_accounts(
    result: Ledger, *, codes: pd.Index, nearest_min: pd.Series, need_volume_count: pd.Series
) -> pd.DataFrame:
    """Lay one service's ledger out by commune, with the persons in need who are out of reach.

    Parameters
    ----------
    result
        The ledger, in the order of ``codes``.
    codes
        Communes.
    nearest_min
        Minutes, indexed by commune; NaN or infinite where there is no site.
    need_volume_count
        Whole persons in need, indexed by commune; NA where unknown.

    Returns
    -------
    pandas.DataFrame
        Index ``codes``; the counts of :data:`COUNTS` (``Int64``), ``satisfied_share`` and ``nearest_min``.
    """
    volume = need_volume_count.reindex(codes).astype("Int64")
    return pd.DataFrame(
        {
            "population_count": pd.array(result.population_count, dtype="Int64"),
            "need_volume_count": volume,
            "served_count": pd.array(result.served_count, dtype="Int64"),
            "reachable_full_count": pd.array(result.reachable_full_count, dtype="Int64"),
            "out_of_reach_count": pd.array(result.out_of_reach_count, dtype="Int64"),
            "in_need_out_of_reach_count": volume.mask(result.is_reachable, 0),
            "satisfied_share": result.satisfied_share,
            "nearest_min": nearest_min.reindex(codes).astype(float).replace(np.inf, np.nan),
        },
        index=codes,
    )


def total(communes: pd.DataFrame, keys: pd.Series) -> pd.DataFrame:
    """Sum the accounts of the communes by group.

    Parameters
    ----------
    communes
        What :func:`commune_accounts` returns.
    keys
        Code of the group of each commune, indexed by commune; every commune must have one.

    Returns
    -------
    pandas.DataFrame
        Index: groups. Counts are sums (a commune whose volume is unknown adds nothing); ``satisfied_share`` and
        ``nearest_min`` are means weighted by population, over the communes where they are known.

    Raises
    ------
    NotComputedError
        If a commune belongs to no group: the sum would not add up.
    """
    groups = keys.reindex(communes.index)
    if groups.isna().any():
        code = groups.index[groups.isna()][0]
        raise NotComputedError(
            f"La commune {code} n’est rattachée à aucun territoire de ce niveau : rechargez la base."
        )
    sums = communes[list(COUNTS)].groupby(groups).sum()
    population = communes["population_count"].astype(float)
    for name in ("satisfied_share", "nearest_min"):
        weight = population.where(communes[name].notna(), 0.0)
        weighted = (communes[name].fillna(0.0) * weight).groupby(groups).sum()
        known = weight.groupby(groups).sum()
        sums[name] = weighted / known.where(known > 0)
    return sums


def gap_rows(accounts: pd.DataFrame, need_score: pd.Series, *, cuts: Cuts) -> pd.DataFrame:
    """Cross the accounts of a level with its need scores, rounding once.

    Parameters
    ----------
    accounts
        One row per territory (:func:`commune_accounts` or :func:`total`).
    need_score
        0 to 100, indexed by territory; NaN where there is no score.
    cuts
        Cuts of the typology.

    Returns
    -------
    pandas.DataFrame
        Index of ``accounts``: ``population_count, need_score, need_volume_count, access_score, nearest_min,
        served_count, reachable_full_count, out_of_reach_count, in_need_out_of_reach_count, priority_score, typology``.
    """
    need = need_score.reindex(accounts.index).astype(float).round(SCORE_DECIMALS)
    access = (accounts["satisfied_share"].astype(float) * 100.0).round(SCORE_DECIMALS)
    rows = accounts[list(COUNTS)].copy()
    rows["need_score"] = need
    rows["access_score"] = access
    rows["nearest_min"] = accounts["nearest_min"].astype(float).round(MINUTES_DECIMALS)
    rows["priority_score"] = priority(need, access)
    rows["typology"] = typology(need, access, cuts=cuts)
    return rows[
        [
            "population_count",
            "need_score",
            "need_volume_count",
            "access_score",
            "nearest_min",
            "served_count",
            "reachable_full_count",
            "out_of_reach_count",
            "in_need_out_of_reach_count",
            "priority_score",
            "typology",
        ]
    ]
