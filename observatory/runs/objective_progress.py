"""Objectives checked against what the database knows, and followed with its figures."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from observatory.declared.study_reading import Study
from observatory.errors import InputFileError, UsageError
from observatory.gap.progress import Objective, Progress, progress
from observatory.runs.territory_series import territory_series
from observatory.store import objective_rows as store
from observatory.store import read
from observatory.store.tables import Indicator

PERIOD: Final = re.compile(r"^\d{4}(-(0[1-9]|1[0-2])|-T[1-4])?$")
COLUMNS: Final = {
    "code": ("code", "territoire"),
    "defi": ("defi", "défi"),
    "indicator": ("indicateur", "indicator"),
    "baseline_value": ("depart", "départ", "baseline_value"),
    "baseline_period": ("date_depart", "date départ", "baseline_period"),
    "target_value": ("cible", "target_value"),
    "target_period": ("date_cible", "date cible", "target_period"),
    "origin": ("origine", "origin"),
}
"""Our names and the headings of a file of objectives."""


@dataclass(frozen=True)
class Followed:
    """An objective with its territory's name, what its figure is called, and where it stands."""

    objective: Objective
    territory_name: str
    indicator_label: str
    unit: str
    source_ids: tuple[str, ...]
    progress: Progress


def checked(connection: Connection, study: Study, objective: Objective) -> Objective:
    """Return an objective with the level of its territory, once everything that it names exists.

    Raises
    ------
    UnknownTerritoryError
        If no territory bears the code.
    UsageError
        If the défi or the indicator is unknown, a period is not one, or the target is the start.
    """
    code = objective.code.strip().upper()
    level = read.territory_level(connection, code)
    study.need(objective.defi)
    if connection.execute(sa.select(Indicator.indicator).filter_by(indicator=objective.indicator)).first() is None:
        raise UsageError(
            f"L’indicateur « {objective.indicator} » n’existe pas : choisissez parmi ceux de docs/data-dictionary.md, "
            "par exemple job_seekers_count."
        )
    for period in (objective.baseline_period, objective.target_period):
        if not PERIOD.match(period):
            raise UsageError(f"La date « {period} » ne convient pas : écrivez 2024, 2024-06 ou 2024-T2.")
    if not objective.baseline_period < objective.target_period:
        raise UsageError("La date de la cible doit suivre celle du départ : corrigez l’une des deux.")
    if objective.baseline_value == objective.target_value:
        raise UsageError("La cible doit différer du départ : sans chemin à faire, il n’y a pas d’avancement.")
    if not objective.origin.strip():
        raise UsageError("Dites qui a décidé l’objectif et où c’est écrit (origine).")
    return replace(objective, level=level, code=code, origin=objective.origin.strip())


def read_objectives(path: Path) -> list[tuple[int, Objective]]:
    """Read a file of objectives (CSV or XLSX); each with its line.

    Raises
    ------
    InputFileError
        If the file can't be read, or a cell is empty or not a number where one is wanted.
    """
    from observatory.sources.formats.tables import read_table

    found = []
    for row in read_table(path, COLUMNS).to_dict("records"):
        empty = [name for name in COLUMNS if row[name] is None]
        if empty:
            raise InputFileError(f"{path.name}, ligne {row['line']} : « {COLUMNS[empty[0]][0]} » est vide.")
        texts: dict[str, Any] = {name: str(row[name]) for name in COLUMNS}
        for name in ("baseline_value", "target_value"):
            texts[name] = number(texts[name], where=f"{path.name}, ligne {row['line']}")
        found.append((int(row["line"]), Objective(level="", **texts)))
    return found


def number(text: str, *, where: str) -> float:
    """Return a number written the French way or not.

    Raises
    ------
    InputFileError
        If it is not one.
    """
    try:
        return float(re.sub(r"\s", "", text).replace(",", "."))
    except ValueError:
        raise InputFileError(f"{where} : « {text} » n’est pas un nombre.") from None


def followed(connection: Connection, *, level: str | None = None, code: str | None = None) -> list[Followed]:
    """Return the objectives of every territory, or of one, with where each stands."""
    labels = {
        row.indicator: (row.label, row.unit)
        for row in connection.execute(sa.select(Indicator.indicator, Indicator.label, Indicator.unit))
    }
    found, series, names = [], {}, {}
    for one in store.objectives(connection, level=level, code=code):
        place = one.level, one.code
        if place not in series:
            series[place] = territory_series(connection, *place)
            names[place] = str(read.territory(connection, *place)["name"])
        label, unit = labels.get(one.indicator, (one.indicator, ""))
        used = next((each for each in series[place] if each.indicator == one.indicator), None)
        found.append(
            Followed(one, names[place], label, unit, used.source_ids if used else (), progress(one, series[place]))
        )
    return found


def flat(one: Followed) -> dict[str, Any]:
    """Return an objective and where it stands as one row."""
    return {
        **asdict(one.objective),
        "name": one.territory_name,
        "label": one.indicator_label,
        "unit": one.unit,
        "value": one.progress.value,
        "period": one.progress.period,
        "progress_share": None if one.progress.share is None else round(one.progress.share, 4),
        "progress_status": one.progress.status,
        "sentence": one.progress.sentence,
    }
