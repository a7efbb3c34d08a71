"""Carries figures of communes that have merged since to the commune that they are part of now."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

import pandas as pd

from observatory.errors import InputFileError
from observatory.sources.batch import Sieve


def successors(delegated: pd.DataFrame, declared: dict[str, str]) -> dict[str, str]:
    """Return former commune code → present commune code.

    Parameters
    ----------
    delegated
        Communes déléguées and associées: ``code``, ``commune_code`` (their commune of today).
    declared
        ``geodata/history.toml``: former codes that no commune déléguée tells.
    """
    links = {str(code): str(parent) for code, parent in zip(delegated["code"], delegated["commune_code"], strict=True)}
    return {code: parent for code, parent in {**links, **declared}.items() if code != parent}


def carry(codes: pd.Series, *, known: AbstractSet[str], successor: dict[str, str]) -> pd.Series:
    """Return each code as it is today: itself if still a commune, or its successor; ``None`` if neither is known.

    Parameters
    ----------
    codes
        Commune codes of any vintage.
    known
        Codes of today's communes.
    successor
        Former code → present code (see :func:`successors`); followed step by step when communes merged twice.

    Raises
    ------
    InputFileError
        If successors turn in a circle.
    """
    today = {code: _present(code, known, successor) for code in codes.dropna().unique()}
    return codes.map(today).astype(object).where(codes.map(today).notna(), None)


def carried(sieve: Sieve, *, communes: AbstractSet[str], successor: dict[str, str]) -> pd.Series:
    """Put aside the rows whose ``commune_code`` leads to no commune of today, and return today's code of the others.

    Raises
    ------
    InputFileError
        If successors turn in a circle.
    """
    today = carry(sieve.frame["commune_code"], known=communes, successor=successor)
    sieve.reject(today.isna(), "commune absente des territoires de l’observatoire, et sans commune qui lui succède")
    return today.loc[sieve.frame.index]


def added(counts: pd.DataFrame, today: pd.Series, *, communes: AbstractSet[str]) -> pd.DataFrame:
    """Add the counts of merged communes to the commune that they are part of now: nobody is lost or counted twice.

    Only counts (persons, households, births) may be carried that way; a rate or a median may not.

    Parameters
    ----------
    counts
        One row per commune of their vintage; a missing count stays out of the sum.
    today
        The commune of today of each row, same index.
    communes
        Those of today.

    Returns
    -------
    pandas.DataFrame
        One row for each of ``communes``, sorted, ``commune_code`` first; missing where no row leads there.
    """
    sums = counts.groupby(today).sum(min_count=1)
    return sums.reindex(sorted(communes)).rename_axis("commune_code").reset_index()


def _present(code: str, known: AbstractSet[str], successor: dict[str, str]) -> str | None:
    """Follow the mergers of a commune up to one of today."""
    seen = {code}
    while code not in known:
        if code not in successor:
            return None
        code = successor[code]
        if code in seen:
            raise InputFileError(
                f"Les successions de communes tournent en rond autour de {code} : corrigez « history.toml »."
            )
        seen.add(code)
    return code
