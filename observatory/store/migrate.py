"""Bring the schema to the present version, one process at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from psycopg import errors as pg

from observatory.errors import DatabaseUnavailableError
from observatory.store.tables import SCHEMA

if TYPE_CHECKING:
    from alembic.config import Config

SCRIPTS: Final = Path(__file__).resolve().parent / "migrations"
POSTGIS_MIN: Final = (3, 3)
LOCK_KEY: Final = 0x4F42_5331
"""Advisory lock of whoever changes the schema or the reference data ("OBS1")."""


def migrate(engine: sa.Engine, revision: str = "head") -> None:
    """Create or upgrade the schema (``head``), or take it to ``revision``; nothing happens if it is there already.

    Raises
    ------
    DatabaseUnavailableError
        If the database doesn't answer, lacks PostGIS and the role may not add it, or is at a revision unknown here.
    """
    from alembic import command

    with engine.begin() as connection:
        # Nothing to do: whoever loads at this moment isn't waited for here, where nobody would say who it is.
        if revision == "head" and current_revision(connection) == head_revision():
            return
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK_KEY)))
        if revision == "head" and current_revision(connection) == head_revision():
            return
        _require_known(current_revision(connection))
        _require_postgis(connection)
        connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        config = _config(connection)
        if revision != "base" and _is_behind(connection, revision):
            command.upgrade(config, revision)
        else:
            command.downgrade(config, revision)


def current_revision(connection: sa.Connection) -> str | None:
    """Return the revision that the database is at, None where the schema was never created."""
    from alembic.runtime.migration import MigrationContext

    return MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA}).get_current_revision()


def head_revision() -> str | None:
    """Return the revision that this code is written for."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config(None)).get_current_head()


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Tell whether the object called ``name`` belongs to the observatory (Alembic's ``include_name``)."""
    return kind != "schema" or name == SCHEMA


def _config(connection: sa.Connection | None) -> Config:
    from alembic.config import Config

    config = Config()
    # Alembic reads "%" as the start of an interpolation, and a path may hold one.
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _is_behind(connection: sa.Connection, revision: str) -> bool:
    from alembic.script import ScriptDirectory

    if revision == "head":
        return True
    current = current_revision(connection)
    script = ScriptDirectory.from_config(_config(None))
    return current is None or current in {one.revision for one in script.iterate_revisions(revision, "base")}


def _require_known(current: str | None) -> None:
    """Refuse a database that was left by a version before the first step here, or by a later one than ours."""
    from alembic.script import ScriptDirectory

    known = {one.revision for one in ScriptDirectory.from_config(_config(None)).walk_revisions()}
    if current is None or current in known:
        return
    if current < min(known):
        raise DatabaseUnavailableError(
            f"Cette base en est à l’étape {current} de son schéma, que cette version ne sait plus reprendre : lancez "
            f"« observatory ingest » avec la version qui précède, qui l’amène à l’étape {min(known)}, puis recommencez."
        )
    raise DatabaseUnavailableError(
        f"Cette base a été écrite par une version plus récente de l’observatoire (étape {current} de son schéma) : "
        "mettez l’observatoire à jour, puis recommencez."
    )


def _require_postgis(connection: sa.Connection) -> None:
    """Create the extension where it is missing, and check its version.

    Raises
    ------
    DatabaseUnavailableError
        If it can't be created or is too old.
    """
    query = sa.text("SELECT extversion FROM pg_extension WHERE extname = 'postgis'")
    version = connection.execute(query).scalar()
    if version is None:
        try:
            connection.execute(sa.text("CREATE EXTENSION postgis SCHEMA public"))
        except sa.exc.DBAPIError as error:
            if isinstance(error.orig, pg.InsufficientPrivilege):
                raise DatabaseUnavailableError(
                    "Cette base n’a pas PostGIS et cet utilisateur n’a pas le droit de l’ajouter : demandez à "
                    "l’administrateur d’y lancer « CREATE EXTENSION postgis; », puis recommencez."
                ) from error
            raise DatabaseUnavailableError(
                "PostGIS n’est pas installé sur le serveur de cette base : installez le paquet "
                "« postgresql-*-postgis-3 » de sa version, puis recommencez."
            ) from error
        version = connection.execute(query).scalar()
    numbers = tuple(int(part) for part in str(version).split(".")[:2])
    if numbers < POSTGIS_MIN:
        raise DatabaseUnavailableError(
            f"Cette base a PostGIS {version}, et il faut au moins {'.'.join(map(str, POSTGIS_MIN))} : mettez-le à "
            "jour, puis recommencez."
        )
