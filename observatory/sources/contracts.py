"""What the snapshot's tables must be: columns, types, keys, and links between them (pandera)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaError, SchemaErrors

from observatory.declared import catalogue
from observatory.declared.services import offer
from observatory.errors import InputFileError
from observatory.sources.table_declarations import OF_SNAPSHOT, SNAPSHOT, STRUCTURES, TERRITORIES, Column

SHOWN: Final = 3
"""Examples of what is wrong shown in a message."""
_TYPES: Final = {
    "text": object,
    "text[]": object,
    "bigint": "Int64",
    "boolean": bool,
    "double precision": "float64",
    "geometry": None,
}
"""PostgreSQL type → what pandas holds it as."""


def schemas() -> dict[str, pa.DataFrameSchema]:
    """Return the contract of each table of the snapshot, by name."""
    return {
        table.name: pa.DataFrameSchema(
            {name: _contract(column) for name, column in table.columns.items()},
            unique=list(table.key),
            strict=True,
            coerce=False,
        )
        for table in OF_SNAPSHOT
    }


def _contract(column: Column) -> pa.Column:
    checks = []
    if column.allowed:
        checks.append(pa.Check.isin(column.allowed))
    if column.pattern is not None:
        checks.append(pa.Check.str_matches(column.pattern))
    if column.least is not None:
        checks.append(pa.Check.ge(column.least))
    return pa.Column(_TYPES[column.kind], checks=checks or None, nullable=column.is_optional)


def check_tables(tables: Mapping[str, pd.DataFrame]) -> None:
    """Check the tables that one source's file became against their contracts; those without one are left.

    Raises
    ------
    InputFileError
        With the first things that are wrong.
    """
    declared = schemas()
    for name in tables.keys() & declared.keys():
        _check(name, declared[name], tables[name])


def _check(name: str, schema: pa.DataFrameSchema, table: pd.DataFrame) -> None:
    try:
        schema.validate(_plain(table), lazy=True)
    except (SchemaError, SchemaErrors) as error:
        cases = error.failure_cases
        rows = cases.head(SHOWN).to_dict("records") if isinstance(cases, pd.DataFrame) else []
        shown = " ; ".join(f"{one['column'] or 'table'}, {one['check']} : {one['failure_case']}" for one in rows)
        raise InputFileError(
            f"La table « {name} » ne respecte pas son contrat ({shown or cases}) : vérifiez que le fichier est bien "
            "celui de la source, du bon millésime."
        ) from error


def check_snapshot(tables: Mapping[str, pd.DataFrame]) -> None:
    """Check every table against its contract, and the links between tables and declarations.

    Raises
    ------
    InputFileError
        With the first things that are wrong.
    """
    for name, schema in schemas().items():
        _check(name, schema, tables[name])
    problems = _unknown(tables)
    if problems:
        raise InputFileError(
            f"Le snapshot se contredit : {' ; '.join(problems[:SHOWN])}. Vérifiez les fichiers et les déclarations."
        )


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Text columns as ``object`` with ``None``, whatever string type pandas infers."""
    frame = pd.DataFrame(table)
    text = [column for column in frame.columns if pd.api.types.is_string_dtype(frame[column].dtype)]
    return frame.assign(**{column: frame[column].astype(object).where(frame[column].notna(), None) for column in text})


def _unknown(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return what the rows name and neither the snapshot nor its declarations hold."""
    held: dict[str, set[tuple[str, ...]]] = {
        "territory": _named(tables["territories"], TERRITORIES.key),
        "structure": _named(tables["structures"], STRUCTURES.key),
        "source": {(one.source_id,) for one in catalogue.sources()},
        "indicator": {(one.indicator,) for one in catalogue.fields()},
    }
    problems = [
        f"{table.name} : {reference.problem} {' '.join(one)}"
        for table in SNAPSHOT
        for reference in table.references
        for one in sorted(_named(tables[table.name], reference.columns.values()) - held[reference.table])
    ]
    used = set(tables["structures"]["kind"]) | set(tables["structure_records"]["kind"])
    problems += [f"type {kind} absent de services.toml" for kind in sorted(used - set(offer().kinds))]
    used = set(tables["structure_services"]["service"])
    return problems + [f"service {one} absent de services.toml" for one in sorted(used - set(offer().services))]


def _named(table: pd.DataFrame, columns: Iterable[str]) -> set[tuple[str, ...]]:
    """Return the distinct values of some columns, where all are said; a constant is written between quotes."""
    said = table.assign(**{one: one.strip("'") for one in columns if one.startswith("'")})[list(columns)]
    return set(said.dropna().drop_duplicates().itertuples(index=False, name=None))
