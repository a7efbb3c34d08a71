"""Two stored gap analyses set side by side: which inputs and choices differ, and what each territory owes to them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from observatory.errors import UsageError
from observatory.gap.difference import EFFECTS, score_effects, study_of
from observatory.store import read
from observatory.store.tables import Run

SHORTEST: Final = 6
COMPARED: Final = ("need_score", "access_score", "population_count", "out_of_reach_count", "in_need_out_of_reach_count")
METHOD: Final = ("study_id", "study_version", "method_version", "threshold_min", "cuts", "steps", "travel")
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


def difference(connection: Connection, before: str, after: str, *, level: str, territory: str | None) -> Difference:
    """Compare two analyses of the same défi and service.

    Parameters
    ----------
    before, after
        Their names, or the beginnings of them.
    level, territory
        As for a gap analysis.

    Raises
    ------
    UsageError
        If a name is not that of one analysis, or the two answer different questions.
    """
    one, other = find_run(connection, before), find_run(connection, after)
    if (one["defi"], one["service"]) != (other["defi"], other["service"]):
        raise UsageError("Les deux calculs ne portent pas sur le même défi et le même service : comparez-en d'autres.")
    tables = []
    for run in (one, other):
        rows = read.gap_rows(connection, run["run_hash"], level, territory=territory)
        tables.append(pd.DataFrame(rows, columns=["code", "name", *COMPARED]).set_index("code"))
    effects = _effects(connection, one, other, level=level, scores=(tables[0]["need_score"], tables[1]["need_score"]))
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
    )


def _keys(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return sorted({*one["inputs"], *other["inputs"]} - {"need", "access"})


def _effects(
    connection: Connection,
    one: dict[str, Any],
    other: dict[str, Any],
    *,
    level: str,
    scores: tuple[pd.Series, pd.Series],
) -> pd.DataFrame:
    frames, studies = [], []
    for run in (one, other):
        need = str(run["parameters"]["need_run"])
        studies.append(study_of(read.run(connection, need)["parameters"]))
        components = read.need_components(connection, need, level)
        names = studies[-1].indicator_ids
        values = {code: [all_of.get(name, {}).get("value") for name in names] for code, all_of in components.items()}
        frames.append(pd.DataFrame.from_dict(values, orient="index", columns=names).astype(float))
    return score_effects(frames[0], frames[1], studies[0], studies[1], before_score=scores[0], after_score=scores[1])


def _row(code: str, before: pd.DataFrame, after: pd.DataFrame, effects: pd.DataFrame) -> dict[str, Any]:
    row: dict[str, Any] = {"code": code, "name": after["name"][code]}
    for column in COMPARED:
        old, new = _known(before[column][code]), _known(after[column][code])
        row |= {f"{column}_before": old, f"{column}_after": new}
        row[f"{column}_change"] = None if old is None or new is None else round(new - old, 1)
    for name in EFFECTS:
        row[f"need_score_{name}"] = _known(effects[name].get(code))
    return row


def _known(value: Any) -> float | None:  # noqa: ANN401  (a cell of a frame)
    return None if value is None or pd.isna(value) else float(value)
