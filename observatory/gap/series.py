"""Figures in time: series of a territory, by what they are measured on, and what changed; nothing is extrapolated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from observatory.words.numbers import count

SUMMABLE: Final = ("_count", "_t")
"""Ends of the names of figures that add up from commune to territory: persons and tonnes."""


@dataclass(frozen=True)
class Point:
    """One period; ``value`` is None where the figure is missing or covered by secrecy."""

    period: str
    value: float | None
    status: str


@dataclass(frozen=True)
class Series:
    """A figure in time, and what it is measured on."""

    indicator: str
    label: str
    unit: str
    basis: str
    """``own``: the territory; ``communes``: the sum of some of its communes; ``around``: a larger zone."""
    place_level: str
    place_code: str
    place_name: str
    note: str
    """French sentence that says what the figure is measured on."""
    source_ids: tuple[str, ...]
    points: tuple[Point, ...]

    @property
    def known(self) -> tuple[Point, ...]:
        """Points whose value is known, in time order."""
        return tuple(point for point in self.points if point.value is not None)

    @property
    def change(self) -> float | None:
        """Last known value less the first; None where fewer than two are known."""
        known = self.known
        if len(known) < 2:  # noqa: PLR2004
            return None
        return float(known[-1].value or 0.0) - float(known[0].value or 0.0)


def series_of(figures: pd.DataFrame, *, level: str, code: str, name: str, commune_count: int | None) -> list[Series]:
    """Arrange the figures of a territory into series, the closest to it first.

    Parameters
    ----------
    figures
        As ``store.read.series_frame`` returns them.
    level, code, name, commune_count
        The territory; how many communes it has.

    Returns
    -------
    list of Series
        A territory's own figure hides the sum of its communes. A sum holds the same communes at every period: those
        whose every period is known; the note says how many of how many. Zones around are given as they are: their
        figure is not the territory's.
    """
    found: list[Series] = []
    for indicator, rows in figures.groupby("indicator", sort=True):
        own = rows[rows["basis"] == "own"]
        if len(own):
            found.append(_one(own, "own", "", (level, code, name)))
        elif str(indicator).endswith(SUMMABLE):
            summed = _sum(rows[rows["basis"] == "communes"], commune_count, (level, code, name))
            if summed is not None:
                found.append(summed)
        for (at, where), zone in rows[rows["basis"] == "around"].groupby(["level", "code"]):
            if at == "departement" and level == "region":
                continue
            kind = "de la zone d’emploi" if at == "zone_emploi" else "du département"
            held = "qui contient tout ou partie du territoire" if level != "region" else "de la région"
            label = zone["name"].iloc[0]
            note = f"Chiffre {kind} « {label} », {held} : ce n’est pas celui du territoire."
            found.append(_one(zone, "around", note, (str(at), str(where), label)))
    order = {"own": 0, "communes": 1, "around": 2}
    return sorted(found, key=lambda one: (order[one.basis], one.label, one.place_name))


def value_at(series: Series, period: str) -> float | None:
    """Return the figure of one period, None where it isn't known."""
    return next((point.value for point in series.points if point.period == period), None)


def _one(rows: pd.DataFrame, basis: str, note: str, place: tuple[str, str, str]) -> Series:
    points = [
        Point(str(period), None if np.isnan(value) else float(value), str(status))
        for period, value, status in zip(rows["period"], rows["value"], rows["status"], strict=True)
    ]
    return _series(rows, basis, note, place, points)


def _sum(rows: pd.DataFrame, commune_count: int | None, place: tuple[str, str, str]) -> Series | None:
    table = rows.pivot_table(index="code", columns="period", values="value", aggfunc="first").dropna()
    if table.empty:
        return None
    total = table.sum()
    known, whole = len(table), commune_count
    if whole is not None and known == whole:
        note = f"Somme de ses {count(whole)} communes."
    else:
        of = "" if whole is None else f" sur {count(whole)}"
        if known == 1:
            only = rows.loc[rows["code"] == table.index[0], "name"].iloc[0]
            note = f"Une seule commune{of} a une série publiée en entier : {only}."
        else:
            note = f"Somme de {count(known)} communes{of}, les seules dont la série est publiée en entier."
    points = [Point(str(period), float(value), "observed") for period, value in total.items()]
    return _series(rows, "communes", note, place, points)


def _series(rows: pd.DataFrame, basis: str, note: str, place: tuple[str, str, str], points: Sequence[Point]) -> Series:
    first: Any = rows.iloc[0]
    return Series(
        indicator=str(first["indicator"]),
        label=str(first["label"]),
        unit=str(first["unit"]),
        basis=basis,
        place_level=place[0],
        place_code=place[1],
        place_name=place[2],
        note=note,
        source_ids=tuple(sorted(set(rows["source_id"]))),
        points=tuple(points),
    )
