"""Resolve the records of the loaded sources into structures, and undo, forbid or force a merge."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from observatory.declared.services import offer
from observatory.errors import UsageError
from observatory.sources.structures import resolve
from observatory.sources.table_declarations import Column, Table
from observatory.store import tables as t
from observatory.store.ingest import stage, table_sql
from observatory.store.statements import statement

_REGROUPED: Final = Table(
    "regrouped",
    {
        **dict.fromkeys(("source_id", "record_id", "former_id", "structure_id", "rule"), Column()),
        "score": Column("double precision", is_optional=True),
    },
)


UNRESOLVED: Final = "unresolved"
"""Rule of a record that lost another of its structure (``035_replace_structures.sql``)."""


@dataclass(frozen=True)
class Settled:
    """What a resolution changed: records that went from one structure to another, and structures before and after."""

    moved_count: int
    former_count: int
    structure_count: int


@dataclass(frozen=True)
class Touched:
    """What has changed since the last resolution: only the records near it are resolved again."""

    communes: frozenset[str] = frozenset()
    sirets: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    """``source_id:record_id``, of a record or of a structure."""

    def near(self, records: pd.DataFrame, declared: list[tuple[str, str]]) -> pd.Series:
        """Tell which records may go to another structure, or be joined to theirs by another rule.

        Records are compared within a commune; what reaches further is a pair declared to be one, a record without a
        place, which only its SIRET can join to others, and the structure that a record was in.
        """
        key = records["source_id"] + ":" + records["record_id"]
        lost = set(records.loc[records["commune_code"].isna(), "siret"].dropna())
        siret = records["siret"].where(records["siret"].isin(lost))
        is_near = (
            records["commune_code"].isin(self.communes)
            | siret.isin(self.sirets)
            | key.isin(self.keys)
            | records["former_id"].isin(self.keys)
            | records["former_rule"].eq(UNRESOLVED)
        )
        found = -1
        while found < is_near.sum():
            found = int(is_near.sum())
            reached = set(key[is_near])
            reached |= {other for pair in declared for other in pair if reached & set(pair)}
            for column in (records["commune_code"], siret, records["former_id"]):
                is_near |= column.isin(set(column[is_near].dropna()))
            is_near |= key.isin(reached)
        return is_near


def staged(connection: sa.Connection) -> Touched:
    """Return what replacing the records of a source by those that are staged touches; before they are replaced."""
    rows = connection.execute(statement("064_touched")).all()
    return Touched(
        communes=frozenset(row.commune_code for row in rows if row.commune_code),
        sirets=frozenset(row.siret for row in rows if row.siret),
    )


def decided(connection: sa.Connection) -> Touched:
    """Return what the decisions touch: those of users, and those of ``services.toml``."""
    declared, forbidden = _decisions(connection)
    return Touched(keys=frozenset(key for pair in (*declared, *forbidden) for key in pair))


def settle(connection: sa.Connection, touched: Touched | None = None) -> Settled:
    """Resolve the records near what has changed, and make again the structures that this changes.

    The caller owns the transaction. A record that its loader merged without keeping what its source says stays where
    it is.

    Parameters
    ----------
    touched
        What has changed since the last resolution; None: everything may have.
    """
    connection.execute(statement("061_fill_records"))
    records = _records(connection)
    declared, forbidden = _decisions(connection)
    near = records if touched is None else records[touched.near(records, declared)]
    resolved = resolve.resolve(near, declared=declared, forbidden=forbidden)
    changed = resolved[
        resolved["structure_id"].ne(resolved["former_id"])
        | resolved["rule"].ne(resolved["former_rule"])
        | ~(resolved["score"].eq(resolved["former_score"]) | resolved["score"].isna() & resolved["former_score"].isna())
    ]
    if len(changed):
        _regroup(connection, changed)
    elsewhere = set(records["former_id"].drop(near.index))
    return Settled(
        moved_count=int(changed["structure_id"].ne(changed["former_id"]).sum()),
        former_count=int(records["former_id"].nunique()),
        structure_count=len(elsewhere | set(resolved["structure_id"])),
    )


def doubtful(connection: sa.Connection) -> pd.DataFrame:
    """Return the pairs of records just under the threshold, with names and addresses, the most alike first.

    Returns
    -------
    pandas.DataFrame
        ``first, second`` (``source_id:record_id``), ``score`` and, for each of the two, ``name`` and ``address``.
        Pairs that somebody has judged are left out.
    """
    declared, forbidden = _decisions(connection)
    resolved = resolve.resolve(_records(connection), declared=declared, forbidden=forbidden)
    pairs = resolve.doubtful(resolved, least=offer().resolution.doubtful)
    judged = {tuple(sorted(pair)) for pair in forbidden}
    pairs = pairs[[tuple(sorted(pair)) not in judged for pair in zip(pairs["first"], pairs["second"], strict=True)]]
    known = resolved.set_index(resolved["source_id"] + ":" + resolved["record_id"])[["name", "address"]]
    first, second = known.loc[pairs["first"]], known.loc[pairs["second"]]
    return pairs.assign(
        first_name=first["name"].to_numpy(),
        first_address=first["address"].to_numpy(),
        second_name=second["name"].to_numpy(),
        second_address=second["address"].to_numpy(),
    ).reset_index(drop=True)


def split(connection: sa.Connection, identifier: str, *, reason: str | None) -> Settled:
    """Take a structure apart, or one record out of its structure, for good.

    Parameters
    ----------
    identifier
        A structure that several records make: none of them will be with another. Or one of its records,
        ``source_id:record_id``, which doesn't lead it: this one will be with none of the others.

    Raises
    ------
    UsageError
        If nothing bears the identifier, or if it isn't merged with anything.
    """
    members = _members(connection, identifier)
    keys = sorted(members)
    if len(keys) < 2:  # noqa: PLR2004  (a pair)
        raise UsageError(f"« {identifier} » n’est réunie avec aucune autre : il n’y a rien à séparer.")
    if not all(members.values()):
        raise UsageError(
            f"« {identifier} » vient d’un chargement qui n’a pas gardé ses enregistrements à part : rechargez ses "
            "sources avec « observatory ingest », puis séparez-la."
        )
    leads = any(identifier == structure for structure in members.values())
    pairs = combinations(keys, 2) if leads else ((identifier, key) for key in keys if key != identifier)
    _decide(connection, [tuple(sorted(pair)) for pair in pairs], is_same=False, reason=reason)
    return settle(connection, Touched(keys=frozenset({identifier, *keys})))


def join(connection: sa.Connection, first: str, second: str, *, reason: str | None) -> Settled:
    """Declare that two records, or structures, are one structure, for good.

    Raises
    ------
    UsageError
        If nothing bears an identifier, or if both are the same.
    """
    if first == second:
        raise UsageError(f"« {first} » ne se réunit pas avec elle-même : donnez deux identifiants.")
    for identifier in (first, second):
        _members(connection, identifier)
    _decide(connection, [(min(first, second), max(first, second))], is_same=True, reason=reason)
    return settle(connection, Touched(keys=frozenset({first, second})))


def forget(connection: sa.Connection, first: str, second: str) -> Settled:
    """Take back what was decided of two records; the rules decide again.

    Raises
    ------
    UsageError
        If nothing was decided of them.
    """
    decision = t.StructureDecision
    gone = connection.execute(
        sa.delete(decision).where(decision.first == min(first, second), decision.second == max(first, second))
    )
    if not gone.rowcount:
        raise UsageError(
            f"Rien n’est décidé de « {first} » et « {second} » : voyez « observatory structures decisions »."
        )
    return settle(connection, Touched(keys=frozenset({first, second})))


def _records(connection: sa.Connection) -> pd.DataFrame:
    records = pd.read_sql_query(statement("062_known_records"), connection)
    return records.astype(dict.fromkeys(("point_x_m", "point_y_m", "former_score"), "float64"))


def _decisions(connection: sa.Connection) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the pairs declared one (by users and by ``services.toml``), and the pairs declared two."""
    rows = connection.execute(sa.select(t.StructureDecision)).all()
    forbidden = [(row.first, row.second) for row in rows if not row.is_same]
    apart = {frozenset(pair) for pair in forbidden}
    declared = [pair for pair in (one.records for one in offer().same) if frozenset(pair) not in apart]
    return [*declared, *((row.first, row.second) for row in rows if row.is_same)], forbidden


