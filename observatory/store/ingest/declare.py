"""Declarations of a snapshot (``catalog.toml``, ``fields.toml``) as rows of the tables ``source`` and ``indicator``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from observatory.declared.catalogue import CATALOG, loaded_fields, loaded_sources
from observatory.errors import InputFileError
from observatory.store.tables import LEVELS, Base, Indicator, Source

INHABITANTS: Final = "inhabitants"


def declare(connection: sa.Connection, directory: Path | None) -> None:
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
    sources = [
        {"source_id": name, **one.model_dump(exclude={"counted"})} for name, one in loaded_sources(directory).items()
    ]
    fields = [{"indicator": name, **one.model_dump()} for name, one in loaded_fields(directory).items()]
    _upsert(connection, Source, sources, key="source_id")
    _upsert(connection, Indicator, fields, key="indicator")


def counted_in(directory: Path | None) -> dict[str, str]:
    """Return what the catalogue counts a source in, where it says so: a level, or ``inhabitants``.

    Raises
    ------
    InputFileError
        If it is neither.
    """
    units = {name: one.counted for name, one in loaded_sources(directory).items() if one.counted is not None}
    for name, unit in units.items():
        if unit not in {*LEVELS, INHABITANTS}:
            raise InputFileError(
                f"« {name} », dans « {CATALOG} », est compté en « {unit} » : écrivez un niveau de territoire ou "
                f"« {INHABITANTS} »."
            )
    return units


def forget_undeclared(connection: sa.Connection, directory: Path | None) -> None:
    """Delete the sources and indicators that the declarations no longer hold; nothing may refer to them any more."""
    connection.execute(sa.delete(Source).where(Source.source_id.not_in(list(loaded_sources(directory)))))
    connection.execute(sa.delete(Indicator).where(Indicator.indicator.not_in(list(loaded_fields(directory)))))


def _upsert(connection: sa.Connection, model: type[Base], rows: list[dict[str, Any]], *, key: str) -> None:
    if not rows:
        return
    statement = insert(model)
    changes = {name: statement.excluded[name] for name in rows[0] if name != key}
    connection.execute(statement.on_conflict_do_update(index_elements=[key], set_=changes), rows)
