"""Carries figures of communes that have merged since to the commune that they are part of now."""

from __future__ import annotations

import pandas as pd


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
