"""What the runs are worked out from, read from the database once: territories, membership, figures of a need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from observatory.errors import NotComputedError
from observatory.store.tables import (
    IndicatorValue,
    SnapshotFile,
    Source,
    Territory,
    TerritoryLink,
    Zoning,
)

DEMAND_LEVEL: Final = "commune"
SUMMED_LEVELS: Final = ("epci", "departement", "region")
"""Levels of a gap analysis above the commune."""
POINT_LEVELS: Final = ("qpv", "commune_deleguee")
"""Levels below the commune, where access is measured at a point and nobody is counted twice."""


@dataclass(frozen=True)
class Provenance:
    """Where the latest values of a figure come from."""

    period: str
    source_id: str


@dataclass(frozen=True, eq=False)
class Figures:
    """The latest figures by level, one row per territory, and the period and source of each (level, indicator)."""

    by_level: Mapping[str, pd.DataFrame]
    provenance: Mapping[tuple[str, str], Provenance]


@dataclass(frozen=True, eq=False)
class Inputs:
    """What every run starts from; figures are read for a need, and supply for a service."""

    territories: Mapping[str, pd.DataFrame]
    """Level → code, ``name, population_count, is_border, is_partial, commune_count, x_m, y_m, source_id…``."""
    parents: Mapping[tuple[str, str], pd.Series]
    density: pd.Series
    """Level of the density grid, ``"1"`` to ``"7"``, by commune."""
    checksums: Mapping[str, str]
    source_ids: tuple[str, ...] = field(default=())

    @property
    def communes(self) -> pd.DataFrame:
        """Communes of Normandy, which every level sums."""
        frame = self.territories[DEMAND_LEVEL]
        return frame[~frame["is_border"]]

    @property
    def population_count(self) -> pd.Series:
        """Persons by commune of Normandy."""
        return self.communes["population_count"]

    @property
    def members(self) -> dict[str, dict[str, str]]:
        """Level → commune of Normandy → territory of that level that it is summed in."""
        codes = self.population_count.index
        parents = {level: self.parents[DEMAND_LEVEL, level].reindex(codes).dropna() for level in SUMMED_LEVELS}
        return {level: {str(code): str(one) for code, one in rows.items()} for level, rows in parents.items()}


def at_level(rows: pd.DataFrame, level: str) -> pd.DataFrame:
    """Return the rows of one level, indexed by code, from rows indexed by (level, code)."""
    return rows[rows.index.get_level_values("level") == level].droplevel("level")


def checksums(connection: Connection) -> dict[str, str]:
    """Return the checksum of every file and source that the database was loaded from.

    Raises
    ------
    NotComputedError
        If nothing was loaded.
    """
    files = connection.execute(sa.select(SnapshotFile.file_name, SnapshotFile.checksum)).all()
    sources = connection.execute(sa.select(Source.source_id, Source.checksum).where(Source.checksum.is_not(None)))
    found = {**dict(files), **{name: str(checksum) for name, checksum in sources}}
    if not files:
        raise NotComputedError("La base est vide : chargez l’instantané avec « observatory ingest ».")
    return dict(sorted(found.items()))


_kept: dict[str, tuple[Mapping[str, str], Inputs]] = {}
"""Database → checksums of what was loaded, and what was read of it."""


def kept_inputs(connection: Connection) -> Inputs:
    """Return :func:`read_inputs`, kept in this process for as long as the database was loaded from the same files.

    Its frames are shared: they must not be written to.
    """
    address = connection.engine.url.render_as_string()
    loaded = checksums(connection)
    kept = _kept.get(address)
    if kept is None or kept[0] != loaded:
        _kept.clear()  # one database at a time: an answer of the server's, never a store
        kept = _kept[address] = loaded, read_inputs(connection)
    return kept[1]


def read_inputs(connection: Connection) -> Inputs:
    """Read territories, membership and the density grid."""
    territories = _territories(connection)
    demand = territories[DEMAND_LEVEL]
    return Inputs(
        territories=territories,
        parents=_parents(connection),
        density=_density(connection),
        checksums=checksums(connection),
        source_ids=tuple(sorted({*demand["source_id"].dropna(), *demand["population_source_id"].dropna()})),
    )


def _frame(connection: Connection, query: sa.Executable) -> pd.DataFrame:
    result = connection.execute(query)
    # Plain tuples: pandas asks each SQLAlchemy row for attributes that it looks up as columns, at ten times the cost.
    return pd.DataFrame(list(map(tuple, result)), columns=list(result.keys()))


def _territories(connection: Connection) -> dict[str, pd.DataFrame]:
    frame = _frame(
        connection,
        sa.select(
            Territory.level,
            Territory.code,
            Territory.name,
            Territory.population_count,
            Territory.is_border,
            Territory.is_partial,
            Territory.commune_count,
            sa.func.ST_X(Territory.point).label("x_m"),
            sa.func.ST_Y(Territory.point).label("y_m"),
            Territory.source_id,
            Territory.population_source_id,
        )
        .where(Territory.level.in_((DEMAND_LEVEL, *SUMMED_LEVELS, *POINT_LEVELS)))
        .order_by(Territory.level, Territory.code),
    )
    frame = frame.astype({"population_count": "Int64", "commune_count": "Int64", "x_m": float, "y_m": float})
    found = {str(level): rows.drop(columns="level").set_index("code") for level, rows in frame.groupby("level")}
    if DEMAND_LEVEL not in found:
        raise NotComputedError("La base ne contient aucune commune : chargez l’instantané avec « observatory ingest ».")
    empty = frame.iloc[:0].drop(columns="level").set_index("code")
    return {level: found.get(level, empty) for level in (DEMAND_LEVEL, *SUMMED_LEVELS, *POINT_LEVELS)}


def _parents(connection: Connection) -> dict[tuple[str, str], pd.Series]:
    """Return each child's parent by pair of levels; a QPV that straddles communes keeps the first."""
    frame = _frame(
        connection,
        sa.select(
            TerritoryLink.child_level, TerritoryLink.child_code, TerritoryLink.parent_level, TerritoryLink.parent_code
        ).order_by(TerritoryLink.child_level, TerritoryLink.child_code, TerritoryLink.parent_code),
    ).drop_duplicates(["child_level", "child_code", "parent_level"])
    found = {
        (str(child), str(parent)): rows.set_index("child_code")["parent_code"]
        for (child, parent), rows in frame.groupby(["child_level", "parent_level"])
    }
    departements = found[DEMAND_LEVEL, "departement"]
    found[DEMAND_LEVEL, "region"] = departements.map(found["departement", "region"])
    return found


