"""The SQL that a table's declaration stands for: its checks, what it would change, and how it takes its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from observatory.sources.table_declarations import STRUCTURES, Reference, Table
from observatory.store.statements import sql

STAGED: Final = {"territory": "stage_territories", "structure": "stage_structures"}
"""Tables that a snapshot brings with it: what it names must be in it."""


def checks(table: Table, *, is_snapshot: bool) -> Iterator[str]:
    """Give the statements that find what is wrong in a staged table: ``problem, example``.

    Parameters
    ----------
    is_snapshot
        Whether the territories that it names come with it, or are those of the database.
    """
    key = ", ".join(table.key)
    if table.key:
        yield sql("010_check_key").format(stage=table.stage, key=key)
    for reference in table.references:
        yield _reference(table, reference, is_snapshot=is_snapshot)
    for problem, condition in table.refused.items():
        yield sql("014_check_rows").format(problem=problem, key=key, stage=table.stage, refused=condition)
    if table.check is not None and not is_snapshot:
        yield sql(table.check)


def differences(table: Table) -> str:
    """Return the statement of what a staged table would change: ``added_count, removed_count, changed_count``."""
    return sql("030_differ").format(
        stage=table.stage,
        held=held(table),
        within=_within_scope(table),
        column=table.key[0],
        joined=", ".join(dict.fromkeys((*table.scope, *table.key))),
        differs=table.differs,
        withdraws="false" if table.only_moves else "true",
    )


def insert(table: Table) -> str:
    """Return the statement that writes what is staged in the table that it becomes."""
    stored = table.stored
    return sql("020_insert").format(
        target=_target(table),
        columns=", ".join(stored),
        stored=", ".join(stored.values()),
        stage=table.stage,
        key=", ".join(table.key),
    )


def write_differences(table: Table) -> str:
    """Return the statements that write what is staged, only where it differs from what is loaded."""
    stored = table.stored
    return sql("025_write_differences").format(
        target=_target(table),
        columns=", ".join(stored),
        stored=", ".join(stored.values()),
        stage=table.stage,
        former_key=", ".join(f"former.{name}" for name in table.key),
        gone_key=", ".join(f"gone.{name}" for name in table.key),
    )


def replacement(table: Table) -> tuple[str, ...]:
    """Return the statements that put a staged table in the place of what is loaded of its scope."""
    if table.replacement is not None:
        stored = table.stored
        return (
            sql(table.replacement).format(
                columns=", ".join(stored),
                stored=", ".join(stored.values()),
                excluded=", ".join(f"excluded.{name}" for name in stored),
            ),
        )
    if not table.scope:
        return (insert(table),)
    return (
        sql("026_delete_scope").format(target=_target(table), within=_within_scope(table)),
        insert(table),
    )


def regroup() -> str:
    """Return the statements that make structures again from their records (``stage_regrouped``)."""
    said = [name for name in STRUCTURES.stored if name != "structure_id"]
    return sql("063_regroup").format(said=", ".join(said), excluded=", ".join(f"excluded.{name}" for name in said))


def _reference(table: Table, reference: Reference, *, is_snapshot: bool) -> str:
    of_stage = is_snapshot or reference.table == "structure"
    columns = list(reference.columns)
    return sql("011_check_reference").format(
        problem=reference.problem,
        shown=", ".join(reference.shown or columns),
        named=", ".join(f"{said} AS {column}" for column, said in reference.columns.items()),
        stage=table.stage,
        other=STAGED[reference.table] if of_stage and reference.table in STAGED else f"observatory.{reference.table}",
        only=reference.only,
        columns=", ".join(columns),
        column=columns[-1],
        said=f"{columns[-1]} IS NOT NULL" if reference.is_optional else "true",
    )


def held(table: Table) -> str:
    """Return the loaded rows of a table, in its columns, as an item of ``FROM``."""
    return table.held or _target(table)


def _within_scope(table: Table) -> str:
    """Return the condition that loaded rows are of what a staged table speaks of."""
    if not table.scope:
        return "true"
    return sql("027_within_scope").format(scope=", ".join(table.scope), stage=table.stage)


def _target(table: Table) -> str:
    return f"observatory.{table.target}"
