"""Carries figures of communes that have merged since to the commune that they are part of now."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from observatory.errors import InputFileError


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


def carry(codes: pd.Series, *, known: set[str], successor: dict[str, str]) -> pd.Series:
    """Return each code as it is today: itself if still a commune, or its successor; ``None`` if neither is known."""
    moved = codes.where(codes.isin(known), codes.map(successor))
    return moved.where(moved.isin(known), None)


@dataclass(frozen=True, eq=False)
class Carried:
    """Counts by commune of an older vintage, carried to the communes of today.

    ``counts``: indexed by present code, sorted, columns of the counts. ``moved``: former code → present code, those
    that differ only. ``lost``: counts of the codes that lead nowhere, to be told and never forgotten.
    """

    counts: pd.DataFrame
    moved: pd.Series
    lost: pd.DataFrame


def carry_counts(counts: pd.DataFrame, *, present: set[str], successor: dict[str, str]) -> Carried:
    """Add the counts of merged communes to the commune that they are part of now: nobody is lost or counted twice.

    Only counts (persons, households, births) may be carried that way; a rate or a median may not.

    Parameters
    ----------
    counts
        Whole numbers, indexed by commune code of their vintage; a missing count stays out of the sum.
    present
        Codes of today's communes.
    successor
        Former code → present code (see :func:`successors`); followed step by step when communes merged twice.

    Returns
    -------
    Carried
        The total of ``counts`` is that of the carried counts plus that of the lost ones, to the unit.

    Raises
    ------
    InputFileError
        If a code comes twice, or if successors turn in a circle.
    """
    twice = counts.index[counts.index.duplicated()]
    if len(twice):
        raise InputFileError(f"La commune {twice[0]} est dite deux fois : gardez une seule ligne par commune.")
    today = pd.Series([_present(str(code), present, successor) for code in counts.index], index=counts.index)
    is_lost = today.isna()
    kept = counts[~is_lost]
    added = kept.groupby(today[~is_lost].to_numpy()).sum(min_count=1).sort_index()
    added.index.name = counts.index.name
    changed = today[~is_lost & today.ne(pd.Series(counts.index, index=counts.index))]
    return Carried(counts=added, moved=changed, lost=counts[is_lost])


def _present(code: str, present: set[str], successor: dict[str, str]) -> str | None:
    """Follow the mergers of a commune up to one of today."""
    seen = {code}
    while code not in present:
        if code not in successor:
            return None
        code = successor[code]
        if code in seen:
            raise InputFileError(
                f"Les successions de communes tournent en rond autour de {code} : corrigez « history.toml »."
            )
        seen.add(code)
    return code
