"""What the database refuses of one row, said in French by its column; and imports that are tried, then undone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
import sqlalchemy as sa
from psycopg import errors as pg

from observatory.errors import InputFileError

REFUSALS: Final = (sa.exc.DataError, sa.exc.IntegrityError, sa.exc.InternalError, UnicodeEncodeError)
"""What a value that the database can't hold raises, through SQLAlchemy."""
COLUMNS: Final = {
    "address": "adresse",
    "attributes": "autres colonnes",
    "code": "code",
    "commune_code": "commune",
    "geom": "lieu",
    "kind": "type",
    "level": "niveau",
    "name": "nom",
    "origin": "source",
    "place_quality": "précision",
    "placed": "point et précision",
    "population_count": "population",
    "service": "service",
    "siret": "siret",
    "stated_date": "date",
    "status": "statut",
    "territory_code": "territoire",
    "value": "valeur",
}
"""Column, or name of a constraint, → what the reader calls it."""
KINDS: Final = {
    pg.NotNullViolation: "vide",
    pg.ForeignKeyViolation: "code que l’observatoire ne connaît pas",
    pg.NumericValueOutOfRange: "nombre trop grand",
    pg.CheckViolation: "hors de ce que l’observatoire admet",
}
"""Error of PostgreSQL → what is wrong with the value."""


def reason(error: BaseException) -> str:
    """Return why the database refuses a row, and by which column, in French."""
    cause = getattr(error, "orig", error)
    if not isinstance(cause, psycopg.Error):
        return "valeur illisible"
    diagnosis = cause.diag
    constraint = diagnosis.constraint_name or ""
    key = diagnosis.column_name or next((one for one in COLUMNS if constraint.endswith(f"_{one}")), "")
    column = f"« {COLUMNS.get(key, key)} »" if key else "une valeur"
    if isinstance(cause, pg.UniqueViolation):
        return "déjà donné par une autre ligne"
    if "NUL" in str(cause):
        return "caractère nul dans le texte"
    return f"{column} : {next((told for kind, told in KINDS.items() if isinstance(cause, kind)), 'illisible')}"


def place(error: BaseException) -> str:
    """Return which row it is, by its first value, or by its rank in what was copied."""
    cause = getattr(error, "orig", error)
    diagnosis = cause.diag if isinstance(cause, psycopg.Error) else None
    if diagnosis is not None and (found := re.search(r"\((.*?)[,)]", diagnosis.message_detail or "")):
        return f"ligne « {found[1]} »"
    if diagnosis is not None and (found := re.search(r"line (\d+)", diagnosis.context or "")):
        return f"ligne {found[1]} de ce qui en est gardé"
    return "une ligne"


def require_half(named_count: int, held_count: int, what: str) -> None:
    """Refuse to take out what a file doesn't name, where it names less than half of what is there (``what``, French).

    Raises
    ------
    InputFileError
        If it does: such a file is likely to be a part.
    """
    if 2 * named_count < held_count:
        raise InputFileError(
            f"Le fichier ne nomme que {named_count} des {held_count} {what} : --remove-absent en retirerait "
            f"{held_count - named_count}. Rien n’est changé ; si c’est voulu, ajoutez --accept-fewer."
        )


@contextmanager
def undone(connection: sa.Connection, *, is_trial: bool) -> Iterator[None]:
    """Do everything that an import does, constraints of the database included, then undo it if it is a trial."""
    if not is_trial:
        yield
        return
    savepoint = connection.begin_nested()
    try:
        yield
        connection.execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))
    finally:
        savepoint.rollback()