def _density(connection: Connection) -> pd.Series:
    frame = _frame(
        connection,
        sa.select(Zoning.code, Zoning.value_code).where(Zoning.level == DEMAND_LEVEL, Zoning.zoning == "densite"),
    )
    return frame.set_index("code")["value_code"]


def read_figures(connection: Connection, names: Iterable[str]) -> Figures:
    """Return, by level, the figures of the latest period known, and where they come from."""
    latest = (
        sa.select(IndicatorValue.level, IndicatorValue.indicator, sa.func.max(IndicatorValue.period).label("period"))
        .where(IndicatorValue.indicator.in_(sorted(set(names))), IndicatorValue.value.is_not(None))
        .group_by(IndicatorValue.level, IndicatorValue.indicator)
        .subquery()
    )
    frame = _frame(
        connection,
        sa.select(
            IndicatorValue.level,
            IndicatorValue.code,
            IndicatorValue.indicator,
            IndicatorValue.period,
            IndicatorValue.value,
            IndicatorValue.source_id,
        )
        .join(
            latest,
            sa.and_(
                IndicatorValue.level == latest.c.level,
                IndicatorValue.indicator == latest.c.indicator,
                IndicatorValue.period == latest.c.period,
            ),
        )
        .where(IndicatorValue.value.is_not(None)),
    )
    figures = {
        str(level): rows.pivot_table(index="code", columns="indicator", values="value", aggfunc="first").astype(
            np.float64
        )
        for level, rows in frame.groupby("level")
    }
    first = frame.drop_duplicates(["level", "indicator"])
    keys = zip(first["level"], first["indicator"], strict=True)
    origins = (
        Provenance(str(one), str(source)) for one, source in zip(first["period"], first["source_id"], strict=True)
    )
    return Figures(figures, dict(zip(keys, origins, strict=True)))
