"""Carries figures of communes that have merged since to the commune that they are part of now."""

from __future__ import annotations

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


def _present(code: str, known: set[str], successor: dict[str, str]) -> str | None:
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