def _regroup(connection: sa.Connection, changed: pd.DataFrame) -> None:
    raw = stage.raw_connection(connection)
    raw.execute("DROP TABLE IF EXISTS stage_regrouped")
    stage.create(raw, _REGROUPED)
    frame = changed[list(_REGROUPED.columns)]
    stage.copy(raw, _REGROUPED, pa.Table.from_pandas(frame, preserve_index=False))
    raw.execute("ANALYZE stage_regrouped")
    raw.execute(table_sql.regroup().encode())


def _members(connection: sa.Connection, identifier: str) -> dict[str, str]:
    """Return the records of the structure that bears, or holds the record that bears, an identifier → its structure."""
    record = t.StructureRecord
    key = record.source_id + ":" + record.record_id
    holding = sa.select(record.structure_id).where(sa.or_(key == identifier, record.structure_id == identifier))
    rows = connection.execute(
        sa.select(key.label("key"), record.structure_id, record.place_quality).where(record.structure_id.in_(holding))
    ).all()
    if not rows:
        raise UsageError(
            f"Aucune structure ne porte l’identifiant « {identifier} » : « observatory structures merged » les donne."
        )
    return {row.key: row.structure_id if row.place_quality else "" for row in rows}


def _decide(connection: sa.Connection, pairs: list[tuple[str, ...]], *, is_same: bool, reason: str | None) -> None:
    rows = [{"first": pair[0], "second": pair[1], "is_same": is_same, "reason": reason} for pair in pairs]
    written = insert(t.StructureDecision)
    update = {"is_same": is_same, "reason": reason, "decided_at": sa.func.now()}
    connection.execute(written.on_conflict_do_update(index_elements=["first", "second"], set_=update), rows)
