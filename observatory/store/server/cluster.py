"""The private PostgreSQL cluster: created once, started on demand, recovered when it died, on a Unix socket only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg
from psycopg import sql

from observatory.errors import ClusterError, DatabaseUnavailableError
from observatory.settings import Settings
from observatory.store.server import binaries, datadir, dump, processes
from observatory.store.server.datadir import Place

DATABASE: Final = "observatory"
ROLE: Final = "observatoire"
START_TIMEOUT_S: Final = 90.0
"""How long a server may take to answer; recovery after a crash replays the journal before it does."""


@dataclass(frozen=True)
class ClusterStatus:
    """What ``observatory db status`` says; sizes in bytes, versions empty where the server is stopped."""

    is_created: bool
    is_running: bool
    data_dir: Path
    database_dir: Path | None
    url: str
    major: int | None
    server_version: str = ""
    postgis_version: str = ""
    size_bytes: int = 0


@dataclass(frozen=True)
class Cluster:
    """The private cluster of one data directory.

    Parameters
    ----------
    data_dir
        Where it lives (see :mod:`observatory.store.server.datadir`); made on the first :meth:`up`.
    options
        PostgreSQL settings added to (or replacing) those of :data:`observatory.store.server.processes.SETTINGS`.
    """

    data_dir: Path
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Address of the database, for libpq (``psql``) and SQLAlchemy alike; the server may be stopped."""
        return _url(datadir.locate(self.data_dir))

    def up(self) -> str:
        """Make sure that the database answers, and return its address.

        Creates the cluster the first time, starts it when it is stopped, recovers it after a crash. Two processes may
        call it at once: one works, the other waits.

        Raises
        ------
        ClusterError
            If PostgreSQL or PostGIS is missing, if the data directory belongs to another version, or if the server
            can't be created or started.
        """
        place = datadir.locate(self.data_dir)
        if place.database_dir.exists() and _answers(place):
            return _url(place)
        with datadir.settled(self.data_dir) as place:
            programs = self._programs(place)
            processes.create(place, programs, role=ROLE)
            self._start(place, programs)
            _create_database(place)
        return _url(place)

    def down(self) -> bool:
        """Stop the server; return whether it was running.

        Raises
        ------
        ClusterError
            If it doesn't stop.
        """
        place = datadir.locate(self.data_dir)
        if not place.database_dir.exists():
            return False
        with datadir.locked(self.data_dir):
            was_running = processes.postmaster(place) is not None
            if was_running:
                processes.stop(place, self._programs(place))
            processes.end_orphans(place)
        return was_running

    def status(self) -> ClusterStatus:
        """Return what there is to know of the cluster, without starting it."""
        place = datadir.locate(self.data_dir)
        is_created = (place.database_dir / "PG_VERSION").exists()
        state = ClusterStatus(
            is_created=is_created,
            is_running=False,
            data_dir=self.data_dir,
            database_dir=place.database_dir if is_created else None,
            url=_url(place),
            major=processes.major_of(place),
        )
        if not is_created or not _answers(place):
            return state
        with psycopg.connect(_url(place), connect_timeout=5) as connection:
            row = connection.execute(
                "SELECT current_setting('server_version'), postgis_lib_version(), pg_database_size(current_database())"
            ).fetchone()
        if row is None:
            return state
        return replace(state, is_running=True, server_version=row[0], postgis_version=row[1], size_bytes=row[2])

    def backup(self, path: Path, *, overwrite: bool = False) -> None:
        """Write the whole database to ``path`` (see :func:`observatory.store.server.dump.write`)."""
        dump.write(self.up(), path, overwrite=overwrite)

    def restore(self, path: Path) -> None:
        """Replace the database by what ``path`` holds (see :func:`observatory.store.server.dump.read`)."""
        dump.read(self.up(), path)

    def destroy(self) -> None:
        """Stop the server and remove the cluster with all its data; for throw-away clusters, such as the tests'."""
        self.down()
        datadir.forget(datadir.locate(self.data_dir))

    def _programs(self, place: Place) -> binaries.Binaries:
        major = processes.major_of(place)
        if major is None or any(one.major == major and one.has_postgis for one in binaries.installed()):
            return binaries.choose(major=major)
        present = binaries.choose()
        raise ClusterError(
            f"Les données de {place.database_dir} ont été créées par PostgreSQL {major}, et cette machine a "
            f"PostgreSQL {present.major} : réinstallez l’ancienne version le temps d’une sauvegarde "
            f"(« apt-get install {binaries.packages(major)} », puis « observatory db backup FICHIER »), "
            "ou repartez d’un autre dossier avec OBS_DATA_DIR."
        )

    def _start(self, place: Place, programs: binaries.Binaries) -> None:
        if processes.postmaster(place) is not None:
            if (place.socket_dir / processes.SOCKET_NAME).exists():
                processes.wait_for(lambda: _answers(place, "postgres"), place, timeout_s=START_TIMEOUT_S)
                return
            # Somebody cleaned the socket away (/tmp is swept on some machines): nobody can reach that server any more.
            processes.stop(place, programs)
        processes.end_orphans(place)
        processes.start(place, programs, options=self.options, timeout_s=START_TIMEOUT_S)


def cluster_for(settings: Settings) -> Cluster:
    """Return the private cluster of these settings' data directory."""
    return Cluster(datadir.data_directory(settings))


def check_connection(url: str) -> str:
    """Return the version of the server behind ``url``, which somebody else runs.

    Raises
    ------
    DatabaseUnavailableError
        If it doesn't answer or lacks PostGIS.
    """
    try:
        with psycopg.connect(dump.libpq_url(url), connect_timeout=10) as connection:
            version = connection.execute("SHOW server_version").fetchone()
            available = connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'").fetchone()
    except psycopg.Error as error:
        raise DatabaseUnavailableError(
            "La base indiquée par OBS_DATABASE_URL ne répond pas : vérifiez l’adresse et que le serveur tourne, "
            "ou retirez cette variable pour que l’observatoire lance le sien."
        ) from error
    if available is None:
        raise DatabaseUnavailableError(
            "Le serveur indiqué par OBS_DATABASE_URL n’a pas l’extension PostGIS : demandez à son exploitant de "
            "l’installer, ou retirez cette variable."
        )
    return str(version[0]) if version else ""


def _url(place: Place, database: str = DATABASE) -> str:
    return f"postgresql://{ROLE}@/{database}?host={quote(str(place.socket_dir), safe='/')}"


def _answers(place: Place, database: str = DATABASE) -> bool:
    try:
        psycopg.connect(_url(place, database), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _create_database(place: Place) -> None:
    """Create the database with PostGIS in it under another name, then rename it: it is whole as soon as it exists."""
    unfinished = f"{DATABASE}_new"
    try:
        with psycopg.connect(_url(place, "postgres"), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                # A restore that was killed amid its swap leaves the database closed.
                opened = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS true").format(sql.Identifier(DATABASE))
                connection.execute(opened)
                return
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(unfinished)))
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(unfinished))
            )
            with psycopg.connect(_url(place, unfinished), autocommit=True) as inside:
                inside.execute("CREATE EXTENSION postgis")
            connection.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(unfinished), sql.Identifier(DATABASE))
            )
    except psycopg.Error as error:
        raise ClusterError(
            f"La base n’a pas pu être créée ({str(error).strip()}) : lisez {place.log_file}, libérez de la place s’il "
            "en manque, puis recommencez."
        ) from error
