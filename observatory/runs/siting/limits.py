"""The limits of a siting question, from the codes that a reader writes to the columns of the model."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from observatory.declared.siting_study import SitingStudy
from observatory.errors import UsageError
from observatory.siting.question.arrays import Limits
from observatory.siting.solvers.solution import Floats


def limits_of(siting: SitingStudy, sites: pd.DataFrame) -> Limits:
    """Return the limits of a question over the columns of its sites.

    Raises
    ------
    UsageError
        If a code names no candidate, or no structure that a service of the question has.
    """
    column = _columns(sites)
    existing = set(sites["code"][sites["is_existing"]].astype(str))
    candidate = {code: position for code, position in column.items() if code not in existing}
    structure = {code: position for code, position in column.items() if code in existing}
    _known((*siting.required, *(code for pair in siting.incompatible for code in pair)), candidate, "Candidat")
    _known((one.code for one in siting.closable), structure, "Structure")
    cost = None
    if siting.costs is not None:
        _known(siting.costs.by_site, candidate, "Candidat")
        by_site = siting.costs.by_site
        cost = np.array(
            [
                0.0 if is_existing else float(by_site.get(code, siting.costs.site))
                for code, is_existing in zip(sites["code"], sites["is_existing"], strict=True)
            ]
        )
    closing = None
    if siting.closable:
        closing = np.full(len(structure), np.nan)
        for one in siting.closable:
            closing[structure[one.code]] = one.closing_cost - one.saving
    return Limits(
        required=tuple(candidate[code] for code in siting.required),
        incompatible=tuple((candidate[first], candidate[second]) for first, second in siting.incompatible),
        site_cost=cost,
        closing_cost=closing,
        budget=None if siting.costs is None else siting.costs.budget,
    )


def forbid(
    siting: SitingStudy, units: pd.DataFrame, sites: pd.DataFrame, existing_min: Floats, candidate_min: Floats
) -> None:
    """Make the declared pairs of a unit and a site unreachable, in place.

    Raises
    ------
    UsageError
        If a code names no unit or no site.
    """
    row = {str(code): position for position, code in enumerate(units["code"])}
    column = _columns(sites)
    for unit, site in siting.forbidden:
        _known([unit], row, "Unité")
        _known([site], column, "Site")
        is_existing = column[site] < existing_min.shape[1]
        minutes = existing_min if is_existing else candidate_min
        minutes[row[unit], column[site] - (0 if is_existing else existing_min.shape[1])] = np.inf


def _columns(sites: pd.DataFrame) -> dict[str, int]:
    return {str(code): position for position, code in enumerate(sites["code"])}


def _known(codes: Iterable[str], known: dict[str, int], word: str) -> None:
    unknown = [code for code in codes if code not in known]
    if unknown:
        raise UsageError(
            f"{word} « {unknown[0]} » : ce code n’est pas dans la question ; reprenez un code que la réponse donne."
        )
