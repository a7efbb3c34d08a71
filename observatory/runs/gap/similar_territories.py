"""Territories alike in need and supply, from the stored runs that pages show: whom to share a practice with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from observatory.gap.similarity import alike
from observatory.store.tables import GapResult, NeedResult, Run, Territory

COMPARED_LEVELS: Final = ("epci", "departement")
COUNT: Final = 5


@dataclass(frozen=True)
class Alike:
    """A territory that resembles another; ``distance`` in standard deviations on average."""

    code: str
    name: str
    distance: float
    nearest_on: tuple[str, ...]
    farthest_on: tuple[str, ...]


def profiles(connection: Connection, level: str) -> pd.DataFrame:
    """Return the profile of each territory of a level: indicators of the three needs, access to each service."""
    needs = connection.execute(
        sa.select(NeedResult.code, NeedResult.components)
        .join(Run, Run.run_hash == NeedResult.run_hash)
        .where(Run.kind == "need", Run.is_default, NeedResult.level == level)
        .order_by(Run.defi, NeedResult.code)
    )
    figures: dict[str, dict[str, float | None]] = {}
    for row in needs:
        values = {name: one["normalised"] for name, one in row.components.items()}
        figures.setdefault(row.code, {}).update(values)
    access = connection.execute(
        sa.select(GapResult.code, Run.service, GapResult.access_score)
        .join(Run, Run.run_hash == GapResult.run_hash)
        .where(Run.kind == "gap", Run.is_default, GapResult.level == level)
        .order_by(Run.service, GapResult.code)
    )
    for row in access:
        figures.setdefault(row.code, {})[f"acces_{row.service}"] = row.access_score
    return pd.DataFrame.from_dict(figures, orient="index").astype(float).sort_index()


def territories_alike(connection: Connection, level: str) -> dict[str, list[Alike]]:
    """Return, by code, the territories most like each one of a level; nothing for a level that isn't compared."""
    if level not in COMPARED_LEVELS:
        return {}
    profile = profiles(connection, level)
    if len(profile) < 2 or profile.shape[1] == 0:  # noqa: PLR2004
        return {}
    query = sa.select(Territory.code, Territory.name).where(Territory.level == level)
    names = {row.code: row.name for row in connection.execute(query)}
    found: dict[str, list[Alike]] = {}
    for row in alike(profile, count=COUNT).to_dict("records"):
        near = Alike(
            str(row["alike_code"]),
            names.get(row["alike_code"], str(row["alike_code"])),
            float(row["distance"]),
            tuple(row["nearest_on"]),
            tuple(row["farthest_on"]),
        )
        found.setdefault(str(row["code"]), []).append(near)
    return found
