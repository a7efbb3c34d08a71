"""Backups of the whole database, by PostgreSQL's own pg_dump and pg_restore, for the private cluster or any other."""

from __future__ import annotations

import os
import secrets
import subprocess
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from observatory.errors import DatabaseUnavailableError, InputFileError, ObservatoryError, UsageError
from observatory.store.server import binaries

TELLTALE: Final = "alembic_version"
"""Table that every migrated observatory has: a dump without it is some other database's."""
SWAP_ATTEMPTS: Final = 5


def libpq_url(url: str) -> str:
    """Return ``url`` without SQLAlchemy's driver name, as ``psql`` and psycopg read it."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}{separator}{rest}" if separator else url


def write(url: str, path: Path, *, overwrite: bool = False) -> None:
    """Dump the database at ``url`` to ``path`` (pg_dump's custom format); the file appears whole or not at all.

    Raises
    ------
    UsageError
        If the file exists and ``overwrite`` is false, or its directory doesn't exist.
    ObservatoryError
        If pg_dump fails; what it says is quoted.
    """
    if path.exists() and not overwrite:
        raise UsageError(f"{path} existe déjà : choisissez un autre nom, ou ajoutez --force pour le remplacer.")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"Le dossier {path.absolute().parent} n’existe pas : créez-le d’abord.")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        # The dump holds what the territories entered: nobody else has to read it.
        part.touch(mode=0o600)
        done = _run("pg_dump", url, ["--format=custom", f"--file={part}"])
        if done.returncode != 0:
            raise ObservatoryError(f"La sauvegarde a échoué ({_said(done)}) : rien n’a été écrit dans {path}.")
        part.replace(path)
    except OSError as error:
        raise ObservatoryError(
            f"La sauvegarde ne peut pas être écrite dans {path} ({error.strerror}) : choisissez un autre endroit."
        ) from error
    finally:
        part.unlink(missing_ok=True)


def read(url: str, path: Path) -> None:
    """Replace the database at ``url`` by what the dump ``path`` holds.

    The dump is loaded into a new database beside the present one, and the two change names at the end, in one
    transaction: whatever fails before leaves the present database as it was.

    Raises
    ------
    InputFileError
        If ``path`` isn't a readable dump of an observatory.
    ObservatoryError
        If the server refuses; the present database is untouched.
    """
    check(path)
    present = str(conninfo_to_dict(libpq_url(url))["dbname"])
    fresh = f"{present}_{secrets.token_hex(4)}"
    try:
        with psycopg.connect(_on(url, "postgres"), autocommit=True) as connection:
            try:
                connection.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(fresh))
                )
                options = ["--exit-on-error", "--no-owner", "--no-privileges", str(path)]
                done = _run("pg_restore", _on(url, fresh), options)
                if done.returncode != 0:
                    raise InputFileError(
                        f"La restauration de {path} a échoué ({_said(done)}) : la base actuelle n’a pas changé."
                    )
                _swap(connection, present=present, fresh=fresh)
            finally:
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(fresh)))
    except psycopg.OperationalError as error:
        raise DatabaseUnavailableError(
            "Le serveur de base de données a cessé de répondre pendant la restauration : vérifiez-le avec "
            "« observatory db status », puis recommencez."
        ) from error
    except psycopg.Error as error:
        raise ObservatoryError(
            f"La restauration a été refusée par le serveur ({str(error).splitlines()[0]}) : la base actuelle n’a pas "
            "changé ; demandez à son exploitant le droit de créer une base (CREATEDB)."
        ) from error


def check(path: Path) -> None:
    """Raise unless ``path`` is a dump of an observatory that pg_restore can read.

    Raises
    ------
    InputFileError
        If it is missing, unreadable, cut, or the dump of something else.
    """
    if not path.is_file():
        raise InputFileError(f"{path} n’existe pas ou n’est pas un fichier : donnez le chemin d’une sauvegarde.")
    done = _run("pg_restore", None, ["--list", str(path)])
    if done.returncode != 0:
        raise InputFileError(f"{path} n’est pas une sauvegarde lisible ({_said(done)}) : la base n’a pas changé.")
    if TELLTALE not in done.stdout:
        raise InputFileError(
            f"{path} est la sauvegarde d’une autre base que celle de l’observatoire : la base n’a pas changé."
        )


def _swap(connection: psycopg.Connection, *, present: str, fresh: str) -> None:
    """Give the fresh database the present one's name, and the reverse (the caller drops the one named ``fresh``)."""
    old, new, between = (sql.Identifier(name) for name in (present, fresh, f"{fresh}_old"))
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    for attempt in range(SWAP_ATTEMPTS):
        # New connections are refused meanwhile, or a busy page would always have one open when the name changes.
        connection.execute(sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false").format(old))
        try:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY(%s)",
                [[present, fresh]],
            )
            with connection.transaction():
                connection.execute(rename.format(old, between))
                connection.execute(rename.format(new, old))
                connection.execute(rename.format(between, new))
        except psycopg.errors.ObjectInUse:
            if attempt == SWAP_ATTEMPTS - 1:
                raise
        else:
            return
        finally:
            connection.execute(sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS true").format(old))


def _on(url: str, database: str) -> str:
    return make_conninfo(libpq_url(url), dbname=database)


def _run(program: str, url: str | None, options: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a PostgreSQL client; the password goes by the environment, since arguments are shown to the whole machine."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    command = [binaries.client(program)]
    if url is not None:
        fields = conninfo_to_dict(libpq_url(url))
        password = fields.pop("password", None)
        if password is not None:
            environment["PGPASSWORD"] = str(password)
        command.append(f"--dbname={make_conninfo('', **fields)}")
    return subprocess.run(  # noqa: S603
        [*command, *options], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=environment
    )


def _said(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "sans message")
