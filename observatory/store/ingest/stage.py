"""Files of the snapshot copied, as they are, into temporary tables of the same name (``stage_…``)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql

from observatory import crs
from observatory.errors import InputFileError

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS: Final = 50_000
Columns = Mapping[str, str]
Progress = Callable[[str, int, int], None]
"""Called with a French label, what is done and what there is to do."""


@dataclass(frozen=True)
class SnapshotFile:
    """A file of the snapshot and its columns: name → PostgreSQL type."""

    name: str
    columns: Columns
    is_required: bool = True

    @property
    def file_name(self) -> str:
        """Name of the file in the snapshot's directory."""
        return f"{self.name}.parquet"

    @property
    def stage(self) -> str:
        """Name of the temporary table."""
        return f"stage_{self.name}"


def _columns(text: str = "", **others: str) -> dict[str, str]:
    return dict.fromkeys(text.split(), "text") | others


FILES: Final = (
    SnapshotFile(
        "territories",
        _columns(
            "level code name vintage population_status population_source_id source_id",
            population_count="bigint",
            is_border="boolean",
            is_partial="boolean",
            commune_count="bigint",
            point_x_m="double precision",
            point_y_m="double precision",
            geometry="geometry",
        ),
    ),
    SnapshotFile("territory_links", _columns("child_level child_code parent_level parent_code vintage source_id")),
    SnapshotFile("values", _columns("level code indicator period status source_id", value="double precision")),
    SnapshotFile("zonings", _columns("level code zoning value_code value_label vintage source_id")),
    SnapshotFile(
        "structures",
        _columns(
            "structure_id name kind siret naf address post_code city commune_code departement_code place_quality "
            "place_note label period source_id",
            capacity_count="double precision",
            is_active="boolean",
            point_x_m="double precision",
            point_y_m="double precision",
        ),
    ),
    SnapshotFile("structure_services", _columns("structure_id service reason")),
    SnapshotFile("structure_records", _columns("source_id record_id structure_id rule name kind siret")),
    SnapshotFile(
        "structure_members",
        _columns(
            "source_id record_id naf address post_code city commune_code departement_code place_quality place_note "
            "label period",
            score="double precision",
            capacity_count="double precision",
            is_active="boolean",
            point_x_m="double precision",
            point_y_m="double precision",
            services="text[]",
            reasons="text[]",
        ),
        is_required=False,
    ),
    SnapshotFile(
        "accompaniment",
        _columns("structure_id role zone_level zone_code note", phases="text[]", devices="text[]"),
    ),
    SnapshotFile("rejected", _columns("source_id file_name reason content scope", line="bigint"), is_required=False),
    SnapshotFile(
        "runs",
        _columns(
            "source_id file_name checksum",
            rows_read="bigint",
            rows_kept="bigint",
            rows_rejected="bigint",
            rows_duplicate="bigint",
            rows_outside="bigint",
            cells_rejected="bigint",
        ),
        is_required=False,
    ),
)
"""Every file of a snapshot, in the order in which they depend on each other."""

FILE_TABLES: Final = (
    SnapshotFile("memberships", _columns("commune_code epci_code epci_name vintage source_id", is_partial="boolean")),
    SnapshotFile("quarters", _columns("code name vintage source_id", commune_codes="text[]", geometry="geometry")),
    SnapshotFile("outlines", _columns("code source_id", geometry="geometry")),
)
"""What some producers' files become and no snapshot holds."""


def read_table(path: Path, columns: Columns) -> pa.Table:
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
    schema = pa.schema([(name, _arrow_type(kind)) for name, kind in columns.items()])
    try:
        return table.select(list(columns)).cast(schema)
    except pa.ArrowException as error:
        raise InputFileError(f"« {path.name} » n’a pas les types attendus ({error}).") from error


def create(connection: psycopg.Connection[Any], file: SnapshotFile) -> None:
    """Create the empty temporary table of ``file``; it lasts as long as the transaction."""
    connection.execute(
        sql.SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DROP").format(
            sql.Identifier(file.stage),
            sql.SQL(", ").join(
                sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in file.columns.items()
            ),
        )
    )


def copy(connection: psycopg.Connection[Any], file: SnapshotFile, table: pa.Table) -> int:
    """Copy ``table`` into the stage of ``file`` by binary COPY; return the number of rows."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        sql.Identifier(file.stage), sql.SQL(", ").join(map(sql.Identifier, file.columns))
    )
    with connection.cursor() as cursor:
        with cursor.copy(statement) as copied:
            # PostGIS receives a geometry as its WKB, which is what bytes are sent as.
            copied.set_types(["bytea" if kind == "geometry" else kind for kind in file.columns.values()])
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
