"""Declarations of a snapshot (``catalog.toml``, ``fields.toml``) as rows of the tables ``source`` and ``indicator``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from observatory.errors import InputFileError
from observatory.store.tables import LEVELS, Base, Indicator, Source

CATALOG: Final = "catalog.toml"
FIELDS: Final = "fields.toml"
INHABITANTS: Final = "inhabitants"
_SOURCE_REQUIRED: Final = ("title", "producer", "licence", "url", "vintage", "coverage")
_SOURCE_OPTIONAL: Final = ("published_date", "rhythm", "expected_count", "expected_note", "checksum")
_FIELD_REQUIRED: Final = ("label", "unit", "description")


def declare(connection: sa.Connection, directory: Path) -> None:
    """Insert or update what ``directory`` declares; the caller commits.

    Parameters
    ----------
    directory
        Holds ``catalog.toml`` and ``fields.toml``.

    Raises
    ------
    InputFileError
        If a declaration is absent, can't be read or lacks a key.
    """
    sources = [_source(name, one) for name, one in _section(directory / CATALOG, "sources").items()]
    fields = [_indicator(name, one) for name, one in _section(directory / FIELDS, "fields").items()]
    _upsert(connection, Source, sources, key="source_id")
    _upsert(connection, Indicator, fields, key="indicator")


def counted_in(directory: Path) -> dict[str, str]:
    """Return what the catalogue counts a source in, where it says so: a level, or ``inhabitants``.

    Raises
    ------
    InputFileError
        If it is neither.
    """
    sources = _section(directory / CATALOG, "sources")
    units = {name: str(one["counted"]) for name, one in sources.items() if "counted" in one}
    for name, unit in units.items():
        if unit not in {*LEVELS, INHABITANTS}:
            raise InputFileError(
                f"« {name} », dans « {CATALOG} », est compté en « {unit} » : écrivez un niveau de territoire ou "
                f"« {INHABITANTS} »."
            )
    return units


def forget_undeclared(connection: sa.Connection, directory: Path) -> None:
    """Delete the sources and indicators that the declarations no longer hold; nothing may refer to them any more."""
    sources, fields = _section(directory / CATALOG, "sources"), _section(directory / FIELDS, "fields")
    connection.execute(sa.delete(Source).where(Source.source_id.not_in(list(sources))))
    connection.execute(sa.delete(Indicator).where(Indicator.indicator.not_in(list(fields))))


def _section(path: Path, name: str) -> dict[str, dict[str, Any]]:
    try:
        with path.open("rb") as file:
            section: dict[str, dict[str, Any]] = tomllib.load(file)[name]
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        raise InputFileError(
            f"La déclaration « {path.name} » est absente ou illisible ({error}) : corrigez-la ou "
            "réinstallez l’observatoire."
        ) from error
    return section


def _source(name: str, declared: Mapping[str, Any]) -> dict[str, Any]:
    _require(CATALOG, name, declared, _SOURCE_REQUIRED)
    row: dict[str, Any] = {"source_id": name}
    row |= {key: str(declared[key]) for key in _SOURCE_REQUIRED}
    row |= {key: declared.get(key) for key in _SOURCE_OPTIONAL}
    if row["published_date"] is not None:
        # A TOML date is shown as it is written: 2025-07-10.
        row["published_date"] = str(row["published_date"])
    return row


def _indicator(name: str, declared: Mapping[str, Any]) -> dict[str, Any]:
    _require(FIELDS, name, declared, _FIELD_REQUIRED)
    row = {"indicator": name, "denominator": declared.get("denominator")}
    return row | {key: str(declared[key]) for key in _FIELD_REQUIRED}


def _require(file_name: str, name: str, declared: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    absent = [key for key in keys if key not in declared]
    if absent:
        raise InputFileError(f"« {name} », dans « {file_name} », ne dit pas : {', '.join(absent)}. Complétez-le.")


def _upsert(connection: sa.Connection, model: type[Base], rows: list[dict[str, Any]], *, key: str) -> None:
    if not rows:
        return
    statement = insert(model)
    changes = {name: statement.excluded[name] for name in rows[0] if name != key}
    connection.execute(statement.on_conflict_do_update(index_elements=[key], set_=changes), rows)
