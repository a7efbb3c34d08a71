"""Resolve the records of every loaded source into structures, and undo, forbid or force a merge."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

import geodata
from observatory.errors import UsageError
from observatory.sources.structures import resolve
from observatory.store import tables as t
from observatory.store.ingest import stage
from observatory.store.statements import sql, statement

_REGROUPED: Final = stage.SnapshotFile(
    "regrouped",
    {
        **dict.fromkeys(("source_id", "record_id", "former_id", "structure_id", "rule"), "text"),
        "score": "double precision",
    },
)


@dataclass(frozen=True)
class Settled:
    """What a resolution changed: records that went from one structure to another, and structures before and after."""

    moved_count: int
    former_count: int
    structure_count: int


def settle(connection: sa.Connection) -> Settled:
    """Resolve all records again, and make again the structures that this changes; nothing else is written.

    The caller owns the transaction. A record that its loader merged without keeping what its source says stays where
    it is.
    """
    connection.execute(statement("061_fill_records"))
    resolved = _resolved(connection)
    changed = resolved[
        resolved["structure_id"].ne(resolved["former_id"])
        | resolved["rule"].ne(resolved["former_rule"])
        | ~(resolved["score"].eq(resolved["former_score"]) | resolved["score"].isna() & resolved["former_score"].isna())
    ]
    if len(changed):
        _regroup(connection, changed)
    return Settled(
        moved_count=int(changed["structure_id"].ne(changed["former_id"]).sum()),
        former_count=int(resolved["former_id"].nunique()),
        structure_count=int(resolved["structure_id"].nunique()),
    )


def doubtful(connection: sa.Connection) -> pd.DataFrame:
    """Return the pairs of records just under the threshold, with names and addresses, the most alike first.

    Returns
    -------
    pandas.DataFrame
        ``first, second`` (``source_id:record_id``), ``score`` and, for each of the two, ``name`` and ``address``.
        Pairs that somebody has judged are left out.
    """
    resolved = _resolved(connection)
    least = float(geodata.declarations("services")["resolution"]["doubtful"])
    pairs = resolve.doubtful(resolved, least=least)
    _, forbidden = _decisions(connection)
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
    return settle(connection)


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
    return settle(connection)


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
    return settle(connection)


def _resolved(connection: sa.Connection) -> pd.DataFrame:
    records = pd.read_sql_query(statement("062_known_records"), connection)
    for name in ("point_x_m", "point_y_m", "former_score"):
        records[name] = records[name].astype("float64")
    declared, forbidden = _decisions(connection)
    return resolve.resolve(records, declared=declared, forbidden=forbidden)


def _decisions(connection: sa.Connection) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the pairs declared one (by users and by ``services.toml``), and the pairs declared two."""
    pairs = [
        (str(first), str(second))
        for first, second in (one["records"] for one in geodata.declarations("services")["same"])
    ]
    rows = connection.execute(sa.select(t.StructureDecision)).all()
    forbidden = [(row.first, row.second) for row in rows if not row.is_same]
    apart = {frozenset(pair) for pair in forbidden}
    declared = [pair for pair in pairs if frozenset(pair) not in apart]
    return [*declared, *((row.first, row.second) for row in rows if row.is_same)], forbidden


def _regroup(connection: sa.Connection, changed: pd.DataFrame) -> None:
    from observatory.store.ingest.snapshot_load import raw_connection

    raw = raw_connection(connection)
    raw.execute("DROP TABLE IF EXISTS stage_regrouped")
    stage.create(raw, _REGROUPED)
    frame = changed[list(_REGROUPED.columns)]
    stage.copy(raw, _REGROUPED, pa.Table.from_pandas(frame, preserve_index=False))
    raw.execute("ANALYZE stage_regrouped")
    raw.execute(sql("063_regroup").encode())


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
