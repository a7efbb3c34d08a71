"""How unequally access is shared out: Gini, Theil, Palma, concentration index, and the FGT measures of lack of access.

Definitions are those of the R package ``accessibility`` (Pereira & Herszenhut, Ipea), whose published figures for
Belo Horizonte the tests reproduce.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from observatory.access.pairs import Floats, as_floats, check_quantity
from observatory.errors import UsageError


@dataclass(frozen=True, slots=True)
class Fgt:
    """Foster–Greer–Thorbecke measures, each in [0, 1]."""

    headcount: float
    """Share of persons below the line (α = 0)."""
    depth: float
    """Mean relative shortfall, 0 for those above the line (α = 1)."""
    severity: float
    """Mean squared relative shortfall (α = 2)."""


def gini(access: ArrayLike, population: ArrayLike) -> float:
    """Return the Gini index of access between persons, 0 (all equal) to 1; NaN if there is nobody or no access.

    Parameters
    ----------
    access, population
        Access of each unit and persons in it, ``(n,)``, 0 or more.
    """
    values, people = _checked(access, population)
    order = np.argsort(values, kind="stable")
    persons, total = people[order], values[order] * people[order]
    if not total.sum() > 0:
        return float("nan")
    upper = np.cumsum(total) / total.sum()
    lower = np.concatenate(([0.0], upper[:-1]))
    return float(1.0 - np.sum((lower + upper) * persons) / persons.sum())


def theil(access: ArrayLike, population: ArrayLike) -> float:
    """Return the Theil T index of access between persons, 0 (all equal) to ln n; NaN if nobody or no access."""
    values, people = _checked(access, population)
    if not np.sum(values * people) > 0:
        return float("nan")
    ratio = values / np.average(values, weights=people)
    terms = np.zeros_like(ratio)
    np.log(ratio, out=terms, where=ratio > 0)
    return float(np.average(ratio * terms, weights=people))


def palma(access: ArrayLike, population: ArrayLike, income: ArrayLike) -> float:
    """Return the mean access of the richest 10 % of persons over that of the poorest 40 %.

    Parameters
    ----------
    access, population
        Access of each unit and persons in it, ``(n,)``, 0 or more.
    income
        Income per head of each unit, ``(n,)``; a unit without income (NaN) belongs to neither group.

    Returns
    -------
    float
        The ratio; NaN if a group is empty or the poorest have no access at all.
    """
    values, people = _checked(access, population)
    incomes = _same_shape(income, values)
    low, high = _weighted_quantiles(incomes, people, (0.4, 0.9))
    poorest, richest = incomes <= low, incomes > high
    if not (people[poorest].sum() > 0 and people[richest].sum() > 0):
        return float("nan")
    floor = np.average(values[poorest], weights=people[poorest])
    return float(np.average(values[richest], weights=people[richest]) / floor) if floor > 0 else float("nan")


def concentration_index(
    access: ArrayLike,
    population: ArrayLike,
    income: ArrayLike,
    *,
    kind: Literal["standard", "corrected"] = "corrected",
) -> float:
    """Return how far access follows income, −1 (all to the poorest) to 1 (all to the richest).

    Parameters
    ----------
    access, population
        Access of each unit and persons in it, ``(n,)``, 0 or more.
    income
        Income per head, or any variable that orders units from the least to the most privileged. Units where it is
        missing (NaN) or that are empty are left out; units of equal income share their mean rank, so that the order
        of the rows doesn't matter.
    kind
        ``"standard"``: relative index; ``"corrected"``: bounded index of Erreygers (2009), « Correcting the
        Concentration Index », Journal of Health Economics 28(2), 504–515, with the bounds observed over all units.

    Returns
    -------
    float
        The index; NaN if nobody is left, or access is nil or (corrected) the same everywhere.
    """
    values, people = _checked(access, population)
    incomes = _same_shape(income, values)
    spread = float(np.ptp(values)) if values.size else 0.0
    keep = (people > 0) & ~np.isnan(incomes)
    values, people = values[keep], people[keep]
    mean = float(np.average(values, weights=people)) if people.size else 0.0
    if not mean > 0 or (kind == "corrected" and not spread > 0):
        return float("nan")
    share = people / people.sum()
    _, group = np.unique(incomes[keep], return_inverse=True)
    together = np.bincount(group, weights=share)
    rank = (np.cumsum(together) - together / 2.0)[group]
    covariance = float(np.sum(share * (values - mean) * rank))
    return 2.0 * covariance / mean if kind == "standard" else 8.0 * covariance / spread


def fgt(access: ArrayLike, population: ArrayLike, *, line: float) -> Fgt:
    """Return the share of persons below ``line``, and the depth and severity of what they lack.

    Parameters
    ----------
    access, population
        Access of each unit and persons in it, ``(n,)``, 0 or more.
    line
        Access under which a person lacks it (strictly), in the unit of ``access``, above 0.

    References
    ----------
    Foster, Greer & Thorbecke (1984), « A class of decomposable poverty measures », Econometrica 52(3), 761–766.

    Raises
    ------
    UsageError
        If the line is not above 0 or nobody lives there.
    """
    values, people = _checked(access, population)
    if not (np.isfinite(line) and line > 0):
        raise UsageError("La ligne de pauvreté d’accès doit être un nombre supérieur à 0.")
    if not people.sum() > 0:
        raise UsageError("La population est nulle partout : la pauvreté d’accès n’est pas définie.")
    gap = np.maximum(0.0, (line - values) / line)
    measures = (values < line, gap, np.square(gap))
    headcount, depth, severity = (float(np.average(measure, weights=people)) for measure in measures)
    return Fgt(headcount=headcount, depth=depth, severity=severity)


def _checked(access: ArrayLike, population: ArrayLike) -> tuple[Floats, Floats]:
    values, people = check_quantity(access, "Accès"), check_quantity(population, "Population")
    if values.shape != people.shape:
        raise UsageError("L’accès et la population doivent avoir une valeur par unité, dans le même ordre.")
    return values, people


def _same_shape(income: ArrayLike, values: Floats) -> Floats:
    incomes = as_floats(income, "Revenu")
    if incomes.shape != values.shape:
        raise UsageError("Le revenu et l’accès doivent avoir une valeur par unité, dans le même ordre.")
    return incomes


def _weighted_quantiles(values: Floats, people: Floats, shares: tuple[float, ...]) -> Floats:
    """Return quantiles of ``values`` as if each were repeated ``people`` times, interpolated (type 7).

    Follows ``Hmisc::wtd.quantile(type = "quantile")``; missing values and empty units are left out.
    """
    keep = ~np.isnan(values) & (people > 0)
    order = np.argsort(values[keep], kind="stable")
    ordered, reached = values[keep][order], np.cumsum(people[keep][order])
    if not ordered.size:
        return np.full(len(shares), np.nan)
    position = 1.0 + (reached[-1] - 1.0) * np.asarray(shares)
    low = np.maximum(np.floor(position), 1.0)
    high = np.minimum(low + 1.0, reached[-1])
    last = ordered.size - 1
    at_low = ordered[np.minimum(np.searchsorted(reached, low, side="left"), last)]
    at_high = ordered[np.minimum(np.searchsorted(reached, high, side="left"), last)]
    part = position % 1.0
    quantiles: Floats = (1.0 - part) * at_low + part * at_high
    return quantiles
