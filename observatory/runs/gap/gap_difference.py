"""Two stored gap analyses set side by side: which inputs and choices differ, and what each territory owes to them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from observatory.errors import UsageError
from observatory.gap.change import EFFECTS, Perimeter, score_effects, study_of
from observatory.need import NeedStudy
from observatory.runs.need.member_change import perimeter_of
from observatory.store import read
from observatory.store.tables import Run

SHORTEST: Final = 6
COMPARED: Final = ("need_score", "access_score", "population_count", "out_of_reach_count", "in_need_out_of_reach_count")
METHOD: Final = ("study_id", "study_version", "method_version", "threshold_min", "cuts", "steps", "travel")
NOT_APART: Final = "non séparé de l’effet des données"
_HASH: Final = re.compile(r"^[0-9a-f]+$")


@dataclass(frozen=True)
class Difference:
    """What two analyses say of each territory of a level, and what differs between them."""

    before: dict[str, Any]
    after: dict[str, Any]
    rows: list[dict[str, Any]]
    changed_inputs: list[str]
    changed_choices: list[str]
    appeared: list[str]
    disappeared: list[str]
    changed_members: list[str] | None
    """Territories that are not the sum of the same communes; None if the members of one analysis are not known."""


def stored_runs(connection: Connection) -> list[dict[str, Any]]:
    """Return the gap analyses that the database keeps, the latest first."""
    query = sa.select(Run.run_hash, Run.defi, Run.service, Run.created_at, Run.is_default, Run.parameters)
    query = query.where(Run.kind == "gap").order_by(Run.created_at.desc(), Run.run_hash)
    return [dict(row) for row in connection.execute(query).mappings()]


def find_run(connection: Connection, prefix: str) -> dict[str, Any]:
    """Return the gap analysis whose name begins with ``prefix``.

    Raises
    ------
    UsageError
        If the prefix is too short, or none or several analyses begin with it.
    """
    text = prefix.strip().lower()
    if len(text) < SHORTEST or not _HASH.match(text):
        raise UsageError(f"« {prefix} » ne désigne pas un calcul : donnez au moins {SHORTEST} caractères de son nom.")
    query = sa.select(Run.run_hash).where(Run.kind == "gap", Run.run_hash.startswith(text)).limit(2)
    found = connection.execute(query).scalars().all()
    if len(found) != 1:
        why = "Plusieurs calculs commencent" if found else "Aucun calcul de lacunes ne commence"
        raise UsageError(f"{why} par « {prefix} » : « observatory diff » sans nom montre ceux qui existent.")
    return read.run(connection, found[0])


def difference(
    connection: Connection,
    before: str,
    after: str,
    *,
    level: str,
    territory: str | None,
    study_path: Path | None = None,
) -> Difference:
    """Compare two analyses of the same défi and service.

    Parameters
    ----------
    before, after
        Their names, or the beginnings of them.
    level, territory
        As for a gap analysis.
    study_path
        Study that one of the two was made with; None: the observatory's. Needed to tell the effect of perimeters apart.

    Raises
    ------
    UsageError
        If a name is not that of one analysis, or the two answer different questions.
    """
    one, other = find_run(connection, before), find_run(connection, after)
    if (one["defi"], one["service"]) != (other["defi"], other["service"]):
        raise UsageError("Les deux calculs ne portent pas sur le même défi et le même service : comparez-en d’autres.")
    tables = []
    for run in (one, other):
        rows = read.gap_rows(connection, run["run_hash"], level, territory=territory)
        tables.append(pd.DataFrame(rows, columns=["code", "name", *COMPARED]).set_index("code"))
    scores = tables[0]["need_score"], tables[1]["need_score"]
    effects, perimeter = _effects(connection, (one, other), level=level, scores=scores, study_path=study_path)
    both = [code for code in tables[1].index if code in tables[0].index]
    changed = [name for name in _keys(one, other) if one["inputs"].get(name) != other["inputs"].get(name)]
    choices = [name for name in METHOD if one["parameters"].get(name) != other["parameters"].get(name)]
    names = [table["name"].to_dict() for table in tables]
    return Difference(
        one,
        other,
        [_row(code, tables[0], tables[1], effects) for code in both],
        changed,
        choices,
        [f"{names[1][code]} ({code})" for code in tables[1].index if code not in names[0]],
        [f"{names[0][code]} ({code})" for code in tables[0].index if code not in names[1]],
        _changed_members(perimeter, names[1], both),
    )


def _changed_members(perimeter: Perimeter | None, names: Mapping[Any, str], codes: list[str]) -> list[str] | None:
    if perimeter is None:
        return []
    return None if perimeter.moved is None else [f"{names[code]} ({code})" for code in codes if code in perimeter.moved]


def _keys(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return sorted({*one["inputs"], *other["inputs"]} - {"need", "access"})


def _effects(
    connection: Connection,
    runs: tuple[dict[str, Any], dict[str, Any]],
    *,
    level: str,
    scores: tuple[pd.Series, pd.Series],
    study_path: Path | None,
) -> tuple[pd.DataFrame, Perimeter | None]:
    before, after = (read.run(connection, str(run["parameters"]["need_run"])) for run in runs)
    studies = study_of(before["parameters"]), study_of(after["parameters"])
    values = _values(connection, before, studies[0], level), _values(connection, after, studies[1], level)
    perimeter = perimeter_of(connection, (before, after), values, level=level, study_path=study_path)
    found = score_effects(*values, *studies, before_score=scores[0], after_score=scores[1], perimeter=perimeter)
    is_held = found["perimeter_effect"].isna() & found["data_effect"].notna() & (perimeter is not None)
    notes = pd.Series([NOT_APART if one else None for one in is_held], index=found.index, dtype=object)
    return found.assign(perimeter_note=notes), perimeter


def _values(connection: Connection, need: dict[str, Any], study: NeedStudy, level: str) -> pd.DataFrame:
    names = study.indicator_ids
    components = read.need_components(connection, need["run_hash"], level)
    values = {code: [all_of.get(name, {}).get("value") for name in names] for code, all_of in components.items()}
    return pd.DataFrame.from_dict(values, orient="index", columns=names).astype(float)


def _row(code: str, before: pd.DataFrame, after: pd.DataFrame, effects: pd.DataFrame) -> dict[str, Any]:
    row: dict[str, Any] = {"code": code, "name": after["name"][code]}
    for column in COMPARED:
        old, new = _known(before[column][code]), _known(after[column][code])
        row |= {f"{column}_before": old, f"{column}_after": new}
        row[f"{column}_change"] = None if old is None or new is None else round(new - old, 1)
    for name in EFFECTS:
        row[f"need_score_{name}"] = _known(effects[name].get(code))
    row["need_score_perimeter_note"] = effects["perimeter_note"].get(code)
    return row


def _known(value: Any) -> float | None:  # noqa: ANN401  (a cell of a frame)
    return None if value is None or pd.isna(value) else float(value)
