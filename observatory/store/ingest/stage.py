"""Files of the snapshot copied, as they are, into temporary tables of the same name (``stage_…``)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg
import sqlalchemy as sa
from psycopg import sql

from observatory import crs
from observatory.errors import InputFileError, ObservatoryError
from observatory.sources.table_declarations import Column, Table

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS: Final = 50_000
Progress = Callable[[str, int, int], None]
"""Called with a French label, what is done and what there is to do."""


def read_table(path: Path, columns: Mapping[str, Column]) -> pa.Table:
    """Return the columns of the Parquet file ``path``, cast to what the stage expects.

    Raises
    ------
    InputFileError
        If the file can't be read, lacks a column, holds another type, or has geometry that isn't in EPSG:2154.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise InputFileError(
            f"« {path.name} » est illisible : refaites l’instantané avec « observatory snapshot build »."
        ) from error
    absent = [name for name in columns if name not in table.column_names]
    if absent:
        raise InputFileError(
            f"Il manque à « {path.name} » : {', '.join(absent)}. Refaites l’instantané avec "
            "« observatory snapshot build »."
        )
    if "geometry" in columns:
        _require_storage_crs(path.name, table.schema.metadata or {})
    schema = pa.schema([(name, _arrow_type(column.kind)) for name, column in columns.items()])
    try:
        return table.select(list(columns)).cast(schema)
    except pa.ArrowException as error:
        raise InputFileError(f"« {path.name} » n’a pas les types attendus ({error}).") from error


def raw_connection(connection: sa.Connection) -> psycopg.Connection[Any]:
    """Return the psycopg connection under ``connection``, for COPY; errors go through ``plain_errors``."""
    raw = connection.connection.driver_connection
    if not isinstance(raw, psycopg.Connection):
        raise ObservatoryError("La connexion n’est pas une connexion psycopg : ouvrez-la par « create_engine ».")
    return raw


def create(connection: psycopg.Connection[Any], file: Table) -> None:
    """Create the empty temporary table of ``file``; it lasts as long as the transaction."""
    connection.execute(
        sql.SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DROP").format(
            sql.Identifier(file.stage),
            sql.SQL(", ").join(
                sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(column.kind))
                for name, column in file.columns.items()
            ),
        )
    )


def copy(connection: psycopg.Connection[Any], file: Table, table: pa.Table) -> int:
    """Copy ``table`` into the stage of ``file`` by binary COPY; return the number of rows."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        sql.Identifier(file.stage), sql.SQL(", ").join(map(sql.Identifier, file.columns))
    )
    with connection.cursor() as cursor:
        with cursor.copy(statement) as copied:
            # PostGIS receives a geometry as its WKB, which is what bytes are sent as.
            copied.set_types(["bytea" if one.kind == "geometry" else one.kind for one in file.columns.values()])
            for row in _rows(table):
                copied.write_row(row)
        return cursor.rowcount


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    for batch in table.to_batches(max_chunksize=BATCH_ROWS):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _arrow_type(kind: str) -> pa.DataType:
    import pyarrow as pa

    types: dict[str, pa.DataType] = {
        "text": pa.string(),
        "bigint": pa.int64(),
        "boolean": pa.bool_(),
        "double precision": pa.float64(),
        "geometry": pa.binary(),
        "text[]": pa.list_(pa.string()),
    }
    return types[kind]


def _require_storage_crs(file_name: str, metadata: Mapping[bytes, bytes]) -> None:
    try:
        column = json.loads(metadata[b"geo"])["columns"]["geometry"]
        identifier = column["crs"]["id"]
    except (KeyError, TypeError, ValueError):
        identifier = {}
    if (identifier.get("authority"), identifier.get("code")) != ("EPSG", crs.STORAGE):
        raise InputFileError(
            f"Les géométries de « {file_name} » doivent être en Lambert-93 (EPSG:{crs.STORAGE}) : refaites "
            "l’instantané avec « observatory snapshot build »."
        )
