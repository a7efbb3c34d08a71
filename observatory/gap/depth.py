"""How deep the lack of access goes, and for whom: FGT by territory, QPV against commune, rural against urban."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from observatory.access.distribution import fgt
from observatory.errors import UsageError

DENSITY_CLASSES: Final[Mapping[str, str]] = {
    "1": "urbain",
    "2": "urbain",
    "3": "urbain",
    "4": "urbain",
    "5": "rural",
    "6": "rural",
    "7": "rural",
}
"""Insee's density grid in seven levels: rural is levels 5 to 7, "rural" in its three-level form (Insee, 2022)."""

UNKNOWN_CLASS: Final = "inconnu"
NOT_FRR: Final = frozenset({"non_classee"})
"""Codes of the zoning ``frr`` that mean outside it."""


def depths(
    satisfied_share: pd.Series, persons_count: pd.Series, group_code: pd.Series, *, line: float = 1.0
) -> pd.DataFrame:
    """Return how many persons lack access in each group, and how much they lack.

    Parameters
    ----------
    satisfied_share
        Supply over the norm by commune, 0 to 1.
    persons_count
        Persons in need (or inhabitants) by commune; a commune where they are unknown counts for nobody.
    group_code
        Group of each commune: EPCI, département, défi's class… A commune without group is left out.
    line
        Share under which a person lacks access: 1, less than the norm; 0.5, the cut of the typology.

    Returns
    -------
    pandas.DataFrame
        Index: groups. ``persons_count``; ``lacking_count`` (persons below the line); ``headcount``, ``depth``,
        ``severity`` (FGT, 0 to 1; NaN where nobody is counted). Each measure of a whole is the mean of those of its
        parts weighted by their persons.

    Notes
    -----
    J. Foster, J. Greer and E. Thorbecke, Econometrica 52 (1984), by `observatory.access.distribution.fgt`.
    """
    index = satisfied_share.index
    frame = pd.DataFrame(
        {
            "access": satisfied_share.astype(float),
            "persons": persons_count.reindex(index).astype("Float64").fillna(0.0).astype(float),
            "group": group_code.reindex(index),
        }
    ).dropna(subset=["access", "group"])
    found = {}
    for group, rows in frame.groupby("group"):
        persons = rows["persons"].to_numpy()
        nobody = persons.sum() <= 0
        measures = None if nobody else fgt(rows["access"].to_numpy(), persons, line=line)
        found[group] = {
            "persons_count": round(float(persons.sum())),
            "lacking_count": round(float(persons[(rows["access"] < line).to_numpy()].sum())),
            "headcount": np.nan if measures is None else measures.headcount,
            "depth": np.nan if measures is None else measures.depth,
            "severity": np.nan if measures is None else measures.severity,
        }
    columns = ["persons_count", "lacking_count", "headcount", "depth", "severity"]
    frame = pd.DataFrame.from_dict(found, orient="index", columns=columns).rename_axis("code")
    return frame.astype({"persons_count": "Int64", "lacking_count": "Int64"})


def density_class(density_level: pd.Series) -> pd.Series:
    """Return ``rural`` or ``urbain`` from the levels ``"1"`` to ``"7"`` of the density grid, ``inconnu`` elsewhere."""
    return density_level.map(DENSITY_CLASSES).fillna(UNKNOWN_CLASS).rename("density_class")


def frr_class(frr_status: pd.Series, *, outside_codes: frozenset[str] = NOT_FRR) -> pd.Series:
    """Return whether each commune is in a zone France ruralités revitalisation: ``frr``, ``hors_frr`` or ``inconnu``.

    Parameters
    ----------
    frr_status
        Code of the zoning ``frr`` by commune.
    outside_codes
        Codes that mean "not classified".
    """
    inside = pd.Series(np.where(frr_status.isin(outside_codes), "hors_frr", "frr"), index=frr_status.index)
    return inside.where(frr_status.notna(), UNKNOWN_CLASS).rename("frr_class")


def compared(by_class: pd.DataFrame, *, subject: str, reference: str) -> pd.Series:
    """Return how much worse off one class is than another, measure by measure.

    Parameters
    ----------
    by_class
        What `depths` returns with classes for groups.
    subject, reference
        Two of its classes: ``rural`` against ``urbain``.

    Returns
    -------
    pandas.Series
        ``headcount_difference, depth_difference, severity_difference`` (subject less reference, −1 to 1) and
        ``lacking_ratio``: how many times likelier it is to lack access in the subject (NaN if never in the reference).

    Raises
    ------
    UsageError
        If a class is not there.
    """
    for name in (subject, reference):
        if name not in by_class.index:
            raise UsageError(f"La classe « {name} » n’a aucune commune : choisissez parmi {', '.join(by_class.index)}.")
    measures = by_class[["headcount", "depth", "severity"]].astype(float)
    one, other = measures.loc[[subject]].to_numpy()[0], measures.loc[[reference]].to_numpy()[0]
    ratio = one[0] / other[0] if other[0] > 0 else np.nan
    names = [*(f"{name}_difference" for name in measures.columns), "lacking_ratio"]
    return pd.Series([*(one - other), ratio], index=names)


def qpv_against_commune(qpv: pd.DataFrame, communes: pd.DataFrame, commune_code: pd.Series) -> pd.DataFrame:
    """Set the access at the point of each QPV against that of its commune.

    Parameters
    ----------
    qpv, communes
        Index: codes; columns ``access_score`` (0 to 100) and ``nearest_min``, NaN where unknown.
    commune_code
        Commune of each QPV (the first of them if it straddles several), indexed by QPV.

    Returns
    -------
    pandas.DataFrame
        Index of ``qpv``: ``commune_code, access_score, commune_access_score, access_difference, nearest_min,
        commune_nearest_min, nearest_difference_min`` (positive: the QPV is farther), and ``is_worse_off``: less access,
        or as much and farther; NA where either is unknown. Nobody is counted: who lives in a QPV is not in the data.
    """
    home = commune_code.reindex(qpv.index)
    around = communes.reindex(pd.Index(home))
    own = qpv[["access_score", "nearest_min"]].astype(float)
    there = around[["access_score", "nearest_min"]].astype(float).set_axis(qpv.index, axis="index")
    access = (own["access_score"] - there["access_score"]).round(1)
    minutes = (own["nearest_min"] - there["nearest_min"]).round(1)
    worse = ((access < 0) | ((access == 0) & (minutes > 0))).astype("boolean")
    return pd.DataFrame(
        {
            "commune_code": home,
            "access_score": own["access_score"],
            "commune_access_score": there["access_score"],
            "access_difference": access,
            "nearest_min": own["nearest_min"],
            "commune_nearest_min": there["nearest_min"],
            "nearest_difference_min": minutes,
            "is_worse_off": worse.mask(access.isna()),
        }
    )
