"""Stages and checks what a producer's file became, before it replaces anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from observatory.declared import catalogue
from observatory.errors import InputFileError
from observatory.sources.registry import Tables
from observatory.sources.table_declarations import FILLED, Table
from observatory.store.ingest import stage, table_sql
from observatory.store.ingest.stage import raw_connection

if TYPE_CHECKING:
    import pandas as pd

    from observatory.sources.batch import Batch

PROBLEMS_SHOWN: Final = 5
LEAST_SHARE: Final = 0.9
"""A file that says less than this share of what it replaces is taken for truncated (convention de l'observatoire)."""


def require_few_lost(source_id: str, path: Path, batch: Batch) -> None:
    """Refuse a file that loses more rows about the region than its source declares; one row alone never blocks it.

    Raises
    ------
    InputFileError
        If it does.
    """
    about = batch.read_count - batch.outside_count
    most = catalogue.source(source_id).lost_share_max if source_id in catalogue.known_names() else 1.0
    if batch.rejected_count > max(1.0, most * about):
        often = batch.rejected.loc[batch.rejected["scope"].eq("row"), "reason"].mode()[0]
        raise InputFileError(
            f"« {path.name} » perdrait {batch.rejected_count} de ses {about} lignes (le plus souvent : {often}) : plus "
            f"que ce que la source admet ({most:.0%}). Rien n’est changé ; si c’est voulu, ajoutez --accept-fewer."
        )


def require_as_much(connection: sa.Connection, source_id: str, path: Path, tables: Tables) -> None:
    """Refuse a file that holds far fewer figures, classes, structures or quartiers than what it would replace.

    Raises
    ------
    InputFileError
        If it does.
    """
    for table in FILLED:
        if table.counted is None or table.name not in tables:
            continue
        frame = tables[table.name]
        found = _found_count(table, source_id, frame)
        held = connection.execute(_held_count(table, source_id, frame)).scalar_one()
        if found < LEAST_SHARE * held:
            raise InputFileError(
                f"« {path.name} » dit bien moins que ce qui est chargé ({found} {table.counted} au lieu de {held}) : "
                "il est sans doute tronqué. Rien n’est changé ; si c’est voulu, ajoutez --accept-fewer."
            )


def _found_count(table: Table, source_id: str, frame: pd.DataFrame) -> int:
    own = frame[frame["source_id"].eq(source_id)] if "source_id" in table.scope else frame
    return len(own) if table.counted_where is None else int(own[table.counted_where].notna().sum())


def _held_count(table: Table, source_id: str, frame: pd.DataFrame) -> sa.Select[Any]:
    """Return the query of how many rows are loaded of what the file would replace."""
    held = sa.text(f"{table_sql.held(table)} AS held")
    query = sa.select(sa.func.count()).select_from(held)
    for name in table.scope:
        said = [source_id] if name == "source_id" else sorted(set(frame[name]))
        query = query.where(sa.column(name).in_(said))
    return query if table.counted_where is None else query.where(sa.column(table.counted_where).is_not(None))


def stage_tables(connection: sa.Connection, path: Path, tables: Tables) -> list[Table]:
    """Stage and check what a file became; return the tables, in the order in which they depend on each other.

    Raises
    ------
    InputFileError
        If nothing was kept of the file, or if it contradicts what is loaded.
    """
    import pyarrow as pa

    from observatory.sources import contracts

    filled = [table for table in FILLED if table.name in tables]
    if any(tables[table.name].empty for table in filled if table.is_main):
        raise InputFileError(f"Aucune ligne n’a été gardée de « {path.name} » : est-ce bien le fichier de la source ?")
    contracts.check_tables(tables)
    raw = raw_connection(connection)
    for table in filled:
        stage.create(raw, table)
        frame = tables[table.name][list(table.columns)]
        stage.copy(raw, table, pa.Table.from_pandas(frame, preserve_index=False))
        connection.exec_driver_sql(f"ANALYZE {table.stage}")
    found = [f"{problem} : {example}" for _, problem, example in problems(connection, filled, is_snapshot=False)]
    if found:
        raise InputFileError(
            f"« {path.name} » est refusé, et les données en place restent : {' ; '.join(found[:PROBLEMS_SHOWN])}."
        )
    return filled


def problems(
    connection: sa.Connection, tables: Iterable[Table], *, is_snapshot: bool
) -> Iterator[tuple[str, str, str]]:
    """Give what is wrong in staged tables: the table, the problem in French, an example."""
    for table in tables:
        for query in table_sql.checks(table, is_snapshot=is_snapshot):
            for row in connection.execute(sa.text(query)):
                yield table.name, str(row.problem), str(row.example)
