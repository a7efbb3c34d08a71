"""Stages and checks what a producer's file became, before it replaces anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from observatory.errors import InputFileError
from observatory.store import tables as t
from observatory.store.ingest import snapshot_load, stage
from observatory.store.ingest.readers import Tables
from observatory.store.statements import statement

Query = sa.Select[Any]
PROBLEMS_SHOWN: Final = 5
LEAST_SHARE: Final = 0.9
"""A file that says less than this share of what it replaces is taken for truncated (convention de l'observatoire)."""

REPLACED: Final = {
    "values": ("030_check_file", "031_replace_figures"),
    "zonings": ("032_check_zonings", "033_replace_zonings"),
    "structures": ("034_check_structures", "035_replace_structures"),
    "memberships": ("040_check_memberships", "041_replace_memberships"),
    "quarters": ("043_check_quarters", "044_replace_quarters"),
    "outlines": ("046_check_outlines", "047_replace_outlines"),
}
"""Table that a file becomes → what checks it and what puts it in place; a file may become several."""


def require_as_much(connection: sa.Connection, source_id: str, path: Path, tables: Tables) -> None:
    """Refuse a file that holds far fewer figures, classes, structures or quartiers than what it would replace.

    Raises
    ------
    InputFileError
        If it does.
    """
    for what, found, query in _amounts(source_id, tables):
        held = connection.execute(query).scalar_one()
        if found < LEAST_SHARE * held:
            raise InputFileError(
                f"« {path.name} » dit bien moins que ce qui est chargé ({found} {what} au lieu de {held}) : il est "
                "sans doute tronqué. Rien n’est changé ; si c’est voulu, ajoutez --accept-fewer."
            )


def _amounts(source_id: str, tables: Tables) -> Iterator[tuple[str, int, Query]]:
    """Give what is counted of each table that replaces another: in French, in the file, and how to in the database."""
    count = sa.select(sa.func.count())
    if "values" in tables:
        figures, figure = tables["values"], t.IndicatorValue
        levels = sorted(set(figures["level"]))
        held = count.where(figure.source_id == source_id, figure.level.in_(levels), figure.value.is_not(None))
        own = figures["source_id"].eq(source_id) & figures["value"].notna()
        yield ("chiffres", int(own.sum()), held)
    if "zonings" in tables:
        names = sorted(set(tables["zonings"]["zoning"]))
        yield ("classes", len(tables["zonings"]), count.where(t.Zoning.zoning.in_(names)))
    if "structure_records" in tables:
        held = count.where(t.StructureRecord.source_id == source_id)
        yield ("structures", len(tables["structure_records"]), held)
    if "quarters" in tables:
        yield ("quartiers", len(tables["quarters"]), count.where(t.Territory.level == "qpv"))


def stage_tables(connection: sa.Connection, path: Path, tables: Tables) -> list[str]:
    """Stage and check what a file became; return the names of its main tables.

    Raises
    ------
    InputFileError
        If nothing was kept of the file, or if it contradicts what is loaded.
    """
    import pyarrow as pa

    from observatory.sources import contracts

    mains = [name for name in REPLACED if name in tables]
    if any(tables[main].empty for main in mains):
        raise InputFileError(f"Aucune ligne n’a été gardée de « {path.name} » : est-ce bien le fichier de la source ?")
    contracts.check_tables(tables)
    raw = snapshot_load.raw_connection(connection)
    for file in (*stage.FILES, *stage.FILE_TABLES):
        if file.name in tables:
            stage.create(raw, file)
            frame = tables[file.name][list(file.columns)]
            stage.copy(raw, file, pa.Table.from_pandas(frame, preserve_index=False))
            connection.exec_driver_sql(f"ANALYZE {file.stage}")
    problems = [
        f"{row.problem} : {row.example}" for main in mains for row in connection.execute(statement(REPLACED[main][0]))
    ]
    if problems:
        raise InputFileError(
            f"« {path.name} » est refusé, et les données en place restent : {' ; '.join(problems[:PROBLEMS_SHOWN])}."
        )
    return mains
